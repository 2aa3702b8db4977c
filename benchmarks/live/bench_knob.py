"""A knob in FL Studio's script -> the parameter in force in a running `sideman play`, and its value shown again in FL.

    python -m benchmarks.live.bench_knob [--moves 1000] [--engine shipped|fake]

The script runs in the fake FL host, in a process of its own, in real time: OnIdle every 20 ms, which is what paces its
frames. Between it and `sideman play` lie real JACK MIDI ports and the SysEx road. Moves come at random moments, on
three knobs in turn. In force: the engine tells the value over UDP. Shown: the value is back in the script. A thousand
moves a second follow, of which the last value of each of ten knobs must be right. The rival in the same run is the
plain road, the same knob as OSC over UDP, set and told again. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import random
import socket
import time

from benchmarks.common.machine import percentiles
from benchmarks.common.result import say_result
from osc_protocol.table.parameters import BY_CC, from_cc
from osc_protocol.wire.codec import decode, encode
from osc_protocol.wire.replies import VALUE
from tests.fl_scripts.test_real import FL
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import FAKE_ENGINE, SHIPPED_ENGINE, ask, playing

KNOBS = (20, 24, 29)  # temperature, density, velocity
LIMIT_MS = 40.0  # p99 asked of the knob
PAUSE_S = 0.04  # at most, before a move: two idle ticks


def by_udp(osc_port: int, moves: int) -> list[float]:
    """Returns milliseconds from sending a value over UDP until the engine tells it."""
    times_ms = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        target = ("127.0.0.1", osc_port)
        peer.sendto(encode("/sideman/subscribe", peer.getsockname()[1]), target)
        for move in range(moves):
            time.sleep(0.025)  # a subscriber hears of one name 50 times a second at most
            row, position = BY_CC[KNOBS[move % 3]], move * 13 % 128
            value = from_cc(row, position)
            begun_s = time.monotonic()
            peer.sendto(encode(row.address, value), target)
            while (told := decode(peer.recv(4096))[0]).address != VALUE or told.arguments[0] != row.name:
                continue
            times_ms.append((time.monotonic() - begun_s) * 1000)
    return times_ms


def main() -> None:
    """Measures, prints the table and the JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--moves", type=int, default=1000)
    parser.add_argument("--engine", choices=("shipped", "fake"), default="shipped")
    args = parser.parse_args()
    dice = random.Random(7)
    options = ["--chords", "Dm7 | G7 | Cmaj7 | %"]  # it plays all the while
    engine = SHIPPED_ENGINE if args.engine == "shipped" else FAKE_ENGINE
    with running_jack() as server, playing(server, engine, options) as (play, _):
        fl = FL(server, play.osc_port)
        try:
            answers = [
                fl.do("turn", KNOBS[move % 3], dice.randrange(128), dice.random() * PAUSE_S)
                for move in range(args.moves)
            ]
            seconds, frames = fl.do("flood", 1000, 1000.0, timeout_s=60.0)
            right = 0
            for move in range(990, 1000):
                row = BY_CC[20 + move % 10]
                right += abs(float(str(ask(play.osc_port, row.name))) - float(from_cc(row, move * 7 % 128))) < 1e-4
            fl.finish()
        finally:
            fl.kill()
        udp_ms = by_udp(play.osc_port, min(args.moves, 300))
        play.end()
    lost = sum(answer[0] is None for answer in answers)
    heard = [answer for answer in answers if answer[0] is not None]
    rows = {
        "knob in FL -> in force": percentiles([answer[0] for answer in heard]),
        "knob in FL -> shown in FL": percentiles([answer[1] for answer in heard]),
        "OSC over UDP -> told": percentiles(udp_ms),
    }
    print(f"{'ms':28}{'p50':>8}{'p99':>8}{'max':>8}")
    for name, ms in rows.items():
        cells = (f"{ms[key]:8.2f}" if key in ms else f"{'-':>8}" for key in ("p50", "p99", "max"))  # all may be lost
        print(f"{name:28}" + "".join(cells))
    print(f"{len(answers)} moves, {lost} lost; asked: p99 below {LIMIT_MS:.0f} ms")
    print(f"1000 moves a second on ten knobs: {right} of 10 last values right after {seconds:.2f} s, {frames} frames")
    flood = {"right": right, "of": 10, "seconds": seconds, "frames": frames}
    say_result("knob", {"engine": args.engine, "moves": len(answers), "lost": lost, "ms": rows, "flood": flood})


if __name__ == "__main__":
    main()
