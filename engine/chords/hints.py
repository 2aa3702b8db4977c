"""Suggests what to write instead of a refused symbol: the chord that was meant, or the two that it could mean."""

from __future__ import annotations

import difflib
import re

from engine.chords.roots import SPELLINGS, Root, read_bass, read_root
from engine.chords.suffix import WrongSuffix, read_suffix
from engine.vocabulary import PITCH_NAMES, QUALITIES

__all__ = ["begins_like_a_chord", "is_ambiguous", "nearest_symbol", "remedy"]

# Suffixes that mean one chord in some books and another in others -> what to write for either.
_AMBIGUOUS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"\+9", ("9#5", "add9", "7#9")),
        (r"\+11", ("7#11", "add#11")),
        (r"11\+", ("7#11", "maj7#11")),
        (r"(?:m|-|mi|min|minor)(?:\+7|7\+|\(\+7\)|\(7\+\)|\+\(7\))", ("mMaj7", "m7#5")),
        (r"(?:m|-|mi|min|minor)9\+", ("mMaj9", "m9#5")),
        (r"\(\+7\)|\(7\+\)", ("maj7", "7#5")),
        (r"mj(?:7|9|11|13)", ("mMaj7", "maj7")),
        (r"7m", ("m7", "maj7")),
        (r"9m", ("m9", "maj9")),
        (r"9/6|9\(6\)", ("6/9", "13")),
        (r"m(?:i|in)?4|-4", ("madd11", "sus4")),
        (r"(?:m|mi|min)\+4", ("madd#11", "madd11")),
        (r"(?:m|mi|min)5", ("m", "mb5")),
    )
)
# Suffixes that mean one thing, but that no chord book has: each is refused with what was meant.
_MEANT = (
    (r"(7|9|13)-", "m{0}"),
    (r"(7|9|11|13)(?:m|mi|min)", "m{0}"),
    (r"9>", "7b9"),
    (r"13>", "7b13"),
    (r"[jJ]", "maj7"),
    (r"%7?", "m7b5"),
    (r"7\(?(?:b|min)10\)?", "7#9"),
    (r"7\(?(?:#2|b3)\)?", "7#9"),
    (r"7\(?b2\)?", "7b9"),
    (r"(?:maj|M|ma|\^)(7|9)-", "maj{0}b5"),
    (r"7\(?(?:maj|M)7?\)?", "maj7"),
    (r"(?:m|-|mi|min)7\(?(?:maj|M)7?\)?", "mMaj7"),
    (r"(?:maj|M|ma|\^)-", "mMaj7"),
    (r"7/?sus/?4?/?9", "9sus4"),
    (r"dom", "7"),
    (r"(?:maj|M|ma|\^)5", ""),
    (r"7?\(?lyd\)?7?", "7#11"),
    (r"(|m|-|mi|min|maj|M)7\.(9|11|13)", "{0}7({1})"),
    (r"7\+M", "maj7"),
    (r"(?:m|-|mi|min)7\+M", "mMaj7"),
    (r"(?:m|-|mi|min)5b7", "m7b5"),
    (r"pow(?:er)?", "5"),
)
_MAJOR_IN_ITALY = re.compile(
    r"(7|9|13)\+"
)  # Do7+ has a major seventh in Italian books, C7+ a sharp fifth in jazz books
_FIFTH_OR_ROOT = re.compile(r"5[(/]?((?:maj|M)?(?:7|9|11|13)M?)\)?")  # Bb5(7M): a flat fifth over B, or over B flat?
_OVER = re.compile(r"(.+?)(?:\\|\(?(?:on|over))([A-H][#b]?)\)?")  # ConE, C\E: what others write for C/E
_KEY = re.compile(r"([A-Ha-h](?:is|es|s)?)-?((?i:moll|dur))")  # a-Moll, C-Dur
_CAPITAL_FLAT = re.compile(r"(R[eéE]|[MS][iI]|S[oO][lL]|L[aáA])B")  # SiB7
_HAS_ITS_THIRD = re.compile(r"m|-|o|dim|ø|h\d|\+|aug|sus|maj|M|\^|[jJ]|alt|add")


def is_ambiguous(symbol: str, root: Root, end: int) -> bool:
    """Whether books disagree on what a symbol means that has its suffix up to `end`: it is then refused."""
    return bool(_readings(symbol, root, end))


def _readings(symbol: str, root: Root, end: int) -> list[str]:
    """Returns the chords that the symbol means in one book and another; an empty list if there is one chord at most."""
    name, suffix = symbol[: root.end], symbol[root.end : end]
    for pattern, several in _AMBIGUOUS:
        if pattern.fullmatch(suffix):
            return [name + one for one in several]
    if root.names == "solfege" and (number := _MAJOR_IN_ITALY.fullmatch(suffix)):
        return [f"{name}maj{number[1]}", f"{name}{number[1]}#5"]
    if name[-1] in "#b" and (rest := _FIFTH_OR_ROOT.fullmatch(suffix)):
        return [name + rest[1], f"{name[:-1]}({name[-1]}5){rest[1]}"]
    return []


def begins_like_a_chord(text: str) -> bool:
    """Whether a word begins with a root, or would in capitals."""
    symbol = text.strip().translate(SPELLINGS)
    return read_root(symbol[:1].upper() + symbol[1:]) is not None


def remedy(text: str) -> str:
    """Returns the question that ends a refusal, as in "did you mean 'CmMaj7' or 'Cm7#5'?"."""
    symbol = text.strip().translate(SPELLINGS)
    meant = _meant(symbol) or [nearest_symbol(text)]
    return f"did you mean {' or '.join(map(repr, meant))}?"


def nearest_symbol(text: str) -> str:
    """Returns the legal symbol closest to a wrong one."""
    symbol = text.strip().translate(SPELLINGS)
    meant = _meant(symbol)
    if meant:
        return meant[0]
    symbol = symbol[:1].upper() + symbol[1:]
    root = read_root(symbol)
    roots = [symbol[: root.end]] if root else list(PITCH_NAMES)
    legal = [name + quality for name in roots for quality in QUALITIES] + ([] if root else ["N.C."])
    return difflib.get_close_matches(symbol, legal, n=1, cutoff=0.0)[0]


def _meant(symbol: str) -> list[str]:
    """Returns what may have been meant; an empty list if nobody can tell."""
    if key := _KEY.fullmatch(symbol):
        return [key[1].capitalize() + ("m" if key[2][0] in "mM" else "")]
    if (flat := _CAPITAL_FLAT.match(symbol)) and _is_legal(corrected := f"{flat[1]}b{symbol[flat.end() :]}"):
        return [corrected]
    root = read_root(symbol)
    if root is None:
        return _with_a_capital(symbol)
    over = _OVER.fullmatch(symbol)
    if over and _is_legal(corrected := f"{over[1]}/{over[2]}"):
        return [corrected]
    end, below = len(symbol), ""
    bass = read_bass(symbol, root.end)
    if bass:
        end, below = bass[0], symbol[bass[0] :]
    name, suffix = symbol[: root.end], symbol[root.end : end]
    if readings := _readings(symbol, root, end):
        return [reading + below for reading in readings]
    for pattern, meant in _MEANT:
        found = re.fullmatch(pattern, suffix)
        if found:
            return [name + meant.format(*found.groups()) + below]
    do = read_root(symbol, solfege=True)
    if do and do.names != root.names and (readings := _readings(symbol, do, end)):
        return [reading + below for reading in readings]
    slash = suffix.rfind("/")
    if slash >= 0 and suffix[slash + 1 :][:1].islower():  # Am/g
        corrected = symbol[: root.end + slash + 1] + suffix[slash + 1 :].capitalize()
        return [corrected] if _is_legal(corrected) else []
    return []


def _with_a_capital(symbol: str) -> list[str]:
    """`dm7` is Dm7; `d7` is D7, or D minor where small letters are minor chords."""
    capital = symbol[:1].upper() + symbol[1:]
    root = read_root(capital, solfege=True)
    if root is None or not symbol[:1].islower() or not _is_legal(capital):
        return []
    minor = capital[: root.end] + "m" + capital[root.end :]
    if _HAS_ITS_THIRD.match(capital, root.end) or not _is_legal(minor):
        return [capital]
    return [capital, minor]


def _is_legal(symbol: str) -> bool:
    root = read_root(symbol, solfege=True)
    if root is None:
        return False
    bass = read_bass(symbol, root.end)
    end = bass[0] if bass else len(symbol)
    try:
        read_suffix(symbol, root.end, end)
    except WrongSuffix:
        return False
    return not is_ambiguous(symbol, root, end)
