"""Reads channel mode messages of a file: where all keys of a channel come up, and where its pedal does.

As the MIDI 1.0 specification (p. 20) and RP-015 have them: all sound off (120), all notes off (123) and the changes of
mode (124 to 127) lift the keys of their channel; all sound off ends what the pedal holds too; reset all controllers
(121) lifts the pedal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.arrays import I64
from engine.midi_io.events import Channel

__all__ = ["lifts", "mode_messages", "pedal_rows", "placed"]

_SUSTAIN, _ALL_SOUND_OFF, _RESET, _LOCAL = 64, 120, 121, 122
_PLACE, _TICK, _CHANNEL, _NUMBER = range(4)  # columns of what mode_messages returns


def mode_messages(events: Channel) -> I64:
    """(M, 4) index of the event after it, tick, channel, controller number of a track's mode messages, in order."""
    return _controllers(events, (events.first >= _ALL_SOUND_OFF) & (events.first != _LOCAL))


def placed(messages: I64, events: Channel) -> I64:
    """Places the mode messages of another track among this one's events, before those of the same tick."""
    moved: I64 = messages.copy()
    moved[:, _PLACE] = np.searchsorted(events.tick, messages[:, _TICK])
    return moved


def lifts(messages: I64, channel: int) -> tuple[I64, I64]:
    """Returns where all keys of a channel come up: (L,) ascending indices of the next event, and (L,) ticks."""
    mine = messages[(messages[:, _CHANNEL] == channel) & (messages[:, _NUMBER] != _RESET)]
    return mine[:, _PLACE], mine[:, _TICK]


def pedal_rows(events: Channel, messages: I64) -> I64:
    """(P, 3) tick, value, channel of a track's sustain pedals, in order; what a mode message does to one is a row."""
    pedal = _controllers(events, events.first == _SUSTAIN)
    pedal[:, _NUMBER] = events.second[pedal[:, _PLACE] - 1]
    found = [pedal]
    for channel in np.unique(pedal[:, _CHANNEL]).tolist() if len(messages) else ():
        mine = messages[messages[:, _CHANNEL] == channel]
        resets = mine[mine[:, _NUMBER] == _RESET]
        resets[:, _NUMBER] = 0
        moves = np.concatenate([pedal[pedal[:, _CHANNEL] == channel], resets])
        moves = moves[np.argsort(moves[:, _PLACE], kind="stable")]
        cuts = mine[mine[:, _NUMBER] == _ALL_SOUND_OFF]  # as if the pedal came up and went back to where it is
        latest = np.searchsorted(moves[:, _PLACE], cuts[:, _PLACE], side="right")
        after = cuts.copy()
        cuts[:, _NUMBER], after[:, _NUMBER] = 0, np.concatenate([[0], moves[:, _NUMBER]])[latest]
        found += [resets, np.stack([cuts, after], axis=1).reshape(-1, 4)]
    rows: I64 = np.concatenate(found)
    return rows[np.argsort(rows[:, _PLACE], kind="stable")][:, [_TICK, _NUMBER, _CHANNEL]]


def _controllers(events: Channel, wanted: npt.NDArray[np.bool_]) -> I64:
    at = np.flatnonzero((events.status & 0xF0 == 0xB0) & wanted)
    return np.column_stack([at + 1, events.tick[at], events.status[at] & 0x0F, events.first[at]]).astype(np.int64)
