"""Maps moments of the monotonic clock to ticks of a MIDI file whose bars are those of the music.

The music's tempo changes, stops and starts again anywhere; a file counts ticks without a gap. So the file begins up to
a bar early, and where a beat begins anew its bar line is met by stretching what lies before: the rest, or else the last
bar. Times are kept whatever is stretched: ticks and tempo change together.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from engine.metre import COMMON, Metre
from engine.midi_io.write import LONGEST_QUARTER_US, TICKS_PER_QUARTER
from osc_protocol.table.parameters import DEFAULT_BPM

__all__ = ["NEAR_US", "Beats", "TempoMap"]

SHORTEST_QUARTER_US: Final = 60_000  # 1000 bpm: what no host takes is not asked of it
NEAR_US: Final = 10_000  # a bar line so near to the file's is on it


class Beats(NamedTuple):
    """From time_us on: a tempo of the metre's felt beat, with a bar line at bar_us; None where the music rests."""

    time_us: int
    tempo_bpm: float | None
    bar_us: int = 0
    metre: Metre = COMMON


@dataclass(frozen=True)
class _Piece:
    time_us: float  # as the file will be read: exact to the rounded tempi before it
    tick: int
    quarter_us: int  # microseconds a quarter from here on


class TempoMap:
    """Pieces of constant tempo."""

    def __init__(self, start_us: int, tempo_bpm: float | None, changes: Iterable[Beats]) -> None:
        """start_us: the first moment asked for. tempo_bpm: of quarters, before the first change; None: of that one."""
        self._pieces = [_Piece(float(start_us), 0, round(60e6 / (tempo_bpm or DEFAULT_BPM)))]
        self._rested_us: int | None = start_us
        self._begun = False
        self._metres: list[tuple[int, Metre]] = []
        for change in sorted(changes, key=lambda change: change.time_us):
            if change.tempo_bpm is None:
                self._rested_us = change.time_us
            else:
                self._add(max(change.time_us, start_us), change.tempo_bpm, change, start_us)

    @property
    def tempi(self) -> list[tuple[int, int]]:
        """Returns (tick, microseconds a quarter) in order, the first at tick 0."""
        return [(piece.tick, piece.quarter_us) for piece in self._pieces]

    @property
    def metres(self) -> list[tuple[int, Metre]]:
        """Returns (tick, metre) in order, the first at tick 0, each at a bar line of its own."""
        return self._metres or [(0, COMMON)]

    def tick(self, time_us: float) -> int:
        """Returns the tick nearest to a moment; 0 before the start."""
        piece = self._pieces[max(0, bisect_right(self._pieces, time_us, key=lambda piece: piece.time_us) - 1)]
        return max(0, round(self._exact(piece, time_us)))

    def _exact(self, piece: _Piece, time_us: float) -> float:
        return piece.tick + (time_us - piece.time_us) / piece.quarter_us * TICKS_PER_QUARTER

    def _add(self, time_us: int, tempo_bpm: float, change: Beats, start_us: int) -> None:
        beat_quarters = change.metre.beat_quarters
        quarter_us = min(max(round(60e6 / tempo_bpm / beat_quarters), SHORTEST_QUARTER_US), LONGEST_QUARTER_US)
        bar_ticks = int(change.metre.beats * beat_quarters * TICKS_PER_QUARTER)
        phase = (time_us - change.bar_us) / quarter_us * TICKS_PER_QUARTER % bar_ticks  # ticks since a bar line
        if not self._begun:
            # Nothing has a beat before: the whole file is laid so that this one's bars are bars.
            self._begun = True
            before = (time_us - start_us) / quarter_us * TICKS_PER_QUARTER
            early = (phase - before + 0.5) % bar_ticks - 0.5  # half a tick late is on the bar line
            self._pieces = [_Piece(start_us - early / TICKS_PER_QUARTER * quarter_us, 0, quarter_us)]
            self._metres = [(0, change.metre)]
        elif change.metre != self._metres[-1][1]:
            since = phase if phase < bar_ticks / 2 else phase - bar_ticks  # the nearest bar line may lie ahead
            self._count_anew(change.metre, self._nearest(time_us)[1] - round(since), bar_ticks)
            self._append(_Piece(*self._nearest(time_us), quarter_us))
        else:
            self._meet(time_us, phase, bar_ticks)
            self._append(_Piece(*self._nearest(time_us), quarter_us))
        self._rested_us = None

    def _count_anew(self, metre: Metre, bar_tick: int, bar_ticks: int) -> None:
        """Another metre, which has a bar line at bar_tick: its bars are counted from there, a bar before may be cut."""
        while bar_tick <= self._metres[-1][0]:
            bar_tick += bar_ticks
        self._metres.append((bar_tick, metre))

    def _meet(self, time_us: int, phase: float, bar_ticks: int) -> None:
        """Stretches what lies before so that time_us is `phase` ticks into a bar."""
        last = self._pieces[-1]
        bar_tick = self._metres[-1][0]
        off = (phase - self._exact(last, time_us) + bar_tick + bar_ticks / 2) % bar_ticks - bar_ticks / 2
        if abs(off) / TICKS_PER_QUARTER * last.quarter_us < NEAR_US:
            return
        bar_us = bar_ticks / TICKS_PER_QUARTER * last.quarter_us
        from_us = time_us - bar_us if self._rested_us is None else self._rested_us
        at_us, at_tick = self._nearest(max(from_us, last.time_us))
        ticks = round(self._exact(last, time_us) + off) - at_tick
        while ticks <= 0 or (time_us - at_us) / ticks * TICKS_PER_QUARTER > LONGEST_QUARTER_US:
            ticks += bar_ticks
        quarter_us = math.floor((time_us - at_us) / ticks * TICKS_PER_QUARTER)
        if quarter_us >= SHORTEST_QUARTER_US:  # else there is no room: the bars are off from here on, the times are not
            self._append(_Piece(at_us, at_tick, quarter_us))

    def _nearest(self, time_us: float) -> tuple[float, int]:
        """Returns the whole tick nearest to a moment, and the moment of that tick."""
        last = self._pieces[-1]
        tick = max(last.tick, round(self._exact(last, time_us)))
        return last.time_us + (tick - last.tick) / TICKS_PER_QUARTER * last.quarter_us, tick

    def _append(self, piece: _Piece) -> None:
        if piece.tick == self._pieces[-1].tick:
            self._pieces.pop()
        if not self._pieces or piece.quarter_us != self._pieces[-1].quarter_us:
            self._pieces.append(piece)
