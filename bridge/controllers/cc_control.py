"""Plain MIDI controllers in front of the OSC server: a thread between the ports' callbacks and the checks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from bridge.controllers.buttons import Buttons
from bridge.controllers.decoder import CcDecoder
from bridge.controllers.map import CcMap
from bridge.controllers.watch import MapWatch
from bridge.errors import CcMapError
from bridge.midi.numbers import CONTROL_CHANGE
from osc_protocol.server.server import OscServer
from osc_protocol.table.parameters import BY_NAME
from osc_protocol.wire.codec import decode, encode
from osc_protocol.wire.replies import VALUE

__all__ = ["CcControl"]

CAPACITY: Final = 1024  # messages waiting
WATCH_S: Final = 1.0  # between two looks at the map's file


class _Port:
    """What one port's controllers mean by one map. decoder: the thread of CcControl; buttons: the MIDI system's."""

    def __init__(self, cc_map: CcMap, server: OscServer, *, any_channel: bool) -> None:
        self.decoder = CcDecoder(cc_map, server.value, any_channel=any_channel)
        self.buttons = Buttons(cc_map.buttons, None if any_channel else cc_map.channel)


class CcControl:
    """from_in(), from_control(): the MIDI callbacks; they return at once. The rest happens on this object's thread.

    send_feedback(message): moves a motor fader; None for none. What it raises is counted in `failed`.
    say(what, text): hears that the map's file was read anew, or why not (`error`); on this object's thread.
    """

    def __init__(
        self,
        server: OscServer,
        cc_map: CcMap,
        send_feedback: Callable[[bytes], None] | None = None,
        say: Callable[[str, str], None] = lambda what, text: None,
    ) -> None:
        self.dropped = 0  # messages that found the queue full
        self.failed = 0
        self._server, self._send_feedback, self._say = server, send_feedback, say
        self._watch = MapWatch(cc_map)
        self._queue: queue.Queue[tuple[CcDecoder, bytes, float] | bytes | str | None] = queue.Queue()
        self._changed: set[str] = set()  # names in the queue
        self._use(cc_map)
        if send_feedback is not None:
            server.add_listener(self._hear)
        self._thread = self._started()

    def from_in(self, message: bytes) -> bool:
        """Takes a message of the In port; returns whether it was a button's note, which is no music."""
        return self._put(self._in, message)

    def from_control(self, message: bytes) -> None:
        """Takes a message of the control port, where every channel counts."""
        self._put(self._control, message)

    def close(self) -> None:
        """Ends the thread."""
        self._server.remove_listener(self._hear)
        self._queue.put(None)
        self._thread.join()

    def restart(self) -> None:
        """Starts the thread again after it died. What waits is kept, but for what it died of."""
        self._thread.join()
        self._thread = self._started()

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="sideman-cc", daemon=True)
        thread.start()
        return thread

    def _use(self, cc_map: CcMap) -> None:
        self._in = _Port(cc_map, self._server, any_channel=False)
        self._control = _Port(cc_map, self._server, any_channel=True)
        if self._send_feedback is not None:
            for control in cc_map.controls:
                self._queue.put(control.name)

    def _put(self, port: _Port, message: bytes) -> bool:
        is_button, packet = port.buttons.press(message)
        is_controller = len(message) == 3 and message[0] & 0xF0 == CONTROL_CHANGE
        if packet is not None or (is_controller and not is_button):
            if self._queue.qsize() < CAPACITY:
                self._queue.put((port.decoder, message, time.monotonic()) if packet is None else packet)
            else:
                self.dropped += 1
        return is_button and not is_controller

    def _hear(self, packet: bytes) -> None:
        message = decode(packet)[0]
        name = str(message.arguments[0]) if message.address == VALUE else ""
        if name and name not in self._changed:
            self._changed.add(name)
            self._queue.put(name)

    def _run(self) -> None:
        look_s = time.monotonic() + WATCH_S
        while True:
            try:
                item = self._queue.get(timeout=max(0.0, look_s - time.monotonic()))
            except queue.Empty:
                look_s = time.monotonic() + WATCH_S
                self._reload()
                continue
            if item is None:
                return
            if isinstance(item, str):
                self._changed.discard(item)
                self._show(item)
            elif isinstance(item, bytes):
                self._send(item)
            else:
                decoder, message, time_s = item
                for name, value in decoder.take(message, time_s):
                    self._send(encode(BY_NAME[name].address, value))

    def _send(self, packet: bytes) -> None:
        for reply in self._server.handle_packet(packet):
            self._server.forward(reply)  # a refusal: MIDI has no way to answer

    def _reload(self) -> None:
        try:
            cc_map = self._watch.changed()
        except CcMapError as error:
            self._say("error", f"the controllers stay as they were: {error}")
            return
        if cc_map is not None:
            self._use(cc_map)
            self._say("controllers", f"{len(cc_map.controls)} knobs and {len(cc_map.buttons)} buttons, read anew")

    def _show(self, name: str) -> None:
        assert self._send_feedback is not None
        for message in self._in.decoder.feedback(name):
            try:
                self._send_feedback(message)
            except Exception:  # a lost port must not end the thread
                self.failed += 1
