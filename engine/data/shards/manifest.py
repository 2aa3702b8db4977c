"""manifest.jsonl: one row a file, in the order of their names: what it became, or why it was refused.

What an INDEX.jsonl leaves out comes after them, generated pieces last.

path sha256 collection licence      always; sha256 is null for a file that could not be opened
refused                             the reason, and nothing below
work split notes seconds tokens     files of one work are on one side
chords chord_source                 chord changes; chords file | midi text | annotation | recognised | generated
beat_source beat_confidence         chords file | annotation | tempo map | estimated | generated | none
mended                              what was put right in a damaged file, where anything was
labels                              what a generated piece is by name: control -> label
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from engine.data.shards.augmentation import Augmentation
from engine.data.shards.shards import SPLITS
from engine.errors import DataError

__all__ = ["MANIFEST", "ManifestWriter", "Report", "read_side", "works_of"]

MANIFEST = "manifest.jsonl"
T = TypeVar("T")
HIDDEN = ("melody",)  # facts that serve the preparation alone


@dataclass
class Report:
    """Counts what became of a folder of MIDI."""

    augmentation: Augmentation
    pieces: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))  # split -> pieces
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0.0))
    notes: int = 0
    works: int = 0
    practice: int = 0  # of the pieces, generated ones
    unchanged: int = 0  # files that an earlier run had read
    mended: int = 0  # of the files used
    chord_sources: Counter[str] = field(default_factory=Counter)  # source -> pieces
    beat_sources: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)  # file, reason

    @property
    def augment(self) -> int:
        """The number of keys in which training uses every piece."""
        return self.augmentation.keys

    @property
    def samples(self) -> int:
        """The number of pieces in all their keys and tempos."""
        return sum(self.pieces.values()) * self.augmentation.variants

    @property
    def training_samples(self) -> int:
        """The number of samples on the training side."""
        return self.pieces["train"] * self.augmentation.variants


class ManifestWriter:
    """A context manager that writes rows and counts them in a report."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._file = (folder / MANIFEST).open("w", encoding="utf-8", newline="\n")
        self._report = report

    def __enter__(self) -> ManifestWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def refuse(self, row: Mapping[str, object], reason: str) -> None:
        """Writes the row of a file that is not used. row: path, sha256, collection, licence."""
        self._report.refused.append((str(row["path"]), reason))
        self._write({**row, "refused": reason})

    def add(self, row: Mapping[str, object], work: str, side: str, facts: Mapping[str, object]) -> None:
        """Writes the row of a piece."""
        report = self._report
        report.pieces[side] += 1
        report.tokens[side] += int(str(facts["tokens"]))
        report.seconds[side] += float(str(facts["seconds"]))
        report.notes += int(str(facts["notes"]))
        report.mended += "mended" in facts
        report.chord_sources[str(facts["chord_source"])] += 1
        report.beat_sources[str(facts["beat_source"])] += 1
        shown = {name: value for name, value in facts.items() if name not in HIDDEN}
        self._write({**row, "work": work, "split": side, **shown})

    def _write(self, row: Mapping[str, object]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")


def works_of(data: Path, side: str) -> list[str]:
    """The work of each piece of one side, in the pieces' order; of a training side without its practice pieces.

    DataError: the manifest is missing or broken.
    """
    return read_side(data, side, lambda row: str(row["work"]))


def read_side(data: Path, side: str, take: Callable[[dict[str, Any]], T]) -> list[T]:
    """Returns what take() makes of each row of one side. DataError: the manifest, or what it takes, is not there."""
    try:
        with (data / MANIFEST).open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return [take(row) for row in rows if row.get("split") == side]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{data / MANIFEST}: cannot be read ({error}): run `sideman prepare` again") from None
