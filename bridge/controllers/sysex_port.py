"""The control port pair: OSC packets in SysEx frames, to and from the script inside FL Studio.

FL's scripts have no socket that can be relied on, but they do have MIDI. What they send is handed to the same OSC
server that UDP clients talk to, so one table checks both.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from bridge.controllers.pump import Pump
from osc_protocol.errors import PacketError
from osc_protocol.server.server import OscServer
from osc_protocol.wire.codec import decode
from osc_protocol.wire.replies import ASKED, VALUE
from osc_protocol.wire.sysex import PUMP, TICK, TO_ENGINE, TO_FL, Reassembler, is_frame, pack

__all__ = ["SysexControl"]

_IDENTITY_REQUEST: Final = b"\x7e\x00\x06\x01"  # after F0; FL asks it of every device
_IDENTITY: Final = bytes.fromhex("F0 7E 00 06 02 7D 53 4D 01 00 00 00 01 00 F7")
_PUMP: Final = PUMP.encode() + b"\x00"
_MAX_WAITING: Final = 64  # packets other than values


class SysexControl:
    """Reassembles frames, lets the OSC server answer them, and paces the frames that go back.

    send(message): hands one complete SysEx message, F0 to F7, or a tick (see Pump) to the control port; called by this
    object's own thread (by the caller of `step` if start=False). What it raises is counted in `failed` and the message
    is lost: the script asks for all values again when the connection is back.

    Of several values waiting for one name only the newest is sent, so a turning knob never builds a queue. Thread-safe.
    """

    def __init__(
        self,
        osc_server: OscServer,
        send: Callable[[bytes], None],
        *,
        interval_s: float = 0.004,
        start: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reassembler = Reassembler(TO_ENGINE)
        self.failed = 0
        self.dropped = 0  # packets that found the queue full, or were too long for it
        self._server = osc_server
        self._send = send
        self._interval_s = interval_s
        self._clock, self._pump = clock, Pump(clock())
        self._sequence = time.monotonic_ns() >> 20 & 127  # a restarted engine does not begin where the last one did
        self._frames: deque[bytes] = deque()  # of the packet being sent
        self._packets: deque[bytes] = deque()
        self._values: OrderedDict[object, bytes] = OrderedDict()  # by address and parameter name
        self._wake = threading.Condition()
        self._closing = False
        osc_server.add_listener(self.queue)
        self._thread = self._started() if start else None

    def receive(self, message: bytes) -> None:
        """Takes one SysEx message from the control port, with or without F0 and F7. Never raises."""
        if not is_frame(message):
            if message.strip(b"\xf0\xf7") == _IDENTITY_REQUEST:
                with self._wake:
                    self._frames.append(_IDENTITY)
                    self._wake.notify()
            return
        packet = self.reassembler.feed(message)
        if packet is not None and not self._asks_for_ticks(packet):
            for reply in self._server.handle_packet(packet):
                self.queue(reply)

    def queue(self, packet: bytes) -> None:
        """Sends one OSC packet to the script when its turn comes. Does not block, never raises."""
        try:
            message = decode(packet)[0]
        except PacketError:  # longer than the frames of one packet hold
            self.dropped += 1
            return
        with self._wake:
            if message.address in (VALUE, ASKED):
                self._values[message.address, message.arguments[0]] = packet
            elif len(self._packets) < _MAX_WAITING:
                self._packets.append(packet)
            else:
                self.dropped += 1
            self._wake.notify()

    def step(self) -> bool:
        """Sends the next frame, or a tick that is due; False where there was neither.

        For callers that keep their own time (start=False).
        """
        now_s = self._clock()
        if self._pump.wait_s(now_s) == 0:
            self._pump.ticked(now_s)
            self._put(TICK)
            return True
        with self._wake:
            if not self._frames:
                packet = self._next_packet()
                if packet is None:
                    return False
                self._sequence = (self._sequence + 1) & 127
                self._frames.extend(pack(packet, TO_FL, self._sequence))
            frame = self._frames.popleft()
        self._put(frame)
        return True

    def restart(self) -> None:
        """Starts the thread again after it died. What waits is kept, but for what it died of."""
        assert self._thread is not None
        self._thread.join()
        self._thread = self._started()

    def close(self) -> None:
        """Ends the thread; what was waiting is not sent."""
        self._server.remove_listener(self.queue)
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="sideman-control", daemon=True)
        thread.start()
        return thread

    def _put(self, message: bytes) -> None:
        try:
            self._send(message)
        except Exception:  # a lost port must not end the thread: the session reopens it
            self.failed += 1

    def _asks_for_ticks(self, packet: bytes) -> bool:
        if not packet.startswith(_PUMP):  # spares every other packet a second reading
            return False
        try:
            asks = self._pump.take(decode(packet)[0], self._clock())
        except PacketError:  # the server refuses it with a word
            return False
        if asks:
            with self._wake:
                self._wake.notify()
        return asks

    def _next_packet(self) -> bytes | None:
        if self._packets:
            return self._packets.popleft()
        if self._values:
            return self._values.popitem(last=False)[1]
        return None

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._closing or self._frames or self._packets or self._values):
                    wait_s = self._pump.wait_s(self._clock())
                    if wait_s == 0:
                        break
                    self._wake.wait(wait_s)
                if self._closing:
                    return
            self.step()
            time.sleep(self._interval_s)
