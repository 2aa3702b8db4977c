"""What is said with one page on its websocket: news of the session to it, its keys and questions from it.

From the page, as JSON, one of
    {"ping": number}                        answered by {"pong": number, "now": microseconds}
    {"keys": [status, data1, data2]}        a channel message that its piano plays to the session
    {"read": text, "id": number}            answered by {"read": {...}, "id": number}: see charts.read_chart
    {"transpose": text, "by": semitones, "id": number}   the same, the chart moved
To the page: {"n", "now", "whole"} or {"n", "now", "changes"}: see hub and score.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Protocol

from bridge.midi.numbers import CONTROL_CHANGE, NOTE_OFF, NOTE_ON, SUSTAIN_PEDAL, SYSTEM
from bridge.panel.charts import read_chart, transposed
from bridge.panel.hub import Hub
from osc_protocol.oscquery.frames import POLICY_VIOLATION, UNSUPPORTED_DATA, Frames
from osc_protocol.server.limits import RateLimit
from osc_protocol.table.parameters import MAX_TEXT

__all__ = ["PageTalk", "Session"]

MAX_BYTES: Final = 8192  # of a page's message
MESSAGES_PER_S: Final = 500.0
TOLD_HZ: Final = 80.0


class Session(Protocol):
    """What a page may ask of the session. Any thread."""

    def play_keys(self, message: bytes, /) -> None:
        """The page's piano plays one channel message."""

    def metre(self) -> str:
        """The metre of a chart that names none."""

    def now_us(self) -> int:
        """Microseconds of the monotonic clock."""


class PageTalk:
    """See osc_protocol.oscquery.site.Talker."""

    told_hz: Final = TOLD_HZ

    def __init__(self, hub: Hub, session: Session, request: bytes, wake: Callable[[], None]) -> None:
        self._session = session
        self.frames = Frames(request, MAX_BYTES)
        self._rate = RateLimit(MESSAGES_PER_S)
        self._reader = hub.reader(wake)
        self._held: set[bytes] = set()  # what lifts each key and pedal that the page holds
        wake()

    def receive(self, data: bytes) -> None:
        """Takes bytes of the page. Any are taken: what is none of the messages above ends the talk."""
        for is_text, message in self.frames.receive(data):
            if not self._rate.allow():
                self.frames.fail(POLICY_VIOLATION, f"more than {MESSAGES_PER_S:.0f} messages a second")
                return
            try:
                answer = self._answer(json.loads(message) if is_text else None)
                told = None if answer is None else json.dumps(answer, allow_nan=False)
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
                self.frames.fail(UNSUPPORTED_DATA, "this is no message of a page")
                return
            if told is not None:
                self.frames.send_text(told)

    def flush(self) -> None:
        """Tells the news."""
        for message in self._reader.news():
            self.frames.send_text(message)

    def close(self) -> None:
        """Hears no more, and says goodbye."""
        self._reader.close()
        self.frames.close()
        for lift in self._held:  # a page that is gone holds nothing
            self._session.play_keys(lift)
        self._held.clear()

    def _play(self, message: bytes) -> None:
        lift = _lifted_by(message)
        if lift is not None:
            goes_down = message[0] & 0xF0 != NOTE_OFF and message[2] > 0
            (self._held.add if goes_down else self._held.discard)(lift)
        self._session.play_keys(message)

    def _answer(self, asked: Any) -> dict[str, Any] | None:
        if "ping" in asked:
            return {"pong": float(asked["ping"]), "now": self._session.now_us()}
        if "keys" in asked:
            self._play(_channel_message(asked["keys"]))
            return None
        number = int(asked["id"])
        if "read" in asked:
            return {"id": number, "read": read_chart(_text(asked["read"]), self._session.metre())}
        return {"id": number, "read": transposed(_text(asked["transpose"]), int(asked["by"]), self._session.metre())}


def _lifted_by(message: bytes) -> bytes | None:
    """What ends a key or the pedal that this message is about; None for any other."""
    kind, channel = message[0] & 0xF0, message[0] & 0x0F
    if kind in (NOTE_ON, NOTE_OFF):
        return bytes((NOTE_OFF | channel, message[1], 0))
    return bytes((message[0], SUSTAIN_PEDAL, 0)) if kind == CONTROL_CHANGE and message[1] == SUSTAIN_PEDAL else None


def _channel_message(data: Any) -> bytes:
    status, data1, data2 = data
    message = bytes((status, data1, data2))
    if not NOTE_OFF <= message[0] < SYSTEM or message[1] > 127 or message[2] > 127:
        raise ValueError("no channel message")
    return message


def _text(text: Any) -> str:
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ValueError("no chart")
    return text
