"""A listener's answers, as the page writes them.

    {"format": "sideman blind test answers 1", "test": the key's hash, "listener": ..., "begun": ...,
     "answers": [{"pair": 3, "choice": "A", "ratings": {"A": 4, "B": 2}, "plays": {...}, "seconds": 41.2}, ...]}

Pairs count from 0, in the key's order; they stand in the order in which they were heard.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import write_whole
from engine.errors import DataError

__all__ = ["FORMAT", "Answer", "Answers", "read_answers", "write_answers"]

FORMAT = "sideman blind test answers 1"
LOWEST, HIGHEST = 1, 5  # of a rating


@dataclass(frozen=True)
class Answer:
    """The pair's number, whether A was taken for the pianist, and both ratings 1..5 where they were given."""

    pair: int
    chose_a: bool
    rated_a: int | None = None
    rated_b: int | None = None


@dataclass(frozen=True)
class Answers:
    """test: the hash of the key that they belong to."""

    test: str
    listener: str
    answers: tuple[Answer, ...]


def write_answers(path: Path, answers: Answers) -> None:
    """Writes answers as the page does."""
    rows = []
    for answer in answers.answers:
        row: dict[str, Any] = {"pair": answer.pair, "choice": "A" if answer.chose_a else "B"}
        if answer.rated_a is not None and answer.rated_b is not None:
            row["ratings"] = {"A": answer.rated_a, "B": answer.rated_b}
        rows.append(row)
    data = {"format": FORMAT, "test": answers.test, "listener": answers.listener, "answers": rows}
    write_whole(path, json.dumps(data, indent=1))


def read_answers(paths: Sequence[Path], sealed: str, pairs: int) -> list[Answers]:
    """Reads the answers of each file, in order. DataError: a file is none, of another test, or a listener twice."""
    read: list[Answers] = []
    for path in paths:
        answers = _read(path, pairs)
        if answers.test != sealed:
            raise DataError(
                f"{path}: answers another test ({answers.test[:12]}, the key is {sealed[:12]}): give its own key"
            )
        if any(other.listener == answers.listener for other in read):
            raise DataError(f"{path}: {answers.listener} has answered already: leave one of the files out")
        read.append(answers)
    return read


def _read(path: Path, pairs: int) -> Answers:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}")
        answers = tuple(_answer(row, pairs) for row in data["answers"])
        if len({answer.pair for answer in answers}) < len(answers):
            raise ValueError("a pair is answered twice")
        return Answers(str(data["test"]), str(data["listener"]), answers)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        what = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise DataError(f"{path}: no answers of a blind test ({what}): give the file that the page saved") from None


def _answer(row: dict[str, Any], pairs: int) -> Answer:
    pair, choice, ratings = int(row["pair"]), row["choice"], row.get("ratings", {})
    if not 0 <= pair < pairs:
        raise ValueError(f"pair {pair} lies outside 0..{pairs - 1}")
    if choice not in ("A", "B"):
        raise ValueError(f"choice {choice!r} is neither A nor B")
    given = [ratings.get(side) for side in "AB"]
    if any(rating is not None and rating not in range(LOWEST, HIGHEST + 1) for rating in given):
        raise ValueError(f"a rating of pair {pair} lies outside {LOWEST}..{HIGHEST}")
    return Answer(pair, choice == "A", *given)
