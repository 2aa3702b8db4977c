"""Holds the ports of a session on a JACK server, in a process of their own that can be dropped.

When jackd dies, rtmidi's clients can neither be used nor closed: sends vanish, then hang with the GIL held, and a new
client of the same process finds the memory of the old server. So the clients live in bridge/midi/jack/child.py: the
session loses a pipe, nothing more, and a new child opens the same ports when the server is back.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import PortError
from bridge.midi.jack.wire import CONTROL, control_frame, frame, frames
from bridge.midi.ports import GONE_OR_BACK
from engine.platform.system import this_system

__all__ = ["HostedPort", "JackHost"]

ANSWER_S: Final = 15.0  # for a port to open
LEAVE_S: Final = 3.0  # for the child to close its ports
RETRY_S: Final = 0.5  # between two looks at whether the server is back


@dataclass(frozen=True)
class HostedPort:
    """One port of the child's."""

    name: str
    send: Callable[[Sequence[int]], None]


class _Wish:
    """A port that was asked for, kept so that it can be opened again."""

    def __init__(self, number: int, take: Callable[[bytes], None] | None, spec: dict[str, Any]) -> None:
        self.number, self.take, self.spec = number, take, spec


class _Child:
    """One process and its pipes."""

    def __init__(self, on_frame: Callable[[int, bytes], None]) -> None:
        self.answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.why = "its process ended"  # why it left
        self._on_frame = on_frame
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bridge.midi.jack.child"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            start_new_session=True,  # the terminal's signals are for the session alone
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._sink, self._source = self._process.stdin, self._process.stdout
        os.set_blocking(self._sink.fileno(), False)  # a child that hangs must not hang the deadline thread
        self._writing = threading.Lock()
        self.thread = threading.Thread(target=self._read, name="sideman-jack-in", daemon=True)
        self.thread.start()

    def write(self, data: bytes) -> None:
        """Writes a frame, or ends a child whose pipe is full. Never waits."""
        with self._writing:
            try:
                if os.write(self._sink.fileno(), data) == len(data):
                    return
            except (OSError, ValueError):  # full, broken or closed
                pass
            self._process.kill()

    def open(self, wish: _Wish) -> str:
        """Has the child open a port; returns its name. PortError if the child refuses it or has gone."""
        self.write(control_frame(open=wish.number, **wish.spec))
        try:
            answer = self.answers.get(timeout=ANSWER_S)
        except queue.Empty:
            raise PortError(f"the JACK server does not answer for {wish.spec['own']!r}: start it anew") from None
        if answer.get("opened") != wish.number:
            raise PortError(str(answer.get("why", f"the JACK server went away ({self.why}): start it again")))
        return str(answer["name"])

    def leave(self) -> None:
        """Lets the child close its ports, and ends it if it does not."""
        with self._writing:
            self._sink.close()
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.thread.join(LEAVE_S)
        self._source.close()

    def _read(self) -> None:
        this_system().raise_priority("deadline")
        try:
            for number, payload in frames(self._source.fileno()):
                if number != CONTROL:
                    self._on_frame(number, payload)
                    continue
                said = json.loads(payload)
                self.why = said.get("died", self.why)
                if "opened" in said or "refused" in said:
                    self.answers.put(said)
                else:
                    self._on_frame(CONTROL, payload)
        except OSError:
            pass
        self.answers.put({})  # nobody waits for an answer that cannot come


class JackHost:
    """Ports are opened, and the host closed, by one thread; a port's send is safe from every thread, and never waits.

    Callbacks come on the host's own threads and must return at once.
    """

    def __init__(
        self, on_lost: Callable[[str], None], on_back: Callable[[], None], on_note: Callable[[str], None]
    ) -> None:
        """on_lost(why): the server died; from now on sends vanish, and nothing is heard. on_back(): the ports are there
        again; whatever was connected to virtual ones must be connected anew. on_note(text): a named port came or went.
        """
        self._on_lost, self._on_back, self._on_note = on_lost, on_back, on_note
        self._wishes: dict[int, _Wish] = {}
        self._numbers = 0
        self._closing = threading.Event()
        self._child: _Child | None = _Child(self._take)
        self._keeper = threading.Thread(target=self._keep, name="sideman-jack", daemon=True)
        self._keeping = False

    def output(self, own_name: str, existing: str | None) -> HostedPort:
        """Opens the existing port of that whole name, or a virtual one called own_name. PortError."""
        return self._open(None, {"kind": "out", "own": own_name, "existing": existing})

    def input(
        self, own_name: str, existing: str | None, take: Callable[[bytes], None], *, sysex: bool, clock: bool
    ) -> HostedPort:
        """Opens an input port likewise: take(message) is called on the host's thread. PortError."""
        spec = {"kind": "in", "own": own_name, "existing": existing, "sysex": sysex, "clock": clock}
        return self._open(take, spec)

    def close(self) -> None:
        """Closes every port. A second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        child = self._child
        if child is not None:
            child.leave()
        if self._keeping:
            self._keeper.join(LEAVE_S + ANSWER_S)

    def _open(self, take: Callable[[bytes], None] | None, spec: dict[str, Any]) -> HostedPort:
        self._numbers += 1
        wish = _Wish(self._numbers, take, spec)
        child = self._child
        if child is None:
            raise PortError("the JACK server went away: start it again")
        self._wishes[wish.number] = wish  # first: what comes with the opening is heard
        try:
            name = child.open(wish)
        except PortError:
            del self._wishes[wish.number]
            raise
        if not self._keeping:
            self._keeping = True
            self._keeper.start()

        def send(message: Sequence[int]) -> None:
            child = self._child
            if child is not None:
                child.write(frame(wish.number, bytes(message)))

        return HostedPort(name, send)

    def _take(self, number: int, payload: bytes) -> None:
        if number == CONTROL:
            self._tell(json.loads(payload))
            return
        wish = self._wishes.get(number)
        if wish is not None and wish.take is not None:
            wish.take(payload)

    def _tell(self, said: dict[str, Any]) -> None:
        if "unwatched" in said:
            self._on_note("without PyPI's JACK-Client the end of jackd goes unnoticed: `pip install JACK-Client`")
        for state, text in GONE_OR_BACK.items():
            wish = self._wishes.get(said.get(state, 0))
            if wish is not None:
                self._on_note(text.format(wish.spec["existing"]))

    def _keep(self) -> None:
        """Waits until the child is gone, then starts another."""
        while not self._closing.is_set():
            child = self._child
            assert child is not None
            child.thread.join()
            if self._closing.is_set():
                return
            self._child = None
            self._on_lost(child.why)
            child.leave()
            while not self._closing.wait(RETRY_S):
                fresh = _Child(self._take)
                try:
                    for wish in tuple(self._wishes.values()):
                        fresh.open(wish)
                except PortError:
                    fresh.leave()
                    continue
                self._child = fresh
                if self._closing.is_set():
                    fresh.leave()
                else:
                    self._on_back()
                break
