"""Which notes of a multi-track file are the piano's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.midi_io.parse import DRUM_CHANNEL, NO_PROGRAM, Parsed

__all__ = ["decode_text", "select"]

DEFAULTS = (NO_PROGRAM, 0)
PIANO_PROGRAMS = range(8)  # General MIDI: acoustic and electric pianos, harpsichord, clavinet

_KEYS = re.compile(
    r"pian|fortepian|klavi|clavi|clave[cs]in|cembalo|harpsi|fl(?:ü|ue)gel|keyb|\bkeys?\b|rhodes|wurli|teclad|tastier"
    r"|zongora|фортепиан|пианин|рояль|клави|ピアノ|鍵盤|キーボード|钢琴|鋼琴|键盘|피아노|건반",
    re.IGNORECASE,
)
# A track of this name is no piano even where its program, often a sequencer's default, says so.
_OTHERS = re.compile(
    r"drum|perc|schlagz|batter[ií]|\bkit\b|guitar|gitarr|guitare|chitarra|violin|viola\b|violon|geige|bratsche|cello"
    r"|kontrabas|contrabass|double ?bass|\be?-?bass (?:gt|gtr)|strings?\b|streicher|flute|flöte|flauto|oboe|clarinet"
    r"|klarinet|fagott|bassoon|sax|trumpet|trompet|trombon|posaune|tuba\b|\bhorns?\b|brass|vocal|vox\b|\bvoice\b"
    r"|gesang|sing(?:er|ing)|choir|chor\b|melod|\blead\b|organ\b|orgel|harmonica|accordion|akkordeon|vibraphon"
    r"|marimba|xylo|timpani|pauken|ベース|ギター|ドラム|バイオリン|吉他|贝斯|鼓",
    re.IGNORECASE,
)

# What the tracks of one piano are called beside the one that says piano.
_HANDS = re.compile(
    r"right|left|hand|\b[rl]\.?h\b|\b[rlms]\.?[dgs]\b|upper|lower|treble|staff|clef|droite|gauche|rechts?|links?|destra"
    r"|sinistra|derecha|izquierda|\bsolo\b|^[\W\d]*$",
    re.IGNORECASE,
)

_FAMILIES = (
    "piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass", "reed", "pipe",
    "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects",
)  # fmt: skip


class _Part(NamedTuple):
    """The notes of one track, channel and program. rows: their indices in the file's."""

    name: str
    instrument: str
    channel: int
    program: int
    rows: npt.NDArray[np.int64]

    def __str__(self) -> str:
        family = (
            "no program" if self.program == NO_PROGRAM else f"program {self.program} {_FAMILIES[self.program // 8]}"
        )
        return f"{self.name or 'unnamed'!r} ({family}, {len(self.rows)} notes)"


def select(parsed: Parsed, tracks: str | Sequence[str]) -> tuple[npt.NDArray[np.bool_], str]:
    """(N,) which notes of the file to take, and one line on what they are, empty where they are all pitched notes.

    Channel 10, the drums, is never taken. "all" takes the rest; names take the tracks of these names (exact, but for
    blanks; one text may hold several, between commas: see _named). "auto" takes, in this order:

    1. the tracks whose name or instrument name says piano or keys, in any of a dozen languages, together with the
       notes under a piano program (General MIDI 1-8; no program at all means 1) whose track is not named after another
       instrument or a voice; beside a track that says piano and no hand, the first program, which sequencers give to
       whatever has none, counts only where the track has no name or a hand's;
    2. where there are none, everything, if all of it is one instrument: a solo, whatever plays it.

    ValueError, with the tracks there are: nothing to take by this rule, or no track of a name that was asked for.
    """
    pitched = parsed.notes[:, 5] != DRUM_CHANNEL
    if tracks == "all":
        return pitched, ""
    parts = _parts(parsed, np.flatnonzero(pitched))
    if not isinstance(tracks, str):
        there_are = {_words(part.name) for part in parts}
        named = {words for text in tracks for words in _named(_words(text), there_are)}
        missing = sorted(", ".join(words) for words in named - there_are)
        if missing:
            there = ", ".join(sorted({repr(part.name) for part in parts if part.name}))
            what = f"are {there}" if there else "have no names, so choose with --tracks auto or all"
            raise ValueError(f"no track named {', '.join(missing)}: its tracks {what}")
        return _taken(parsed, parts, [part for part in parts if _words(part.name) in named])
    if tracks != "auto":
        raise ValueError(f"tracks {tracks!r} is no choice: give auto, all or a list of names")
    keys = [part for part in parts if _is_keys(part)]
    if any(_says_keys(part) and not _HANDS.search(part.name) for part in keys):
        keys = [part for part in keys if _says_keys(part) or part.program not in DEFAULTS or _HANDS.search(part.name)]
    if keys or not parts:
        return _taken(parsed, parts, keys)
    if len({(part.name, part.program) for part in parts}) == 1:
        return pitched, f"solo of {parts[0]}"
    there = ", ".join(str(part) for part in sorted(parts, key=lambda part: -len(part.rows))[:8])
    more = f" and {len(parts) - 8} more" if len(parts) > 8 else ""
    raise ValueError(f"no piano among its tracks {there}{more}: choose with --tracks NAME,NAME or --tracks all")


def _words(text: str) -> tuple[str, ...]:
    """What stands between a text's commas, without needless blanks."""
    return tuple(" ".join(word.split()) for word in text.split(",") if word.strip())


def _named(words: tuple[str, ...], there_are: Set[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The names in a text's words. A track's name may hold commas itself: of several that begin here the longest."""
    at = 0
    while at < len(words):
        end = next((end for end in range(len(words), at, -1) if words[at:end] in there_are), at + 1)
        yield words[at:end]
        at = end


def decode_text(data: bytes, encoding: str = "cp1252") -> str:
    """UTF-8, else the given encoding, as of old Windows programs; what neither can hold is replaced."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(encoding, "replace")


def _parts(parsed: Parsed, rows: npt.NDArray[np.int64]) -> list[_Part]:
    """The file's notes by track, channel and program, in this order."""
    track, channel, program = parsed.notes[rows, 4:].T
    key = (track * 16 + channel) * 256 + (program - NO_PROGRAM)
    order = np.argsort(key, kind="stable")
    borders = np.flatnonzero(np.diff(key[order], prepend=-1))
    parts = []
    for group in np.split(rows[order], borders[1:]) if len(rows) else []:
        track_number, channel_number, program_number = parsed.notes[group[0], 4:].tolist()
        name, _, instrument = parsed.names[track_number].partition(b"\n")
        names = " ".join(decode_text(name).split()), decode_text(instrument).strip()
        parts.append(_Part(*names, channel_number, program_number, group))
    return parts


def _says_keys(part: _Part) -> bool:
    return bool(_KEYS.search(part.name) or _KEYS.search(part.instrument))


def _is_keys(part: _Part) -> bool:
    if _says_keys(part):
        return True
    piano = part.program == NO_PROGRAM or part.program in PIANO_PROGRAMS
    return piano and not _OTHERS.search(part.name) and not _OTHERS.search(part.instrument)


def _taken(parsed: Parsed, parts: list[_Part], chosen: list[_Part]) -> tuple[npt.NDArray[np.bool_], str]:
    mask = np.zeros(len(parsed.notes), dtype=bool)
    for part in chosen:
        mask[part.rows] = True
    if len(chosen) == len(parts):
        return mask, ""
    names = ", ".join(dict.fromkeys(repr(part.name or "unnamed") for part in chosen))
    return mask, f"{len(chosen)} of {len(parts)} parts: {names}"
