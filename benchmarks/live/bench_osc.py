"""OSC and SysEx on this machine: messages decoded and served a second, and what a UDP flood at a stated rate loses.

    python -m benchmarks.live.bench_osc [--rate 5000] [--seconds 5]

Rivals: python-osc's own OscMessage for decoding, its dispatcher for serving. The flood comes from a process of its own,
which counts what it sent; the last value must be in force. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message import OscMessage

from benchmarks.common.result import say_result
from bridge.controllers.sysex_port import SysexControl
from osc_protocol.server.server import OscServer
from osc_protocol.table.parameters import DEFAULTS, Setting, Value
from osc_protocol.wire.codec import decode, encode
from osc_protocol.wire.sysex import TO_ENGINE, pack

ROUND = 200  # packets: short enough to fit between two turns of a busy machine
REPEATS = 5  # of all rounds
SENDER = """
import socket, sys, time
port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
sys.path.insert(0, sys.argv[4])
from osc_protocol.wire.codec import encode
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
packets = [encode("/sideman/param/density", step / 1000) for step in range(1001)]
begin, sent = time.perf_counter(), 0
while (now := time.perf_counter() - begin) < seconds:
    while sent < now * rate:
        peer.sendto(packets[sent % 1001], ("127.0.0.1", port))
        sent += 1
    time.sleep(0.0005)
print(sent, (sent - 1) % 1001 / 1000)
"""


def per_s(act: Callable[[bytes], object], packets: list[bytes]) -> float:
    """Returns the best rate of many short rounds, in packets a second."""
    best_s = float("inf")
    for start in [*range(0, len(packets), ROUND)] * REPEATS:
        begin_s = time.perf_counter()
        for packet in packets[start : start + ROUND]:
            act(packet)
        best_s = min(best_s, time.perf_counter() - begin_s)
    return ROUND / best_s


def make_server(values: dict[str, Value], heard: list[int]) -> OscServer:
    """Makes a server on a free port whose engine is a dict."""

    def take(setting: Setting) -> None:
        values[setting.name] = setting.value
        heard[0] += 1

    return OscServer(take, lambda address, arguments: None, values.__getitem__, port=0, out_port=None)


def flood(rate: float, seconds: float) -> dict[str, Any]:
    """Sweeps a knob over UDP; returns how much arrived."""
    values = dict(DEFAULTS)
    heard = [0]
    with make_server(values, heard) as server:
        arguments = [sys.executable, "-c", SENDER, str(server.port), str(rate), str(seconds), sys.path[0]]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        sent, last = done.stdout.split()
        end_s = time.monotonic() + 2
        while heard[0] < int(sent) and time.monotonic() < end_s:
            time.sleep(0.01)
    return {"rate": rate, "sent": int(sent), "taken": heard[0], "last_right": values["density"] == float(last)}


def main() -> None:
    """Measures, prints the table and the JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=5000.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    packets = [encode("/sideman/param/density", step % 1001 / 1000) for step in range(2000)]  # 0..1: all are taken
    values = dict(DEFAULTS)
    heard = [0]
    server = make_server(values, heard)
    dispatcher = Dispatcher()
    dispatcher.map("/sideman/param/density", lambda address, value: values.__setitem__("density", value))
    frames = [frame for number, packet in enumerate(packets) for frame in pack(packet, TO_ENGINE, number)]
    framed = [0]
    control = SysexControl(make_server(values, framed), lambda frame: None, start=False)
    rates = {
        "decode": per_s(decode, packets),
        "python-osc OscMessage": per_s(OscMessage, packets),
        "serve": per_s(server.handle_packet, packets),
        "python-osc dispatcher": per_s(lambda packet: dispatcher.call_handlers_for_packet(packet, ("", 0)), packets),
        "SysEx frame to value": per_s(control.receive, frames),
    }
    assert heard[0] == framed[0] == REPEATS * len(packets), f"{heard[0]} and {framed[0]} of {REPEATS * len(packets)}"
    lost = flood(args.rate, args.seconds)
    for name, rate in rates.items():
        print(f"{name:24} {rate:10.0f} messages/s")
    print(
        f"UDP at {lost['rate']:.0f}/s: {lost['taken']} of {lost['sent']} taken, last value right: {lost['last_right']}"
    )
    say_result("osc", {"per_s": rates, "udp": lost})


if __name__ == "__main__":
    main()
