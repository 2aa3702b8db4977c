"""The player's own notes, from MIDI bytes, as the engine takes them: pedalled notes last as long as they sound."""

from __future__ import annotations

from typing import NamedTuple

from bridge.midi.numbers import ALL_NOTES_OFF, ALL_SOUND_OFF, CONTROL_CHANGE, NOTE_OFF, NOTE_ON, SUSTAIN_PEDAL

__all__ = ["HeardNote", "HeardNotes"]


class HeardNote(NamedTuple):
    """A strike, or with velocity 0 an end, at a moment of the monotonic clock."""

    time_us: int
    pitch: int
    velocity: int


class HeardNotes:
    """Keys of all channels together. One thread."""

    def __init__(self) -> None:
        self._down: set[tuple[int, int]] = set()  # (channel, pitch)
        self._sounding: set[int] = set()
        self._pedal = False
        self._latest_us = 0

    def take(self, time_us: int, message: bytes) -> list[HeardNote]:
        """One message -> what began and ended with it. Anything but notes, pedal and all-notes-off is passed over."""
        if len(message) != 3 or message[1] > 127 or message[2] > 127:
            return []
        kind, channel, data1, data2 = message[0] & 0xF0, message[0] & 0x0F, message[1], message[2]
        heard: list[HeardNote] = []
        if kind == NOTE_ON and data2:
            if data1 in self._sounding:
                heard.append(HeardNote(time_us, data1, 0))
            self._down.add((channel, data1))
            self._sounding.add(data1)
            heard.append(HeardNote(time_us, data1, data2))
        elif kind in (NOTE_ON, NOTE_OFF):
            self._down.discard((channel, data1))
        elif kind == CONTROL_CHANGE and data1 == SUSTAIN_PEDAL:
            self._pedal = data2 >= 64
        elif kind == CONTROL_CHANGE and data1 in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            self._down.clear()
            self._pedal = False
        if not self._pedal:
            held = {pitch for _, pitch in self._down}
            heard += [HeardNote(time_us, pitch, 0) for pitch in sorted(self._sounding - held)]
            self._sounding &= held
        if heard:
            self._latest_us = time_us
        return heard

    def sounding(self) -> list[int]:
        """Pitches that sound, ascending."""
        return sorted(self._sounding)

    def keys(self) -> set[int]:
        """Pitches whose keys are down, whatever the pedal holds."""
        return {pitch for _, pitch in self._down}

    def silent_for_us(self, now_us: int) -> int:
        """How long nothing has sounded."""
        return 0 if self._sounding else now_us - self._latest_us
