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
    """What a file says last of its tempo and metre, None where it says nothing. changes: how many tempi it has.

    unread: the metre that it says, as written, where that is none that is played; else empty.
    """

    quarter_bpm: float | None
    metre: Metre | None
    changes: int
    unread: str = ""


def read_signature(path: str | Path) -> Signature:
    """The tempo, in quarters a minute, and the metre that hold where the last note ends.

    MidiFileError as read_performance.
    """
    source = Path(path)
    try:
        parsed = parse(read_bytes(source))
    except ValueError as error:
        raise MidiFileError(f"{source}: {error}") from None
    counts_frames = bool(parsed.division & 0x8000)  # SMPTE: tempo events mean nothing
    end_tick = int((parsed.notes[:, 0] + parsed.notes[:, 1]).max(initial=0))
    tempi = [] if counts_frames else [us for tick, us in parsed.tempos if tick <= end_tick]
    metre, unread = None, ""
    for tick, numerator, denominator in parsed.time_signatures:
        if tick > end_tick:
            break
        try:
            metre, unread = Metre(numerator, denominator), ""
        except ChordError:  # of 64ths, of 99 halves
            metre, unread = None, f"{numerator}/{denominator}"
    return Signature(60e6 / tempi[-1] if tempi else None, metre, len(set(tempi)), unread)
