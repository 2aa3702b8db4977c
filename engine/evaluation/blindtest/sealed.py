"""The key of a blind test: who plays where. The page carries its hash alone, so that neither can be changed after it.

    {"format": "sideman blind test key 1", "salt": ..., "question": ..., "contestants": [{"name", "is_real"}, ...],
     "places": [{"about", "work", "length_s"}, ...], "pairs": [{"place", "a", "b"}, ...],
     "clips": [[{"onset_s": [...], "offset_s": [...], "pitch": [...], "velocity": [...]}, ...], ...]}

Indices count from 0; clips[p][c] is what contestant c plays at place p.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.atomic import write_whole
from engine.errors import DataError
from engine.evaluation.blindtest.pairing import Pair
from engine.notes import Notes, make_notes

__all__ = ["Key", "read_key", "write_key"]

FORMAT = "sideman blind test key 1"
_DIGITS = 4  # of a second in the file: finer than any grid here


@dataclass(frozen=True)
class Key:
    """What is behind a page. works, lengths_s and about are parallel to the places; clips[place][contestant].

    salt: random, so that the hash of a small key cannot be guessed by trying all orders.
    """

    names: tuple[str, ...]
    is_real: tuple[bool, ...]
    works: tuple[int, ...]
    lengths_s: tuple[float, ...]
    about: tuple[str, ...]
    pairs: tuple[Pair, ...]
    clips: Sequence[Sequence[Notes]]
    salt: str = field(default_factory=lambda: secrets.token_hex(16))

    def text(self) -> str:
        """Returns the file's content, the same for the same key."""
        return json.dumps(
            {
                "format": FORMAT,
                "salt": self.salt,
                "contestants": [
                    {"name": name, "is_real": real} for name, real in zip(self.names, self.is_real, strict=True)
                ],
                "places": [
                    {"about": about, "work": work, "length_s": round(length_s, _DIGITS)}
                    for about, work, length_s in zip(self.about, self.works, self.lengths_s, strict=True)
                ],
                "pairs": [{"place": pair.place, "a": pair.a, "b": pair.b} for pair in self.pairs],
                "clips": [[_written(notes) for notes in row] for row in self.clips],
            }
        )


def write_key(path: Path, key: Key) -> str:
    """Writes the file whole or not at all; returns its hash, by which the test is known."""
    text = key.text()
    write_whole(path, text)
    return _hash(text)


def read_key(path: Path) -> tuple[Key, str]:
    """Reads a key; returns it and its hash. DataError: it is missing, or no key."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}")
        pairs = tuple(Pair(int(p["place"]), int(p["a"]), int(p["b"])) for p in data["pairs"])
        key = Key(
            tuple(str(c["name"]) for c in data["contestants"]),
            tuple(bool(c["is_real"]) for c in data["contestants"]),
            tuple(int(p["work"]) for p in data["places"]),
            tuple(float(p["length_s"]) for p in data["places"]),
            tuple(str(p["about"]) for p in data["places"]),
            pairs,
            [[_read(notes) for notes in row] for row in data["clips"]],
            str(data["salt"]),
        )
        shape = (len(key.works), len(key.names))
        if {len(row) for row in key.clips} != {shape[1]} or len(key.clips) != shape[0]:
            raise ValueError("its clips are not one for each place and contestant")
        if any(not (0 <= p.place < shape[0] and 0 <= p.a < shape[1] and 0 <= p.b < shape[1]) for p in pairs):
            raise ValueError("a pair names a place or contestant that is not there")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        what = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise DataError(
            f"{path}: no key of a blind test ({what}): give the KEY.json that was written beside the page"
        ) from None
    return key, _hash(text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _written(notes: Notes) -> dict[str, list[Any]]:
    return {
        "onset_s": [round(float(x), _DIGITS) for x in notes["onset_s"]],
        "offset_s": [round(float(x), _DIGITS) for x in notes["offset_s"]],
        "pitch": notes["pitch"].tolist(),
        "velocity": notes["velocity"].tolist(),
    }


def _read(written: dict[str, list[Any]]) -> Notes:
    # numpy 1.26 would take such a number modulo 256.
    if not all(0 <= value <= 127 for name in ("pitch", "velocity") for value in written[name]):
        raise ValueError("a pitch or a velocity lies outside 0..127")
    return make_notes(written["onset_s"], written["offset_s"], written["pitch"], written["velocity"])
