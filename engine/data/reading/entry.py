"""Packs one MIDI file into bytes that can be kept and sent: its arrays, sketch and facts, or why it is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engine.data.reading.corpus import Piece, Source, Tracks, one_line, read_piece
from engine.data.reading.works import Sketch, sketch_of
from engine.data.shards.shards import PieceArrays, steps_of, token_steps
from engine.errors import SidemanError
from engine.model.chord_memory import chord_track
from engine.notes import Notes
from engine.tokens import encode_notes
from engine.vocabulary import BOS, EOS, STEP_S

__all__ = ["Entry", "entry_of", "read_entry", "refusal", "tokenise"]

MIN_NOTES = 16  # fewer teach nothing
MAX_NOTES_S = 45.0  # over a whole piece; the densest piano roll has 30
MAX_IN_A_SECOND = 250  # notes; the densest of 280 files, a roll of Waller's, has 103
MAX_SILENCE_S = 120.0  # between two notes; the longest pause on a piano roll is 25 s
MAX_MEDIAN_S = 5.0  # of the notes as they were held; the slowest score has 2


@dataclass(frozen=True)
class Entry:
    """What became of a file. facts: the fields of its manifest row, or `refused` alone; then there are no arrays."""

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray[Any, np.dtype[Any]]] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Safetensors; the same bytes for the same content."""
        return save(self.arrays, metadata={"facts": json.dumps(self.facts, sort_keys=True)})

    @staticmethod
    def unpack(data: bytes) -> Entry:
        """Reads what pack() returned. ValueError for bytes that are torn or something else."""
        try:
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            return Entry(json.loads(header["__metadata__"]["facts"]), load(data))
        except (SafetensorError, KeyError, TypeError) as error:
            raise ValueError(f"not an entry ({error})") from None

    @property
    def refused(self) -> str | None:
        """The reason why the file is not used; None for a piece."""
        reason = self.facts.get("refused")
        return None if reason is None else str(reason)

    def piece(self, collection: int) -> PieceArrays:
        """Returns the arrays as training sees them."""
        a, labels = self.arrays, self.facts.get("labels", {})
        return PieceArrays(
            a["tokens"], a["chord_ids"], a["chord_steps"], a["beat_steps"], a["beat_in_bar"], collection, labels=labels
        )

    def sketch(self) -> Sketch:
        """Returns the sketch by which the piece's work is found."""
        return Sketch(self.arrays["run_hashes"], self.arrays["run_places"], self.arrays["run_pitches"])


def tokenise(piece: Piece, collection: int) -> PieceArrays:
    """One labelled piece as arrays: time starts at its first note, tokens run from BOS to EOS."""
    ids, start_s = encode_notes(piece.performance.notes)
    tokens = np.concatenate([[BOS], ids, [EOS]]).astype(np.uint16)
    chord_ids, chord_steps = chord_track(piece.chords, start_s)
    return PieceArrays(
        tokens,
        np.array(chord_ids, dtype=np.uint16),
        np.array(chord_steps, dtype=np.int32),
        steps_of(piece.performance.beats_s - start_s).astype(np.float32),
        piece.performance.beat_in_bar.astype(np.uint8),
        collection,
        labels=piece.labels,
    )


def entry_of(piece: Piece) -> Entry:
    """A piece as an entry; a refusal if it has too few notes, no hands could play it, or its bytes are garbled."""
    notes = piece.performance.notes
    struck = notes if piece.struck is None else piece.struck
    implausible = piece.performance.doubt or _implausible(struck)
    if implausible:
        return refusal(implausible)
    arrays = tokenise(piece, 0)
    sketch = sketch_of(struck)
    facts: dict[str, Any] = {
        "notes": len(notes),
        "seconds": round(float(token_steps(arrays.tokens)[-1]) * STEP_S, 2),
        "tokens": len(arrays.tokens),
        "chords": len(arrays.chord_ids) - 1,
        "chord_source": piece.chord_source,
        "beat_source": piece.beat_source,
        "beat_confidence": piece.beat_confidence,
        # In any key, at any tempo and loudness: the pitches in their order, against the first.
        "melody": hashlib.sha256(np.diff(struck["pitch"].astype(np.int16)).tobytes()).hexdigest()[:32],
    }
    if piece.performance.repairs:
        facts["mended"] = list(piece.performance.repairs)
    if piece.labels:
        facts["labels"] = dict(piece.labels)
    return Entry(
        facts,
        {
            "tokens": arrays.tokens,
            "chord_ids": arrays.chord_ids,
            "chord_steps": arrays.chord_steps,
            "beat_steps": arrays.beat_steps,
            "beat_in_bar": arrays.beat_in_bar,
            "run_hashes": sketch.hashes,
            "run_places": sketch.places,
            "run_pitches": sketch.pitches,
        },
    )


def _implausible(struck: Notes) -> str:
    """Returns why (N,) notes, without the pedal, are no piece of piano music; empty if they may be one."""
    if len(struck) < MIN_NOTES:
        return f"has fewer than {MIN_NOTES} notes ({len(struck)})"
    length_s = float(struck["offset_s"].max() - struck["onset_s"].min())
    if len(struck) > MAX_NOTES_S * length_s:
        return f"has {len(struck):,} notes in {length_s:.1f} s, more than hands can play: its tempo is broken"
    starts = np.argsort(struck["onset_s"], kind="stable")
    onsets_s = struck["onset_s"][starts]
    within = np.searchsorted(onsets_s, onsets_s + 1.0) - np.arange(len(onsets_s))
    if within.max() > MAX_IN_A_SECOND:
        at_s = float(onsets_s[within.argmax()])
        return f"has {within.max():,} notes within a second at {at_s:.1f} s, more than hands can play: it is broken"
    ended_s = np.maximum.accumulate(struck["offset_s"][starts])
    silence_s = float((onsets_s[1:] - ended_s[:-1]).max())
    if silence_s > MAX_SILENCE_S:
        return (
            f"is silent for {silence_s / 60:.1f} min between two notes: a delta time is broken, or cut the file there"
        )
    median_s = float(np.median(struck["offset_s"] - struck["onset_s"]))
    if median_s > MAX_MEDIAN_S:
        return f"half of its notes last over {median_s:.1f} s: their ends were lost, or its tempo is broken"
    return ""


def refusal(reason: str) -> Entry:
    """An entry that says why a file is not used."""
    return Entry({"refused": one_line(reason)})


def read_entry(path: Path, tracks: Tracks = "auto") -> Entry:
    """Reads one file in a reader process; whatever goes wrong is a refusal."""
    try:
        return entry_of(read_piece(Source(path, path.name, "", None, ""), tracks))
    except SidemanError as error:
        return refusal(str(error).removeprefix(f"{path}: "))  # the report names the file itself
    except MemoryError:
        return refusal("needs more memory than a reader may take: take it out of the folder")
    except Exception as error:  # one file that nobody foresaw must not cost the work on all the others
        return refusal(f"cannot be read ({type(error).__name__}: {error})")
