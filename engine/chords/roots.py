"""Reads roots and basses as charts in several languages name them: C, F#, Bb; German H, Es, Fis; Do, Re, Mi, Sib.

Two names mean two things. `B` is B flat where H is B, so a chart with German names must say which it means
(SymbolReader). `Do` is C, and D diminished: it is the latter unless the chart names other roots so, or it is written
`DO` or `Dó`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["SPELLINGS", "Root", "read_bass", "read_root"]

# Characters that mean the same -> those the parser knows.
SPELLINGS = str.maketrans(
    {
        "♯": "#", "＃": "#", "♭": "b", "𝄪": "##", "𝄫": "bb", "♮": "",
        **dict.fromkeys("−–—‐‑⁻", "-"), "⁺": "+", "⁄": "/", "∕": "/", "⁽": "(", "⁾": ")",
        **dict.fromkeys("Δ△∆▲▵ᐃ⊿", "^"), **dict.fromkeys("°º˚○◦", "o"), **dict.fromkeys("Ø∅⌀φϕΦ", "ø"),
        **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)), **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)),
        **dict(zip("ᵐᴹˢᵘᵃʲᵈⁱⁿᵍᵇ", "mMsuajdingb", strict=True)),
    }
)  # fmt: skip

# A second accidental is the root's unless it alters a degree: `Bbb7` is B double flat, `Bbb9` B flat with a flat ninth.
_ACCIDENTALS = r"([#b]?)((?<=#)#(?!5|9|11)|(?<=b)b(?!5|9|13))?"
_LETTER = re.compile("([A-H])" + _ACCIDENTALS)
_GERMAN = re.compile(r"([CDEFGAH])(is(?:is)?)(?!us)|([CDFGHB])(es(?:es)?)|([EA])(s(?:es|as)?)(?!us)")
_FA = r"F[aáA](?!ug|dd|lt|UG|DD|LT)"  # but Faug, Fadd9, Falt
_DO_AS_C = r"Do(?=[mM]|-|7M|9M|[#b](?!5|9|1))"
_SOLFEGE = re.compile(rf"(DO|D[óòÓÒ]|{_DO_AS_C}|R[eéè]|R[EÉÈ]|M[iI]|{_FA}|S[oO][lL]|L[aáAÁ]|S[iI])"
                      + _ACCIDENTALS)  # fmt: skip
_DO = re.compile("(Do)" + _ACCIDENTALS)
_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
_SYLLABLES = {"d": 0, "r": 2, "m": 4, "f": 5, "so": 7, "l": 9, "si": 11}
_ACCIDENTAL = r"(?:#{1,2}|b{1,2})?"
_BASS = re.compile(rf"/((?:[CDEFGAH]is(?:is)?|[CDFGHB]es(?:es)?|[EA]s(?:es|as)?|D[oOóòÓÒ]|R[eéèEÉÈ]|M[iI]|F[aáA]|"
                   rf"S[oO][lL]|L[aáAÁ]|S[iI]|[A-H]){_ACCIDENTAL})$")  # fmt: skip


class Root(NamedTuple):
    """pitch_class 0..11; end: index behind the root in the symbol; names: the language it is written in."""

    pitch_class: int
    end: int
    names: str  # "letters", "german" or "solfege"


def read_root(symbol: str, *, solfege: bool = False) -> Root | None:
    """Reads the root that a symbol begins with; None if it begins with none. solfege: `Do` is C, not D diminished."""
    found = _DO.match(symbol) if solfege else None
    found = found or _SOLFEGE.match(symbol)
    if found:
        syllable = found[1].lower()
        pitch_class = _SYLLABLES[syllable[:2] if syllable[0] == "s" else syllable[0]]
        return Root(_altered(pitch_class, found[2] + (found[3] or "")), found.end(), "solfege")
    found = _GERMAN.match(symbol)
    if found:
        letter, accidentals = filter(None, found.groups())
        moved = accidentals.count("s") * (1 if accidentals.startswith("i") else -1)  # Eses, Asas: two flats
        return Root((_PITCH_CLASSES[letter] + moved) % 12, found.end(), "german")
    found = _LETTER.match(symbol)
    if found:
        pitch_class = _altered(_PITCH_CLASSES[found[1]], found[2] + (found[3] or ""))
        return Root(pitch_class, found.end(), "german" if found[1] == "H" else "letters")
    return None


def read_bass(symbol: str, after: int) -> tuple[int, Root] | None:
    """Reads the slash bass of a symbol whose root ends at `after`: index of the slash and the bass; None if none."""
    found = _BASS.search(symbol, after)
    if not found:
        return None
    root = read_root(found[1], solfege=True)
    return (found.start(), root) if root and root.end == len(found[1]) else None


def _altered(pitch_class: int, accidentals: str) -> int:
    return (pitch_class + accidentals.count("#") - accidentals.count("b")) % 12
