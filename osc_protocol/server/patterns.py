"""Address patterns, as OSC 1.0 has them: one message for every address that its pattern matches.

`?` is any one character, `*` any run of them, `[a-c]` or `[!a-c]` one of a set or one outside it, `{swing,style}` one
of a few words. None of them reaches across a `/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from osc_protocol.errors import ParameterError

__all__ = ["MAX_PATTERN", "is_pattern", "matching"]

MAX_PATTERN: Final = 256  # characters: far more than any address here has
_SPECIAL: Final = frozenset("?*[]{}")


class _Set(NamedTuple):
    """One character, of these or outside them."""

    characters: frozenset[str]
    outside: bool


_Piece: TypeAlias = str | _Set | tuple[str, ...]
"""A run of characters, one of a set, or one of a few words."""

_RUN: Final = "*"
_ANY: Final = _Set(frozenset(), outside=True)


def is_pattern(address: str) -> bool:
    """Tells whether an address is a pattern."""
    return not _SPECIAL.isdisjoint(address)


def matching(pattern: str, addresses: Iterable[str]) -> list[str]:
    """Returns the addresses that the pattern matches, in their order. ParameterError for one that is no pattern."""
    if len(pattern) > MAX_PATTERN:
        raise ParameterError(f"the pattern has {len(pattern)} characters: at most {MAX_PATTERN} are taken")
    pieces = _pieces(pattern)
    return [address for address in addresses if _matches(pieces, address)]


def _pieces(pattern: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign in "[{":
            end = pattern.find("]" if sign == "[" else "}", at + 1)
            if end < 0:
                raise ParameterError(f"the pattern {pattern[:60]!r} opens {sign!r} and never closes it")
            inside = pattern[at + 1 : end]
            pieces.append(_set(inside) if sign == "[" else tuple(inside.split(",")))
            at = end
        elif sign in "]}":
            raise ParameterError(f"the pattern {pattern[:60]!r} closes {sign!r} that it never opened")
        elif sign == "?":
            pieces.append(_ANY)
        else:
            pieces.append(_RUN if sign == _RUN else (sign,))
        at += 1
    return pieces


def _set(inside: str) -> _Set:
    outside, inside = inside.startswith("!"), inside.removeprefix("!")
    characters: set[str] = set()
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            low, high = sorted((ord(inside[at]), ord(inside[at + 2])))
            characters.update(chr(code) for code in range(low, min(high, 0x7F) + 1))  # addresses are ASCII
            at += 3
        else:
            characters.add(inside[at])
            at += 1
    return _Set(frozenset(characters), outside)


def _matches(pieces: Sequence[_Piece], address: str) -> bool:
    """Follows all ways through the pattern at once: no pattern costs more than its length times the address's."""
    places = {0}
    for piece in pieces:
        reached: set[int] = set()
        for place in places:
            reached.update(_ends(piece, address, place))
        if not reached:
            return False
        places = reached
    return len(address) in places


def _ends(piece: _Piece, address: str, place: int) -> Iterable[int]:
    """Where what the piece matches at that place may end."""
    if isinstance(piece, str):
        end = address.find("/", place)
        return range(place, (len(address) if end < 0 else end) + 1)
    if isinstance(piece, _Set):
        here = address[place : place + 1]
        return (place + 1,) if here not in ("", "/") and (here in piece.characters) != piece.outside else ()
    return [place + len(word) for word in piece if address.startswith(word, place)]
