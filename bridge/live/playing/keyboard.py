"""The player's keyboard: the one reader of the channel messages that the player sends.

It knows which keys are down and which pedals, channel by channel, and says what each message did: a key went down, a
key came up, a note ended. Channel mode messages are read as the MIDI 1.0 specification (p. 20) and its recommended
practice RP-015 have them: all notes off and its kin lift the keys of their channel and leave its pedal alone, all sound
off ends what the pedal holds too, reset all controllers lifts the pedal.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from bridge.midi.numbers import (
    ALL_SOUND_OFF,
    CONTROL_CHANGE,
    LIFT_KEYS,
    NOTE_OFF,
    NOTE_ON,
    RESET_CONTROLLERS,
    SUSTAIN_PEDAL,
)

__all__ = ["KeyEvent", "Keyboard"]


class KeyEvent(NamedTuple):
    """What happened to one pitch, the same pitch of all channels taken together.

    `down`: a key was struck. `up`: the last key of the pitch was released. `end`: the pitch sounds no longer, or is
    about to be struck anew.
    """

    time_us: int  # of the monotonic clock
    kind: Literal["down", "up", "end"]
    pitch: int
    velocity: int = 0  # of a strike; 0 for the others


class Keyboard:
    """The keys of all channels, each under its own channel's pedal. One thread."""

    def __init__(self) -> None:
        self._down: set[tuple[int, int]] = set()  # (channel, pitch)
        self._pedalled: set[tuple[int, int]] = set()  # released, and held by the pedal of their channel
        self._pedals: set[int] = set()  # channels whose pedal is down
        self.released_us = 0  # when a key or a pedal came up last
        self._latest_us = 0  # when a note began or ended last

    def hear(self, time_us: int, message: bytes) -> list[KeyEvent]:
        """One message -> what it did, in this order: notes struck anew end, keys go down, keys come up, notes end."""
        if len(message) != 3 or message[1] > 127 or message[2] > 127:
            return []
        kind, channel, data1, data2 = message[0] & 0xF0, message[0] & 0x0F, message[1], message[2]
        keys, sounding, pedals = self.keys(), self._sounding(), len(self._pedals)
        struck: list[KeyEvent] = []
        if kind == NOTE_ON and data2:
            if data1 in sounding:
                struck.append(KeyEvent(time_us, "end", data1))
            struck.append(KeyEvent(time_us, "down", data1, data2))
            self._down.add((channel, data1))
            self._pedalled.discard((channel, data1))
        elif kind in (NOTE_ON, NOTE_OFF):
            self._release({(channel, data1)})
        elif kind == CONTROL_CHANGE:
            self._control(channel, data1, data2)
        else:
            return []
        ups = sorted(keys - self.keys())
        ends = sorted(sounding - self._sounding())
        if ups or len(self._pedals) < pedals:
            self.released_us = time_us
        if struck or ends:
            self._latest_us = time_us
        return [
            *struck,
            *(KeyEvent(time_us, "up", pitch) for pitch in ups),
            *(KeyEvent(time_us, "end", pitch) for pitch in ends),
        ]

    def keys(self) -> set[int]:
        """The pitches whose keys are down, whatever the pedals hold."""
        return {pitch for _, pitch in self._down}

    def sounding(self) -> list[int]:
        """The pitches that sound, ascending."""
        return sorted(self._sounding())

    @property
    def pedal_down(self) -> bool:
        """Whether the pedal of any channel is down."""
        return bool(self._pedals)

    def silent_for_us(self, now_us: int) -> int:
        """How long nothing has sounded."""
        return 0 if self._down or self._pedalled else now_us - self._latest_us

    def _sounding(self) -> set[int]:
        return {pitch for _, pitch in self._down | self._pedalled}

    def _release(self, keys: set[tuple[int, int]]) -> None:
        released = keys & self._down
        self._down -= released
        self._pedalled |= {key for key in released if key[0] in self._pedals}

    def _control(self, channel: int, controller: int, value: int) -> None:
        if controller == SUSTAIN_PEDAL and value >= 64:
            self._pedals.add(channel)
        elif controller in (SUSTAIN_PEDAL, RESET_CONTROLLERS):
            self._pedals.discard(channel)
            self._end_pedalled(channel)
        elif controller in LIFT_KEYS:
            self._release({key for key in self._down if key[0] == channel})
            if controller == ALL_SOUND_OFF:
                self._end_pedalled(channel)

    def _end_pedalled(self, channel: int) -> None:
        self._pedalled = {key for key in self._pedalled if key[0] != channel}
