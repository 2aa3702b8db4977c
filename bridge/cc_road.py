"""The road of plain MIDI controllers to the OSC server: a thread between the ports' callbacks and the checks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from bridge.cc_decoder import CcDecoder
from bridge.cc_map import CcMap
from osc_protocol.codec import decode, encode
from osc_protocol.parameters import BY_NAME
from osc_protocol.replies import VALUE
from osc_protocol.server import OscServer

__all__ = ["CcRoad"]

CAPACITY: Final = 1024  # messages waiting
_CONTROL_CHANGE: Final = 0xB0


class CcRoad:
    """from_in(), from_control(): the MIDI callbacks; they return at once. The rest happens on this object's thread.

    send_feedback(message): moves a motor fader; None for none. What it raises is counted in `failed`.
    """

    def __init__(self, server: OscServer, cc_map: CcMap, send_feedback: Callable[[bytes], None] | None = None) -> None:
        self.dropped = 0  # messages that found the queue full
        self.failed = 0
        self._server, self._send_feedback = server, send_feedback
        self._in = CcDecoder(cc_map, server.value)
        self._control = CcDecoder(cc_map, server.value, any_channel=True)
        self._queue: queue.Queue[tuple[CcDecoder, bytes, float] | str | None] = queue.Queue()
        self._changed: set[str] = set()  # names in the queue
        if send_feedback is not None:
            server.add_listener(self._hear)
            for control in cc_map.controls:
                self._queue.put(control.name)
        self._thread = threading.Thread(target=self._run, name="sideman-cc", daemon=True)
        self._thread.start()

    def from_in(self, message: bytes) -> None:
        """A message of the In port."""
        self._put(self._in, message)

    def from_control(self, message: bytes) -> None:
        """A message of the control port, where every channel counts."""
        self._put(self._control, message)

    def close(self) -> None:
        """Ends the thread."""
        self._server.remove_listener(self._hear)
        self._queue.put(None)
        self._thread.join()

    def _put(self, decoder: CcDecoder, message: bytes) -> None:
        if len(message) == 3 and message[0] & 0xF0 == _CONTROL_CHANGE:
            if self._queue.qsize() < CAPACITY:
                self._queue.put((decoder, message, time.monotonic()))
            else:
                self.dropped += 1

    def _hear(self, packet: bytes) -> None:
        message = decode(packet)[0]
        name = str(message.arguments[0]) if message.address == VALUE else ""
        if name and name not in self._changed:
            self._changed.add(name)
            self._queue.put(name)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, str):
                self._changed.discard(item)
                self._show(item)
                continue
            decoder, message, time_s = item
            for name, value in decoder.take(message, time_s):
                for reply in self._server.handle_packet(encode(BY_NAME[name].address, value)):
                    self._server.forward(reply)  # a refusal: MIDI has no way to answer

    def _show(self, name: str) -> None:
        assert self._send_feedback is not None
        for message in self._in.feedback(name):
            try:
                self._send_feedback(message)
            except Exception:  # a lost port must not end the thread
                self.failed += 1
