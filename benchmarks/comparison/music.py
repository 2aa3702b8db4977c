"""What all contestants learn from and are asked to play: one prepared folder, in twelve keys, and six charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import native
from engine.arrays import F64, I64
from engine.data.shards.augmentation import transpose_chords
from engine.data.shards.shards import PieceArrays, Pieces, Shard, load_shard
from engine.evaluation.charts import CHARTS
from engine.evaluation.metrics import chord_tone_share_of
from engine.notes import Notes, make_notes
from engine.vocabulary import LAYOUT, NO_CHORD, STEP_S

__all__ = [
    "ASKED",
    "CLIP_S",
    "Asked",
    "NoteArrays",
    "chord_share",
    "note_arrays",
    "note_windows",
    "notes_of_rows",
    "sides",
]

CLIP_S = 10.24  # what everybody plays of a chart: one excerpt of the diffusion
KEYS = np.arange(-6, 6)
WITHOUT_CHORDS = 0.12  # of the windows


@dataclass(frozen=True)
class Asked:
    """A chart as chords with their times. spans: (start_s, stop_s, chord); ids: (C,) chord ids; starts_s: (C,)."""

    name: str
    number: int

    @property
    def spans(self) -> list[tuple[float, float, object]]:
        beat_s = 60.0 / CHARTS[self.number].tempo_bpm
        chart = CHARTS[self.number].fill(16)
        return [
            (s.start_beat * beat_s, s.end_beat * beat_s, s.chord) for s in chart.spans if s.start_beat * beat_s < CLIP_S
        ]

    @property
    def ids(self) -> I64:
        return np.array([NO_CHORD if chord is None else chord.id for _, _, chord in self.spans])  # type: ignore[attr-defined]

    @property
    def starts_s(self) -> F64:
        return np.array([start_s for start_s, _, _ in self.spans])


ASKED = tuple(Asked(CHARTS[number].name, number) for number in (0, 1, 6, 7, 9, 11))


def chord_share(notes: Notes, asked: Asked) -> float:
    """Returns the share of the sounding time on tones of the chart's chords."""
    return chord_tone_share_of(notes, asked.spans)  # type: ignore[arg-type]


@dataclass(frozen=True)
class NoteArrays:
    """(N,) of a piece, in steps of 10 ms; chord and coming: ids of the chord at each note, and of the one after it."""

    onset: I64
    length: I64
    pitch: I64
    velocity: I64
    chord: I64
    coming: I64


def sides(data: Path) -> dict[str, Shard]:
    """Loads train, valid and test of a prepared folder."""
    return {name: load_shard(data / f"{name}.safetensors") for name in ("train", "valid", "test")}


def note_arrays(piece: PieceArrays) -> NoteArrays:
    """Returns the notes of a piece in the order of onset and pitch."""
    columns = native.decode(LAYOUT, np.asarray(piece.tokens))
    order = np.lexsort((columns[2], columns[0]))
    onset, offset, pitch, velocity = (np.asarray(x)[order].astype(np.int64) for x in columns[:4])
    now = np.searchsorted(piece.chord_steps, onset, side="right") - 1
    ids = np.asarray(piece.chord_ids, dtype=np.int64)
    after = np.minimum(now + 1, len(ids) - 1)
    return NoteArrays(onset, np.maximum(1, offset - onset), pitch, velocity // 4, ids[now], ids[after])


def piece_shares(pieces: Sequence[PieceArrays]) -> F64:
    """Returns how likely each piece is to be drawn: in proportion to its length."""
    sizes = np.asarray(pieces.lengths if isinstance(pieces, Pieces) else [len(piece.tokens) for piece in pieces])
    return sizes / sizes.sum()


def note_windows(pieces: Sequence[PieceArrays], length: int, batch: int, rng: np.random.Generator) -> dict[str, I64]:
    """Draws a (batch, length) batch of each field of NoteArrays, each window in one of twelve keys."""
    shares = piece_shares(pieces)
    rows: dict[str, list[I64]] = {name: [] for name in NoteArrays.__dataclass_fields__}
    while len(rows["onset"]) < batch:
        notes = note_arrays(pieces[int(rng.choice(len(pieces), p=shares))])
        if len(notes.onset) < length:
            continue
        start = int(rng.integers(len(notes.onset) - length + 1))
        key = int(rng.choice(KEYS))
        hides = rng.random() < WITHOUT_CHORDS
        for name, row in rows.items():
            part = getattr(notes, name)[start : start + length]
            if name == "pitch":
                part = np.clip(part + key, 0, 127)
            elif name in ("chord", "coming"):
                part = np.full_like(part, NO_CHORD) if hides else transpose_chords(part, key)
            row.append(part)
    return {name: np.stack(row) for name, row in rows.items()}


def notes_of_rows(onset: I64, length: I64, pitch: I64, velocity: I64) -> Notes:
    """Makes Notes of the fields of NoteArrays; velocity in bins of 4."""
    return make_notes(onset * STEP_S, (onset + length) * STEP_S, pitch, np.clip(velocity * 4 + 2, 1, 127))
