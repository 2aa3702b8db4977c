"""The tempo and the metre of a MIDI file, for what goes on from its end."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from engine.errors import ChordError, MidiFileError
from engine.metre import Metre
from engine.midi_io.parse import parse
from engine.midi_io.read import read_bytes

__all__ = ["Signature", "read_signature"]


class Signature(NamedTuple):
    """What a file says last of its tempo and metre, None where it says nothing. changes: how many tempi it has."""

    quarter_bpm: float | None
    metre: Metre | None
    changes: int


def read_signature(path: str | Path) -> Signature:
    """The tempo, in quarters a minute, and the metre that hold at a file's end. MidiFileError as read_performance."""
    source = Path(path)
    try:
        parsed = parse(read_bytes(source))
    except ValueError as error:
        raise MidiFileError(f"{source}: {error}") from None
    counts_frames = bool(parsed.division & 0x8000)  # SMPTE: tempo events mean nothing
    tempi = [] if counts_frames else [us for _, us in sorted(parsed.tempos, key=lambda row: row[0]) if us > 0]
    metre = None
    for _, numerator, denominator in sorted(parsed.time_signatures):
        try:
            metre = Metre(numerator, denominator)
        except ChordError:  # a metre of 64ths: no word of it is better than a wrong one
            metre = None
    return Signature(60e6 / tempi[-1] if tempi else None, metre, len(set(tempi)))
