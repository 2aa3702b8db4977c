"""The keys that sound at the far end of a port, by what was sent to it: whoever sends can end every note it began."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.midi.numbers import (
    ALL_NOTES_OFF,
    CONTROL_CHANGE,
    HOLDING_PEDALS,
    NOTE_OFF,
    NOTE_ON,
    RESET_CONTROLLERS,
    SUSTAIN_PEDAL,
    SYSTEM,
)

__all__ = ["Pedals", "SoundingKeys", "clean_up", "is_strike"]

Message = tuple[int, int, int]


class SoundingKeys:
    """Keeps the keys that sound. Call sending() before each message and sent() after it, on one thread at a time.

    A send that fails then errs on the safe side: a strike that left half-way may sound, a note whose end did not leave
    still does.
    """

    def __init__(self) -> None:
        self.channels: set[int] = set()  # 0..15, on which a receiver may hold something
        self._keys: set[tuple[int, int]] = set()  # (channel, pitch)

    def __bool__(self) -> bool:
        """Whether any key sounds."""
        return bool(self._keys)

    def sounds(self, message: Sequence[int]) -> bool:
        """Tells whether the key of a note message sounds."""
        return (message[0] & 0x0F, message[1]) in self._keys

    def sending(self, message: Sequence[int]) -> None:
        """Takes note of a strike. A message of the system, or one that only lets go, leaves a receiver with nothing."""
        if message[0] < SYSTEM and message[-1] > 0:
            self.channels.add(message[0] & 0x0F)
        if is_strike(message):
            self._keys.add((message[0] & 0x0F, message[1]))

    def sent(self, message: Sequence[int]) -> None:
        """Takes note of an end."""
        if message[0] & 0xF0 in (NOTE_ON, NOTE_OFF) and not is_strike(message):
            self._keys.discard((message[0] & 0x0F, message[1]))

    def ends(self) -> list[Message]:
        """Returns a NOTE_OFF for each key that sounds, by channel, then pitch. They count once they were sent."""
        return [(NOTE_OFF | channel, pitch, 0) for channel, pitch in sorted(self._keys)]


class Pedals:
    """Keeps the pedals that are down and hold notes. One thread."""

    def __init__(self) -> None:
        self._down: dict[tuple[int, int], int] = {}  # (channel, controller) -> how far

    def take(self, message: Sequence[int]) -> None:
        """Takes note of a message."""
        if message[0] & 0xF0 != CONTROL_CHANGE or len(message) != 3:
            return
        channel, controller, value = message[0] & 0x0F, message[1], message[2]
        for pedal in HOLDING_PEDALS:
            if controller == RESET_CONTROLLERS or (controller == pedal and not value):
                self._down.pop((channel, pedal), None)
            elif controller == pedal:
                self._down[channel, pedal] = value

    def held(self) -> list[Message]:
        """Returns what puts each down that is down, by channel."""
        return [(CONTROL_CHANGE | channel, pedal, value) for (channel, pedal), value in sorted(self._down.items())]

    def ends(self) -> list[Message]:
        """Returns what lifts each that is down, by channel."""
        return [(status, pedal, 0) for status, pedal, _ in self.held()]


def is_strike(message: Sequence[int]) -> bool:
    """Tells whether a message begins a note: NOTE_ON with a velocity."""
    return message[0] & 0xF0 == NOTE_ON and message[2] > 0


def clean_up(channels: Iterable[int]) -> list[Message]:
    """Returns what ends all that a receiver may hold besides: pedal up and all notes off, a channel at a time."""
    return [
        (CONTROL_CHANGE | channel, controller, 0)
        for channel in sorted(channels)
        for controller in (SUSTAIN_PEDAL, ALL_NOTES_OFF)
    ]
