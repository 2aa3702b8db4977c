"""The deadline thread: takes due events off the scheduler and sends them to the port.

It owns the output port from start() to finish(): nobody else sends in between, and it ends every note that it began.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from bridge.midi.echo import Echo
from bridge.midi.numbers import DRUMS, NOTE_OFF, NOTE_ON
from bridge.midi.sounding import SoundingKeys, clean_up, is_strike
from engine.platform.system import this_system

__all__ = ["DeadlineThread", "DueSource"]

LATE_US: Final = 250_000  # a strike so late is left out: the process stood still, and all that fell due comes at once
_WAIT_US: Final = 50_000  # how long a wait for the next event lasts before the thread looks up
_ECHO_WAIT_US: Final = 1_000  # the same, where what the player does must be heard at once
_JOIN_S: Final = 1.0


class DueSource(Protocol):
    """The consumer's side of native.Scheduler."""

    def wait_due(self, timeout_us: int) -> Sequence[tuple[int, int, int, int]]:
        """Returns (due_us, status, data1, data2) of the events due now; nothing when the time is out."""

    def close(self) -> None:
        """Wakes the waiter."""


class DeadlineThread:
    """Sends what is due. `send` is called on the deadline thread, and after it by finish()."""

    def __init__(
        self,
        scheduler: DueSource,
        send: Callable[[Sequence[int]], None],
        clock: Callable[[], int],
        on_failure: Callable[[BaseException], None],
        on_sent: Callable[[int, bytes], None] = lambda time_us, message: None,
        echo: Echo | None = None,
    ) -> None:
        """send: hands one message to the port, may raise. clock: monotonic microseconds, the scheduler's own clock.

        on_failure: called once, on the deadline thread, if it must give up; on_sent: what was sent, and when. echo:
        what the player plays is sent, too, and is not the sideman's.
        """
        self._scheduler, self._send, self._clock, self._echo = scheduler, send, clock, echo
        self._on_failure, self._on_sent = on_failure, on_sent
        self._finishing = threading.Event()
        self._port_lost = threading.Event()
        self._hushing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sideman-deadline", daemon=True)
        self.lateness_us: deque[int] = deque(maxlen=8192)  # of the latest events: sent minus due
        self.sent = 0  # messages
        self.missed = 0  # strikes left out because they came too late
        self._is_clean = False  # the receiver holds nothing of a session before this one; deadline thread only
        self._keys = SoundingKeys()  # deadline thread only

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def port_lost(self) -> None:
        """Sends nothing from now on; what sounded has ended. The port's watchdog calls it, on its own thread."""
        self._port_lost.set()

    def port_back(self) -> None:
        """Sends again. Any thread may call it."""
        self._is_clean = False  # whoever listens now may hold what was never ended
        self._port_lost.clear()

    def hush(self) -> None:
        """Ends every sounding note within 50 ms, for a session that hangs. Any thread may call it."""
        self._hushing.set()

    def finish(self) -> bool:
        """Ends every sounding note, then the thread. Returns False if a send hangs. Nothing is sent after it returns.

        It needs no other thread: whatever became of the session, the notes end.
        """
        self._finishing.set()
        self._scheduler.close()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        this_system().raise_priority("deadline")
        try:
            self._clean({0, DRUMS})
            wait_us = _WAIT_US if self._echo is None else _ECHO_WAIT_US
            while not self._finishing.is_set():
                for due_us, status, data1, data2 in self._scheduler.wait_due(wait_us):
                    if self._finishing.is_set() and status & 0xF0 == NOTE_ON:
                        continue  # ended below, together with the rest
                    self._play(due_us, (status, data1, data2))
                if self._hushing.is_set():
                    self._hushing.clear()
                    self._end_notes()
                for message in () if self._echo is None else self._echo.take():
                    self._emit(message, own=False)
        except Exception as error:
            self._on_failure(error)
        finally:
            self._silence()

    def _play(self, due_us: int, message: tuple[int, int, int]) -> None:
        kind = message[0] & 0xF0
        if kind == NOTE_ON and self._clock() - due_us > LATE_US:
            self.missed += 1
            return
        if kind == NOTE_OFF and not self._keys.sounds(message):
            return  # of a strike that was left out
        if kind == NOTE_ON and not self._is_clean:
            # Only now is a receiver sure to be there: virtual ports are connected after they are made.
            self._clean({message[0] & 0x0F})
            self._is_clean = True
        self._emit(message)
        self.lateness_us.append(self._clock() - due_us)

    def _clean(self, channels: set[int]) -> None:
        """Ends what a receiver may hold of a process that was killed."""
        for message in clean_up(channels):
            self._emit(message)

    def _emit(self, message: tuple[int, int, int], *, own: bool = True) -> None:
        """Sends a message. own: it is the sideman's, which is counted and recorded."""
        lost = self._port_lost.is_set()
        if lost and (is_strike(message) or not self._keys.sounds(message)):
            return
        self._keys.sending(message)
        if not lost:
            self._send(message)
        self._keys.sent(message)
        if own:
            self._on_sent(self._clock(), bytes(message))
            self.sent += 1

    def _end_notes(self) -> None:
        for message in self._keys.ends():
            self._emit(message)

    def _silence(self) -> None:
        """Sends NOTE_OFF for what sounds, then the controllers that end what a receiver may still hold."""
        try:
            self._end_notes()
            self._clean({0, *self._keys.channels})
        except Exception as error:  # the port is gone: what sounds there cannot be reached any more
            self._on_failure(error)
