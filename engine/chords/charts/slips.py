"""Says why a word of a chart is no chord: a heading, a jump, a section's name, part of a symbol with a blank in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.chords.charts.bars import Word
from engine.chords.charts.words import HEADING, SIGNS, is_chord, no_heading
from engine.chords.hints import begins_like_a_chord, remedy

__all__ = ["why_not_read"]

_JUMPS = re.compile(r"(?i:d\.?[cs]\.?|(?:da)?capo|dal|segno|(?:to)?coda|fine|al|to)|[𝄋𝄌]")
_PARTS = re.compile(
    r"(?i:intro|verse|vers|chorus|bridge|outro|head|solo|interlude|refrain|couplet|strophe|pre-?chorus|tag|ending|ponte)\d*"
)
_MARK = re.compile(r"[{<*(]*([A-H]\d?)[)}>*:]+")
_NUMBER = re.compile(r"(\d+)(?:st|nd|rd|th|[.:)])?")
_DA_CAPO = re.compile(r"(?i:da[ \t]+capo\b)")
_VALUE = re.compile(r"[ \t]+\d")
_BEFORE = re.compile(r"([^\s|│‖:()\[\]]+)[ \t]+$")
_AFTER = re.compile(r"[ \t]+([^\s|│‖:()\[\]]+)")


def why_not_read(text: str, word: Word) -> str | None:
    """Returns why a word that is no chord is not read, with what to write; None where only the symbol is wrong."""
    written = word.text
    is_jump = _JUMPS.fullmatch(written) or _DA_CAPO.match(text, word.at)
    if HEADING.fullmatch(written) and (not is_jump or _VALUE.match(text, word.at + len(written))):  # `Capo 2`
        return no_heading(written)
    if is_jump:
        return f"{written!r} is a jump, which is not read: write the bars out, or as a repeat |: :| with endings 1. 2."
    if _PARTS.fullmatch(written):
        return f"{written!r} is a section's name: write it in brackets, as in [{written}]"
    meant = next((joined for joined in _joined(text.translate(SIGNS), word) if is_chord(joined)), None)
    together = "" if meant is None else f"did you mean {meant!r}?"
    if number := _NUMBER.fullmatch(written):
        ending = f"an ending stands behind a bar line, as in |{number[1]}. G7, a count is x{number[1]}"
        return f"{written!r} is no chord symbol: {together + ' Else ' if together else ''}{ending}"
    if together:
        return f"{written!r} is no chord symbol: {together}"
    if mark := _MARK.fullmatch(written):
        return f"{written!r} is no chord symbol: a section is written [{mark[1]}], a chord without signs around it"
    if not begins_like_a_chord(written):
        hint = remedy(written)
        return f"{written!r} is no chord symbol: {hint} Else take it out, or write it in brackets if it names a section"
    return None


def _joined(text: str, word: Word) -> Iterator[str]:
    """Yields the word together with its neighbours in the line: `C maj 7`, `C /E`."""
    before, after = _BEFORE.search(text[: word.at]), _AFTER.match(text, word.at + len(word.text))
    if before and after:
        yield before[1] + word.text + after[1]
    if before:
        yield before[1] + word.text
    if after:
        yield word.text + after[1]
