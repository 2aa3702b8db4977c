"""The fake FL Studio in real time, on real JACK ports, in a process of its own.

    python tests/support/fl/process.py PROFILE OSC_PORT

Joins `Sideman Control`, waits until the script is connected and prints `connected`. Then each line of stdin, a JSON
list, is one thing to do, and one JSON line tells of it:

    ["turn", CC, POSITION, PAUSE_S]   pauses, then turns a knob: [ms until in force, ms until shown, hint]
    ["flood", MOVES, PER_S]           ten knobs in turn, so fast, until all is confirmed: [seconds, frames sent]
    ["wait", HINT, TIMEOUT_S]         works until a hint of this text is shown: [whether, hints since the last one]

A value is in force when the engine tells it over UDP, which a thread here hears. Ends with stdin, printing what the
host noted: {"violations": [...], "disabled": null}.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import rtmidi

sys.path.insert(0, str(Path(__file__).parents[3]))

from osc_protocol.table.parameters import BY_CC, from_cc
from osc_protocol.wire.codec import decode, encode
from tests.support.fl.host import FakeFL
from tests.support.fl.script import whole_script

IDLE_S = 0.02
GIVE_UP_S = 10.0


class Ports:
    """FL's side of the control pair, and FL's main loop."""

    def __init__(self, fl: FakeFL) -> None:
        self.fl = fl
        self.frames = 0  # that left FL
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

    @property
    def is_late(self) -> bool:
        """Whether OnIdle should have come by now."""
        return time.monotonic() >= self._next_idle_s

    def work(self) -> None:
        """A millisecond of FL: SysEx in as it comes, OnIdle every 20 ms, SysEx out."""
        time.sleep(0.001)
        self.fl.now_s = time.monotonic()
        while not self._heard.empty():
            message = self._heard.get()
            (self.fl.receive_sysex if message[0] == 0xF0 else self.fl.receive_short)(message)
        if self.fl.now_s >= self._next_idle_s and self.fl.idle:
            self._next_idle_s = self.fl.now_s + IDLE_S
            self.fl.call("OnIdle")
        self.flush()

    def flush(self) -> None:
        for frame in self.fl.sent:
            self._out.send_message(frame)
            self.frames += 1
        self.fl.sent.clear()

    def wait(self, done: Any, timeout_s: float = GIVE_UP_S) -> bool:
        give_up_s = time.monotonic() + timeout_s
        while not (is_done := done()) and time.monotonic() < give_up_s:
            self.work()
        return bool(is_done)


class Observer:
    """Hears over UDP which values the engine has, and when."""

    def __init__(self, osc_port: int) -> None:
        self.values: dict[str, tuple[object, float]] = {}  # by name: the newest, and when it came
        self._target = ("127.0.0.1", osc_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.subscribe()
        threading.Thread(target=self._listen, daemon=True).start()

    def subscribe(self) -> None:
        self._socket.sendto(encode("/sideman/subscribe", self._socket.getsockname()[1]), self._target)

    def _listen(self) -> None:
        while True:
            with contextlib.suppress(ConnectionError):  # of an engine that was killed
                for address, arguments in decode(self._socket.recv(4096)):
                    if address == "/sideman/value":
                        self.values[str(arguments[0])] = (arguments[1], time.monotonic())


class Studio:
    """What can be asked for on stdin."""

    def __init__(self, profile: str, osc_port: int) -> None:
        self.fl = FakeFL(whole_script(), profile)
        self.fl.now_s = time.monotonic()
        self.fl.load()
        self.ports = Ports(self.fl)
        self.observer = Observer(osc_port)
        self.app = self.fl.modules["device_Sideman"].app
        self._hints = 0

    def connect(self) -> bool:
        self.ports.wait(lambda: "Sideman: connected" in self.fl.hints)
        return self.ports.wait(lambda: "mode" in self.app.values)  # the last of the table

    def turn(self, number: int, position: int, pause_s: float = 0.0) -> list[object]:
        resume_s = time.monotonic() + pause_s
        self.ports.wait(lambda: time.monotonic() >= resume_s)
        name, value = BY_CC[number].name, from_cc(BY_CC[number], position)
        begun_s = self._move(number, position)
        shown = self.ports.wait(lambda: not self.app.sure.told)
        shown_s = time.monotonic()
        had = self.ports.wait(lambda: self._has(name, value, begun_s), 2.0)
        if not (shown and had):
            return [None, None, self.fl.hints[-1]]
        in_force_s = self.observer.values[name][1]
        return [round((at_s - begun_s) * 1000, 2) for at_s in (in_force_s, shown_s)] + [self.fl.hints[-1]]

    def flood(self, moves: int, per_s: float) -> list[object]:
        frames, begun_s = self.ports.frames, time.monotonic()
        for move in range(moves):
            self.ports.wait(lambda move=move: time.monotonic() >= begun_s + move / per_s)
            if self.ports.is_late:  # FL's main loop goes round however many moves have piled up
                self.ports.work()
            self._move(20 + move % 10, move * 7 % 128)
        self.ports.wait(lambda: not self.app.sure.told)
        return [round(time.monotonic() - begun_s, 2), self.ports.frames - frames]

    def wait(self, hint: str, timeout_s: float = GIVE_UP_S) -> list[object]:
        begin, self._hints = self._hints, len(self.fl.hints)
        seen = self.ports.wait(lambda: any(hint in text for text in self.fl.hints[begin:]), timeout_s)
        self._hints = len(self.fl.hints)
        self.observer.subscribe()  # an engine that has come back has forgotten
        return [seen, self.fl.hints[begin:]]

    def _move(self, number: int, position: int) -> float:
        self.fl.now_s = time.monotonic()
        self.fl.control_change(number, position)
        self.ports.flush()
        return self.fl.now_s

    def _has(self, name: str, value: float, begun_s: float) -> bool:
        told, at_s = self.observer.values.get(name, (None, 0.0))
        return at_s >= begun_s and isinstance(told, int | float) and abs(told - value) < 1e-4


def main() -> None:
    studio = Studio(sys.argv[1], int(sys.argv[2]))
    print("connected" if studio.connect() else "absent", flush=True)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: [*map(lines.put, sys.stdin), lines.put("")], daemon=True).start()
    while True:
        studio.ports.work()
        if lines.empty():
            continue
        line = lines.get()
        if not line:
            break
        what, *arguments = json.loads(line)
        print(json.dumps(getattr(studio, what)(*arguments)), flush=True)
    studio.ports.close()
    print(json.dumps({"violations": studio.fl.violations, "disabled": studio.fl.disabled}), flush=True)


if __name__ == "__main__":
    main()
