"""A chart's text in another key: every root and bass is another one, all else stays as it was written."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from engine.chords.charts.bar_reader import read_bars
from engine.chords.roots import SPELLINGS, Root, read_bass, read_root
from engine.errors import ChordError

__all__ = ["transpose_chart"]

_FLATS: Final = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_SHARPS: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_HAS_SHARPS: Final = re.compile(r"[A-H][#♯]")
_HAS_FLATS: Final = re.compile(r"[A-H][b♭]")


def transpose_chart(text: str, semitones: int) -> str:
    """The chart moved by so many semitones, written in English letters; flats, unless it has sharps alone.

    ChordError: furniture that cannot be read. What is no chord symbol stays as it is.
    """

    def refuse(bar: int, at: int, reason: str) -> NoReturn:
        raise ChordError(f"bar {bar}, column {at + 1}: {reason}")

    names = _SHARPS if _HAS_SHARPS.search(text) and not _HAS_FLATS.search(text) else _FLATS
    words = [word for bar in read_bars(text, refuse).bars for word in bar.words]
    solfege = any(root is not None and root.names == "solfege" for root in (read_root(word.text) for word in words))
    for word in sorted(words, key=lambda word: word.at, reverse=True):
        end = word.at + len(word.text)
        if text[word.at : end] == word.text:
            text = text[: word.at] + _moved(word.text, semitones, names, solfege=solfege) + text[end:]
    return text


def _moved(written: str, semitones: int, names: tuple[str, ...], *, solfege: bool) -> str:
    symbol = written.translate(SPELLINGS)
    root = read_root(symbol, solfege=solfege)
    if root is None:
        return written

    def name(old: Root) -> str:
        return names[(old.pitch_class + semitones) % 12]

    bass = read_bass(symbol, root.end)
    suffix = symbol[root.end : bass[0] if bass else len(symbol)]
    if suffix[:1] in ("#", "b"):  # behind a root without a sign it would be the root's
        suffix = f"({suffix})"
    return name(root) + suffix + (f"/{name(bass[1])}" if bass else "")
