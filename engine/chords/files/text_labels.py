"""Chord symbols that a MIDI file carries as text: in lyrics, markers, cue points or plain text events.

Band-in-a-Box and many karaoke editors write one symbol an event (`Dm7`), some in brackets or before the words that are
sung over it (`[Dm7]`, `[Dm7]Autumn`). The words of a song are full of `A`, `Am`, `Go` and `Do`, and rehearsal marks are
`A`, `B`, `C`: so texts are believed only as a whole, kind by kind, by the rule of `read_text_labels`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.chords.chord import Chord, ChordLabels, add_label
from engine.chords.files.own_markers import read_own_markers
from engine.chords.symbol import parse_chord
from engine.errors import ChordError

__all__ = ["read_text_labels"]

MIN_CHORDS = 4  # fewer chords say nothing about a piece
MIN_DISTINCT = 2
BARE_SHARE = 0.8  # of a kind's texts, where symbols stand unmarked
BRACKET_SHARE = 0.9  # of a kind's texts in brackets: brackets mark chords, but also [Verse]
CLEAR_SHARE = 0.25  # of the different symbols

_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
# parse_chord is kind to its reader: it takes `M` for major, blanks, words in any case. A text event must look the part.
_STRICT = re.compile(
    r"[A-G](?:[#b♯♭]{1,2})?"
    r"(?:maj|min|mi|ma|dim|aug|sus|add|alt|omit|no|MA|Maj|MI|m|M|o|h|[-+°ºøØ^Δ△∆#b♯♭(),0-9]|/(?=[69]))*"
    r"(?:/[A-G](?:[#b♯♭])?)?"
    r"|N\.?C\.?"
)
# Symbols that are also words, names of sections or notes: they count, but they convince nobody.
_AMBIGUOUS = re.compile(r"[A-G]|[A-G]o|[A-G]h|Am|Em|Add|A-|N\.?C\.?")
_HEADER = re.compile(r"\s*@|\s*$")  # karaoke files open with @KMIDI, @T title; blank texts end lines


def read_text_labels(texts: Iterable[tuple[float, str, str]]) -> ChordLabels | None:
    """(time_s, kind, text) of a file's text events -> chords, or None where no kind of text holds credible ones.

    A kind (lyric, marker, text, cue) is credible if, of its texts that are neither blank nor an `@` header,

    - at least 80 % are chord symbols in a strict spelling (capital root, no blanks), or at least 90 % of what stands in
      square brackets is, whatever stands outside of them;
    - there are 4 chords or more, 2 different ones or more;
    - of the different symbols at least a quarter cannot be anything else: not a lone letter and not `Am`, `Em`, `Do`.

    Of several credible kinds the one with the most chords is taken. Markers that Sideman wrote are believed before all
    of that (own_markers). The list starts at 0.0 and names changes only.
    """
    rows = list(texts)
    own = read_own_markers(rows)
    if own is not None:
        return own
    by_kind: dict[str, list[tuple[float, str]]] = {}
    for time_s, kind, text in rows:
        if not _HEADER.match(text):
            by_kind.setdefault(kind, []).append((time_s, text))
    readings = [one for some in by_kind.values() for one in (_bare(some), _bracketed(some)) if one]
    if not readings:
        return None
    labels: ChordLabels = []
    for time_s, chord in max(readings, key=len):
        add_label(labels, time_s, chord)
    return labels


def _bare(rows: list[tuple[float, str]]) -> list[tuple[float, Chord | None]]:
    return _credible([(time_s, text.strip()) for time_s, text in rows], BARE_SHARE)


def _bracketed(rows: list[tuple[float, str]]) -> list[tuple[float, Chord | None]]:
    return _credible([(time_s, found.strip()) for time_s, text in rows for found in _BRACKETED.findall(text)],
                     BRACKET_SHARE)  # fmt: skip


def _credible(rows: list[tuple[float, str]], share: float) -> list[tuple[float, Chord | None]]:
    """The chords among (time_s, text) rows, in order of time; empty if the rule refuses them."""
    chords: list[tuple[float, Chord | None]] = []
    symbols: set[str] = set()
    for time_s, text in sorted(rows, key=lambda row: row[0]):
        if _STRICT.fullmatch(text):
            try:
                chords.append((time_s, parse_chord(text)))
            except ChordError:
                continue
            symbols.add(text)
    clear = sum(not _AMBIGUOUS.fullmatch(symbol) for symbol in symbols)
    enough = len(chords) >= MIN_CHORDS and len(symbols) >= MIN_DISTINCT and len(chords) >= share * len(rows)
    return chords if enough and clear >= CLEAR_SHARE * len(symbols) else []
