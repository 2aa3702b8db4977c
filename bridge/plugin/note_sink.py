"""A session's notes on their way to a plug-in: moments of the session's clock become beats of its host."""

from __future__ import annotations

from collections.abc import Callable

from bridge.live.host_transport import HostTransport
from bridge.plugin import wire

__all__ = ["NoteSink"]


class NoteSink:
    """The producer's side of the plug-in's scheduler, see EventSink. Session thread only."""

    def __init__(self, host: HostTransport, send: Callable[[bytes], None]) -> None:
        """send takes whole frames, and never refuses one."""
        self._host, self._send = host, send

    def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
        self._send(wire.note(self._host.epoch, self._micro(due_us), bytes((status, data1, data2))))
        return True

    def cancel_from(self, due_us: int) -> bool:
        self._send(wire.cancel(self._host.epoch, self._micro(due_us)))
        return True

    def silence(self) -> bool:
        self._send(wire.silence(self._host.epoch))
        return True

    def _micro(self, due_us: int) -> int:
        return wire.to_micro(self._host.time.beat(due_us))
