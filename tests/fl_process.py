"""The fake FL Studio in real time, on real JACK ports, in a process of its own.

    python tests/fl_process.py PROFILE

Joins `Sideman Control`, waits until the script is connected and prints `connected`. Then, for each line `CC POSITION`
on stdin, turns that knob and prints one JSON line: [milliseconds until the engine's value was back, hint]. Ends with
stdin, printing what the host noted: {"violations": [...], "disabled": null}.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

import rtmidi

sys.path.insert(0, str(Path(__file__).parents[1]))

from osc_protocol.generate_fl import FOLDER
from tests.fake_fl.host import FakeFL

IDLE_S = 0.02
GIVE_UP_S = 10.0


class Ports:
    """FL's side of the control pair, and FL's main loop."""

    def __init__(self, fl: FakeFL) -> None:
        self.fl = fl
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._in = rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK, name="FL in")
        self._in.ignore_types(sysex=False)
        self._in.set_callback(lambda event, _: self._heard.put(bytes(event[0])))
        self._out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="FL out")
        for client in (self._in, self._out):
            names = client.get_ports()
            client.open_port(next(index for index, name in enumerate(names) if "Sideman Control" in name), "control")
        self._next_idle_s = time.monotonic()

    def close(self) -> None:
        """Leaves JACK in order: a client that just dies stalls the others."""
        for client in (self._in, self._out):
            client.close_port()
            client.delete()

    def work(self) -> None:
        """A millisecond of FL: SysEx in as it comes, OnIdle every 20 ms, SysEx out."""
        time.sleep(0.001)
        self.fl.now_s = time.monotonic()
        while not self._heard.empty():
            self.fl.receive_sysex(self._heard.get())
        if self.fl.now_s >= self._next_idle_s:
            self._next_idle_s = self.fl.now_s + IDLE_S
            self.fl.call("OnIdle")
        self.flush()

    def flush(self) -> None:
        for frame in self.fl.sent:
            self._out.send_message(frame)
        self.fl.sent.clear()

    def wait(self, done: Any) -> None:
        give_up_s = time.monotonic() + GIVE_UP_S
        while not done() and time.monotonic() < give_up_s:
            self.work()


def main() -> None:
    fl = FakeFL(FOLDER, sys.argv[1])
    fl.now_s = time.monotonic()
    fl.load()
    ports = Ports(fl)
    ports.wait(lambda: "Sideman: connected" in fl.hints)
    app = fl.modules["device_Sideman"].app
    ports.wait(lambda: "mode" in app.values)  # the last of the table
    print("connected" if app.link.connected else "absent", flush=True)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: [lines.put(line) for line in (*sys.stdin, "")], daemon=True).start()
    while True:
        ports.work()
        if lines.empty():
            continue
        line = lines.get()
        if not line:
            break
        number, position = map(int, line.split())
        begun_s = time.monotonic()
        fl.now_s = begun_s
        fl.control_change(number, position)
        ports.flush()
        ports.wait(lambda: not app._unconfirmed)
        print(json.dumps([round((time.monotonic() - begun_s) * 1000, 2), fl.hints[-1]]), flush=True)
    ports.close()
    print(json.dumps({"violations": fl.violations, "disabled": fl.disabled}), flush=True)


if __name__ == "__main__":
    main()
