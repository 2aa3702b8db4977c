"""Numbers of MIDI 1.0 that several files of this package speak of."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ALL_NOTES_OFF", "ALL_SOUND_OFF", "CLOCK", "CONTROL_CHANGE", "DRUMS", "HOLDING_PEDALS", "LIFT_ALL", "LIFT_KEYS",
    "NOTE_OFF", "NOTE_ON", "RESET_CONTROLLERS", "SUSTAIN_PEDAL", "SYSEX", "SYSTEM",
]  # fmt: skip

# Statuses; the channel is in the low four bits.
NOTE_OFF: Final = 0x80
NOTE_ON: Final = 0x90
CONTROL_CHANGE: Final = 0xB0
SYSTEM: Final = 0xF0  # from here on messages are of no channel
SYSEX: Final = 0xF0
CLOCK: Final = 0xF8

# Controllers.
SUSTAIN_PEDAL: Final = 64
HOLDING_PEDALS: Final = (SUSTAIN_PEDAL, 66, 69)  # sostenuto and hold 2, too: notes sound on while one is down
ALL_SOUND_OFF: Final = 120
RESET_CONTROLLERS: Final = 121
ALL_NOTES_OFF: Final = 123
# Omni off and on, mono and poly mean all notes off as well.
LIFT_KEYS: Final = frozenset((ALL_SOUND_OFF, ALL_NOTES_OFF, 124, 125, 126, 127))
# The messages that let go of every key and pedal, for a player who can do so no more.
LIFT_ALL: Final = tuple(
    bytes((CONTROL_CHANGE | channel, controller, 0))
    for channel in range(16)
    for controller in (ALL_SOUND_OFF, RESET_CONTROLLERS)
)

DRUMS: Final = 9  # General MIDI's channel 10, which the count-in clicks on
