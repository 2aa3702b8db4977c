"""Reads chord symbols as people write them.

A symbol is a root, a suffix and perhaps a slash bass: engine.chords.roots reads the names, engine.chords.suffix the
pieces between them. A symbol that could be two chords is refused, and so is what cannot be read; the refusal ends in
what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.chords.chord import Chord
from engine.chords.hints import is_ambiguous, nearest_symbol, remedy
from engine.chords.roots import SPELLINGS, read_bass, read_root
from engine.chords.suffix import WrongSuffix, read_suffix
from engine.errors import ChordError

__all__ = ["SymbolReader", "nearest_symbol", "parse_chord"]

_NO_CHORD = re.compile(r"\(?(?:n\.?c\.?|N)\)?", re.IGNORECASE)
_BARE_B = re.compile(r"B(?![b#]|es)")


def parse_chord(text: str, *, solfege: bool = False) -> Chord | None:
    """Reads `Dm7`, `F♯-7♭5`, `C^7`, `C7M(9)`, `Bb13sus4`, `C/E`, `H7`, `Sib7` as a Chord; `N.C.`, `NC` as None.

    The chord keeps what was written. solfege: `Do` is C; without, it is D diminished.
    ChordError: not a chord symbol, or one that means two chords; the text names the column and what to write.
    """
    written = text.strip()
    symbol = written.translate(SPELLINGS)
    if _NO_CHORD.fullmatch(symbol):
        return None
    root = read_root(symbol, solfege=solfege)
    if root is None:
        raise _refusal(text, 0)
    bass = read_bass(symbol, root.end)
    if bass and bass[1].names == "solfege":
        root = read_root(symbol, solfege=True) or root  # Do/Mi
    end = bass[0] if bass else len(symbol)
    if is_ambiguous(symbol, root, end):
        raise _refusal(text, root.end)
    try:
        quality = read_suffix(symbol, root.end, end)
    except WrongSuffix as wrong:
        raise _refusal(text, wrong.at) from None
    below = bass[1].pitch_class if bass else None
    return Chord(root.pitch_class, quality, None if below == root.pitch_class else below, written)


class SymbolReader:
    """Reads the symbols of one chart, which are all written in one language's names."""

    def __init__(self, symbols: Iterable[str]) -> None:
        """symbols: all of the chart's, read or not."""
        names: dict[str, str] = {}
        for symbol in symbols:
            plain = symbol.translate(SPELLINGS)
            root = read_root(plain)
            if root is not None:
                bass = read_bass(plain, root.end)
                for named in (root, bass[1]) if bass else (root,):
                    names.setdefault(named.names, symbol)
        self._german = names.get("german")
        self._solfege = "solfege" in names

    def read(self, symbol: str) -> Chord | None:
        """Reads one symbol, N.C. as None. ChordError: its text begins with the symbol and ends in the remedy."""
        plain = symbol.translate(SPELLINGS)
        if self._german and (_BARE_B.match(plain) or plain.endswith("/B")):
            flat, natural = re.sub(r"B(?=[^/]*$)|^B", "Bb", plain, count=1), re.sub("B", "H", plain, count=1)
            reason = f"is B flat in German names and B in English ones, and this chart has {self._german!r}"
            raise ChordError(f"{symbol!r} {reason}: write {flat!r} or {natural!r}")
        try:
            return parse_chord(symbol, solfege=self._solfege)
        except ChordError:
            raise ChordError(f"{symbol!r} is no chord symbol: {remedy(symbol)}") from None


def _refusal(text: str, at: int) -> ChordError:
    return ChordError(f"column {at + 1}: {text.strip()!r} is no chord symbol: {remedy(text)}")
