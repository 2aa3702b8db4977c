"""Which part of a take is played again: the sideman's own track, else the piano, else what a user names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.errors import MidiFileError
from engine.midi_io.parse import parse
from engine.midi_io.select import decode_text, select
from engine.midi_io.write import OWN_TRACK

__all__ = ["Part", "part_of"]


class Part(NamedTuple):
    """The notes that may be played anew. said: which of several parts they are, empty where they are all.

    notes: (track, channel, tick of the start, pitch) of each, tracks counted as they stand in the file.
    """

    notes: frozenset[tuple[int, int, int, int]]
    said: str = ""


def part_of(path: Path, data: bytes, tracks: str | Sequence[str]) -> Part:
    """Chooses among the pitched notes of a file's bytes.

    tracks: "all"; names; "auto": the tracks named Sideman where they hold notes, else as engine.midi_io.select does.
    MidiFileError: no such track, or no piano among several instruments; it names the tracks that there are.
    """
    try:
        parsed = parse(data)
        if tracks == "auto":
            numbers = set(parsed.notes[:, 4].tolist())
            names = {" ".join(decode_text(parsed.names[number].partition(b"\n")[0]).split()) for number in numbers}
            tracks = (OWN_TRACK,) if OWN_TRACK in names else "auto"
        chosen, said = select(parsed, tracks)
    except ValueError as error:
        raise MidiFileError(f"{path}: {error}") from None
    rows = parsed.notes[chosen][:, [4, 5, 0, 2]]
    return Part(frozenset(tuple(row) for row in rows.tolist()), said)
