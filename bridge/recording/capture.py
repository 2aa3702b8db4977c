"""The last bars as a MIDI file, for whoever wants what was just played: always there, nothing needs to be recorded."""

from __future__ import annotations

import contextlib
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bridge.midi.numbers import NOTE_OFF, NOTE_ON
from bridge.midi.sounding import Pedals, SoundingKeys, is_strike
from bridge.recording.take import TakeEntries
from bridge.recording.take_file import BEAT, IN, OUT, REST, START, write_take
from bridge.recording.tempo_map import NEAR_US

__all__ = ["Capture"]

KEPT_US: Final = 900_000_000  # of what was played
MOST_ENTRIES: Final = 200_000  # and no more than this, however dense it was
BAR_US: Final = 2_000_000  # of music without a beat

_Entries = deque[tuple[Any, ...]]
_Beats = Sequence[tuple[Any, ...]]


class Capture(TakeEntries):
    """Takes what is played from any thread, and makes none wait; last() and midi() are for any thread, too."""

    def __init__(self) -> None:
        super().__init__(self._keep)
        self._entries: _Entries = deque(maxlen=MOST_ENTRIES)  # of a take, in the order in which they came
        self._beat: tuple[Any, ...] | None = None  # the last one that has left the entries

    def _keep(self, *entry: Any) -> None:
        entries = self._entries
        entries.append(entry)
        with contextlib.suppress(IndexError):  # another thread has been at the same
            while entry[1] - entries[0][1] > KEPT_US or len(entries) == MOST_ENTRIES:
                old = entries.popleft()
                if old[0] in (BEAT, REST):
                    self._beat = old

    def midi(self, bars: int, now_us: int) -> bytes:
        """The last so many bars as a MIDI file. SidemanError if the disk refuses."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "take.mid"
            write_take(path, self.last(bars, now_us), now_us)
            return path.read_bytes()

    def last(self, bars: int, now_us: int) -> list[tuple[Any, ...]]:
        """The entries of a take of the last so many bars, the one that sounds now as far as it has come.

        Notes that began before it are left out; the pedals that were down then are down at its beginning.
        """
        entries = self._entries.copy()
        beats = [entry for entry in (self._beat, *entries) if entry is not None and entry[0] in (BEAT, REST)]
        from_us = _bar_before(beats, now_us, bars)
        before = [entry for entry in beats if entry[1] <= from_us]
        take = [(START, 1, from_us, None), *((kind, from_us, *rest) for kind, _, *rest in before[-1:])]
        pedals = {OUT: Pedals(), IN: Pedals()}
        keys = {OUT: SoundingKeys(), IN: SoundingKeys()}
        played = list[tuple[Any, ...]]()
        for entry in entries:
            kind, time_us, *content = entry
            if kind in pedals and time_us < from_us:
                pedals[kind].take(content[0])
            if not from_us <= time_us <= now_us or entry in before:
                continue
            if kind in keys and len(content[0]) == 3:
                message = content[0]
                if message[0] & 0xF0 in (NOTE_OFF, NOTE_ON) and not (is_strike(message) or keys[kind].sounds(message)):
                    continue  # the end of what began before
                keys[kind].sending(message)
                keys[kind].sent(message)
            played.append(entry)
        take += [(kind, from_us, bytes(message)) for kind, down in pedals.items() for message in down.held()]
        return take + played


def _bar_before(beats: _Beats, now_us: int, bars: int) -> int:
    """The bar line at which the last so many bars begin. beats: every change of the beat, in order."""
    at = max((at for at, entry in enumerate(beats) if entry[0] == BEAT and entry[1] <= now_us), default=None)
    if at is None:
        return now_us - bars * BAR_US
    line_us = bound_us = float(now_us)
    for _ in range(bars):
        line_us, at = _line_before(beats, at, bound_us)
        bound_us = line_us - NEAR_US
    return int(line_us + 0.5)


def _line_before(beats: _Beats, at: int, bound_us: float) -> tuple[float, int]:
    """The last bar line up to a moment under the beat beats[at], and the beat that it lies under.

    Bars are as long as they were played: a bar that another tempo or metre cut into began under the beat before.
    """
    while True:
        _, from_us, tempo_bpm, bar_us, beats_per_bar, *_ = beats[at]
        length_us = 60e6 / tempo_bpm * beats_per_bar
        line_us = bar_us + (bound_us - bar_us) // length_us * length_us
        if line_us >= from_us - NEAR_US or at == 0 or beats[at - 1][0] != BEAT:
            return line_us, at
        at, bound_us = at - 1, min(bound_us, from_us + NEAR_US)
