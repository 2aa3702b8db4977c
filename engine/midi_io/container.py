"""Finds the header and track chunks of a Standard MIDI File in a file's bytes; mends damage of the frame and names it.

What is mended is what the standard settles: chunks say their length and a track says its end, so that one of the two
finds the other; foreign chunks are skipped; a RIFF (RMID) or MacBinary wrapper is taken off.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Frame", "Track", "open_container"]

END_OF_TRACK = b"\xff\x2f\x00"
MAX_CHUNKS = 1024
MAX_BYTES_BEFORE_HEADER = 4096  # MacBinary has 128, a web server's headers some hundred

# What files called .mid hold instead: (first bytes, what it is, the remedy).
_POSING = (
    (b"PK\3\4", "a zip archive", "unpack it first"),
    (b"\x1f\x8b", "gzip data", "unpack it first"),
    (b"BZh", "bzip2 data", "unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"Rar!", "a rar archive", "unpack it first"),
    (b"MTrk", "a MIDI track without its header, which held the unit of time", "export the file again"),
    (b"XMF_", "an XMF container", "export it as a .mid file"),
    (b"ID3", "an MP3 recording", "give a .mid file"),
    (b"%PDF", "a PDF document", "give a .mid file"),
    (b"OggS", "an Ogg recording", "give a .mid file"),
)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z]")


@dataclass
class Track:
    """One MTrk chunk. start: where its body lies in the file; exact: whether its length can be trusted."""

    start: int
    body: bytes
    exact: bool


@dataclass
class Frame:
    """kind: 0, 1 or 2 (one track, tracks at once, tracks one after another); division: the header's, 16 bits."""

    kind: int
    division: int
    tracks: list[Track] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)


def open_container(data: bytes) -> Frame:
    """Finds header and tracks. ValueError, one line with the remedy, where there is no MIDI file to be found."""
    data, repairs = _unwrap(data)
    frame = _walk(data)
    if frame.repairs:
        for what, undo in _UNDO:
            undone = undo(data)
            if undone != data and not (mended := _walk(undone)).repairs:
                frame, repairs = mended, [*repairs, what]
                break
    frame.repairs[:0] = repairs
    return frame


def _unwrap(data: bytes) -> tuple[bytes, list[str]]:
    """Returns the file from its MThd on, and what stood around it."""
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        at = 12
        while at + 8 <= len(data) and at < MAX_BYTES_BEFORE_HEADER:
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            if data[at : at + 4] == b"data":
                data, at = data[at + 8 : at + 8 + size], 0
                break
            at += 8 + size + size % 2  # RIFF chunks begin on even bytes
        if at:
            raise ValueError("an RMID file without its data chunk: export it as a .mid file")
        if data[:4] == b"MThd":
            return data, []  # a legal wrapper is no damage
    for magic, what, remedy in _POSING:
        if data.startswith(magic):
            raise ValueError(f"not a MIDI file but {what}: {remedy}")
    if _MARKUP.match(data):
        raise ValueError("not a MIDI file but a web page or other markup: download the file itself")
    at = data.find(b"MThd", 0, MAX_BYTES_BEFORE_HEADER)
    if at < 0 or len(data) < at + 14:
        raise ValueError("not a MIDI file (no MThd header): give a .mid file")
    return data[at:], [f"{at} bytes before the header skipped"] if at else []


def _walk(data: bytes) -> Frame:
    size = int.from_bytes(data[4:8], "big")
    kind, count, division = (int.from_bytes(data[at : at + 2], "big") for at in (8, 10, 12))
    frame = Frame(kind if kind == 2 else 1, division)  # type 0 is type 1 with one track
    if kind > 2:
        frame.repairs.append(f"file type {kind} is unknown: read as type 1")
    at, chunks = 8 + size, 0
    if size != 6 and not _is_chunk(data, at):
        frame.repairs.append(f"header length {size} taken for 6")
        at = 14
    while at < len(data):
        chunks += 1
        if chunks > MAX_CHUNKS:
            raise ValueError(f"more than {MAX_CHUNKS:,} tracks: take the file apart")
        start, stop = at + 8, at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk" and len(data) >= start:
            exact = stop == len(data) or _is_chunk(data, stop)
            exact = exact or (stop <= len(data) and data[stop - 3 : stop] == END_OF_TRACK)
            if not exact:
                following = data.find(b"MTrk", start)
                what = "cut off" if following < 0 and stop > len(data) else "its length was wrong"
                frame.repairs.append(f"track {len(frame.tracks) + 1}: {what}")
                stop = following if following >= 0 else len(data)
            frame.tracks.append(Track(start, data[start:stop], exact))
        elif not _is_chunk(data, at):  # no chunk at all: go on with the next track, if there is one
            following = data.find(b"MTrk", at)
            stop = following if following >= 0 else len(data)
            if data[at:stop].strip(b"\0"):
                where = "behind the last track" if following < 0 else f"before track {len(frame.tracks) + 1}"
                frame.repairs.append(f"{stop - at} bytes {where} ignored")
        at = stop
    if count != len(frame.tracks):
        frame.repairs.append(f"the header counts {count} tracks, the file holds {len(frame.tracks)}")
    return frame


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether a track or a whole foreign chunk starts here."""
    name = data[at : at + 4]
    if name == b"MTrk":
        return True
    whole = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big") <= len(data)
    return len(data) >= at + 8 and whole and all(0x20 <= byte < 0x7F for byte in name)


def _undo_utf8(data: bytes) -> bytes:
    try:
        return data.decode("utf-8").encode("latin-1")
    except UnicodeError:
        return data


# Damage of a transfer, taken back only where every chunk then fits the file to the byte.
_UNDO: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("line ends converted by a text transfer put back", lambda data: data.replace(b"\r\n", b"\n")),
    ("a conversion to UTF-8 taken back", _undo_utf8),
)
