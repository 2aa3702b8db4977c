"""Practice pieces as the rest of the project reads pieces: notes, beats, chords and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.data.practice.piece import Composition, compose
from engine.data.practice.whole import compose_whole
from engine.notes import Performance

if TYPE_CHECKING:
    from engine.data.reading.corpus import Piece

__all__ = ["COLLECTION", "EDITIONS", "practice_piece", "practice_pieces"]

COLLECTION, LICENCE = "practice", "generated"
EDITIONS: dict[int, Callable[[int, int], Composition]] = {1: compose, 2: compose_whole}
"""1: a solo over a chart, which the shipped base learnt; 2: whole performances."""


def practice_pieces(seed: int, bars: int, edition: int = 1) -> Iterator[Piece]:
    """Pieces 0, 1, ... of a seed until they hold that many bars. Piece n depends on (seed, n, edition) alone."""
    number = written = 0
    while written < bars:
        piece = practice_piece(seed, number, edition)
        yield piece
        number += 1
        written += int((piece.performance.beat_in_bar[:-1] == 0).sum())


def practice_piece(seed: int, number: int, edition: int = 1) -> Piece:
    """Piece `number` of a seed with its chords, its beats and its labels."""
    from engine.data.reading.corpus import Piece, Source  # not for live play, which recalls practice and reads no files

    music = EDITIONS[edition](seed, number)
    name = f"practice-{seed}-{number}" if edition == 1 else f"practice-{edition}-{seed}-{number}"
    source = Source(path=Path(name), name=name, collection=COLLECTION, work=name, licence=LICENCE)
    beats = np.arange(music.chart.beats + 1)
    if music.beats_s is None:
        beats_s = beats.astype(np.float64) * 60.0 / music.tempo_bpm
        chords = music.chart.changes(music.tempo_bpm)
    else:
        beats_s = music.beats_s
        chords = [(float(np.interp(beat, beats, beats_s)), chord) for beat, chord in music.chart.changes(60.0)]
    performance = Performance(music.notes, beats_s=beats_s, beat_in_bar=beats % music.chart.beats_per_bar)
    return Piece(source, performance, chords, "generated", "generated", labels=music.labels)
