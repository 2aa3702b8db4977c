"""The thread that runs a session's rounds, and what becomes of a round that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol

from bridge.errors import LiveFailure
from bridge.live.inbox import Inbox
from bridge.live.supervision import LOST_US, RESTART_WINDOW_S, RESTARTS, RestartLimit
from engine.platform.system import this_system

__all__ = ["SessionThread"]

SHORTEST_WAIT_S: Final = 0.0005  # between two rounds without news: with real-time priority no round may come too soon


class Rounds(Protocol):
    """LiveSession, as far as its thread needs it."""

    inbox: Inbox

    def step(self) -> float:
        """Runs one round; returns the longest time in seconds until the next one."""

    def broke(self, error: BaseException) -> None:
        """Silences after a round that failed; the next one starts afresh."""

    def resync(self, why: str) -> None:
        """Ends every note; the next round goes on from now."""

    def silence(self) -> None:
        """Ends every note."""


class SessionThread:
    """The thread that made it calls start() and stop()."""

    def __init__(
        self, session: Rounds, on_failure: Callable[[BaseException], None], slept_us: Callable[[], int] | None = None
    ) -> None:
        """on_failure: called once on the thread, after silence, when the session is beyond help.

        slept_us: how long the machine has slept; by default the system is asked.
        """
        self._session, self._on_failure = session, on_failure
        self._slept_us = slept_us or this_system().slept_us
        self._limit = RestartLimit()
        self._thread = threading.Thread(target=self._run, name="sideman-session", daemon=True)

    def start(self) -> None:
        """Starts the rounds."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Silences and ends the thread; False if it is stuck."""
        self._session.inbox.close()
        return self.join(timeout_s)

    def join(self, timeout_s: float) -> bool:
        """Waits for the end; False if it does not come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        this_system().raise_priority("session")
        inbox = self._session.inbox
        slept_us = self._slept_us()
        try:
            while not inbox.closed:
                try:
                    inbox.wait(max(self._session.step(), SHORTEST_WAIT_S))
                except BaseException as error:  # SystemExit too: whatever ends this thread must not end the music
                    self._session.broke(error)
                    if not self._limit.allows():
                        raise LiveFailure(_gives_up(error)) from error
                if self._slept_us() - slept_us > LOST_US:
                    slept_us = self._slept_us()
                    self._session.resync("the machine slept")
        except Exception as failure:
            self._on_failure(failure)
        finally:
            self._session.silence()


def _gives_up(error: BaseException) -> str:
    return (
        f"the session failed {RESTARTS + 1} times within {RESTART_WINDOW_S:.0f} seconds, now with "
        f"{type(error).__name__}: {error}: it gives up; start it with --log and send that file as a report"
    )
