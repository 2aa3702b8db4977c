"""The one token table. Ids are frozen: checkpoints, shards and the native code depend on them.

Ids 0-387 are the performance encoding of Oore et al. 2018 ("This Time with Feeling"), which Music Transformer and
Perceiver AR report on. 400 and above are never predicted: they name the chords of the chord memory.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy.typing as npt

import native

__all__ = [
    "BOS", "CHORD", "EOS", "LAYOUT", "NOTE_OFF", "NOTE_ON", "NO_CHORD", "NUM_CHORDS", "NUM_EVENT_IDS", "NUM_SHIFTS",
    "NUM_VELOCITIES", "PAD", "PEDAL_OFF", "PEDAL_ON", "PITCH_NAMES", "QUALITIES", "SEAM", "STEP_MS", "STEP_S",
    "TIME_SHIFT", "VELOCITY", "VOCAB_SIZE", "chord_id", "chord_parts", "middle_velocity", "name", "velocity_bin",
]  # fmt: skip

NOTE_ON = 0  # + pitch 0..127
NOTE_OFF = 128  # + pitch 0..127
TIME_SHIFT = 256  # + steps - 1, for 1..100 steps
NUM_SHIFTS = 100
VELOCITY = 356  # + bin 0..31
NUM_VELOCITIES = 32
PAD, BOS, EOS = 388, 389, 390
PEDAL_ON, PEDAL_OFF = 391, 392
SEAM = 393  # stands between what follows a gap and what precedes it, where a fill is told them in that order
NUM_EVENT_IDS = 400  # the decoder's logits; 394-399 reserved
NO_CHORD = 400
CHORD = 401  # + 24 * root + quality
NUM_CHORDS = 12 * 24
VOCAB_SIZE = 700

STEP_MS = 10  # the time grid
STEP_S = STEP_MS / 1000

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

# quality -> pitch classes above the root. The order is part of the vocabulary.
QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "mMaj7": (0, 3, 7, 11),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "7sus4": (0, 5, 7, 10),
    "9": (0, 2, 4, 7, 10),
    "maj9": (0, 2, 4, 7, 11),
    "m9": (0, 2, 3, 7, 10),
    "13": (0, 2, 4, 7, 9, 10),
    "7b9": (0, 1, 4, 7, 10),
    "7#9": (0, 3, 4, 7, 10),
    "7#11": (0, 4, 6, 7, 10),
    "7#5": (0, 4, 8, 10),
}

LAYOUT = native.Layout(
    note_on=NOTE_ON, note_off=NOTE_OFF, time_shift=TIME_SHIFT, num_shifts=NUM_SHIFTS, velocity=VELOCITY,
    num_velocities=NUM_VELOCITIES, pad=PAD, bos=BOS, eos=EOS, pedal_on=PEDAL_ON, pedal_off=PEDAL_OFF,
    num_ids=NUM_EVENT_IDS, step_ms=STEP_MS,
)  # fmt: skip
"""The same table in the form the tokenizer and sampler take."""

_QUALITY_NAMES = tuple(QUALITIES)
_Whole = TypeVar("_Whole", int, npt.NDArray[Any])


def velocity_bin(velocity: _Whole) -> _Whole:
    """Returns the bin 0..31 of a MIDI velocity, or of an array of them that is wider than a byte."""
    return velocity * NUM_VELOCITIES // 128


def middle_velocity(bin_: _Whole) -> _Whole:
    """Returns the MIDI velocity in the middle of a bin 0..31, or of an array of them."""
    return bin_ * LAYOUT.velocity_width + LAYOUT.velocity_width // 2


def chord_id(root: int, quality: str) -> int:
    """Token id of a chord: root 0..11 (C = 0), quality one of QUALITIES."""
    return CHORD + len(QUALITIES) * (root % 12) + _QUALITY_NAMES.index(quality)


def chord_parts(token: int) -> tuple[int, str] | None:
    """(root, quality) of a chord id, None for NO_CHORD. ValueError for any other id."""
    if token == NO_CHORD:
        return None
    if not CHORD <= token < CHORD + NUM_CHORDS:
        raise ValueError(f"token {token} is no chord: chords are {NO_CHORD}..{CHORD + NUM_CHORDS - 1}")
    root, quality = divmod(token - CHORD, len(QUALITIES))
    return root, _QUALITY_NAMES[quality]


def name(token: int) -> str:
    """Readable name of any id, as in `NOTE_ON 60`, `TIME_SHIFT 120ms`, `CHORD Dm7`."""
    for low, count, text in (
        (NOTE_ON, 128, "NOTE_ON {}"),
        (NOTE_OFF, 128, "NOTE_OFF {}"),
        (VELOCITY, NUM_VELOCITIES, "VELOCITY {}"),
    ):
        if low <= token < low + count:
            return text.format(token - low)
    if TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS:
        return f"TIME_SHIFT {(token - TIME_SHIFT + 1) * STEP_MS}ms"
    fixed = {
        PAD: "PAD", BOS: "BOS", EOS: "EOS", PEDAL_ON: "PEDAL_ON", PEDAL_OFF: "PEDAL_OFF", SEAM: "SEAM",
        NO_CHORD: "NO_CHORD",
    }  # fmt: skip
    if token in fixed:
        return fixed[token]
    if CHORD <= token < CHORD + NUM_CHORDS:
        root, quality = divmod(token - CHORD, len(QUALITIES))
        return f"CHORD {PITCH_NAMES[root]}{_QUALITY_NAMES[quality]}"
    if 0 <= token < VOCAB_SIZE:
        return f"RESERVED {token}"
    raise ValueError(f"token {token} lies outside 0..{VOCAB_SIZE - 1}")
