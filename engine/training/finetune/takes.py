"""Keeps pieces back from training, as whole works and takes: parts of one performance never stand on both sides."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from engine.data.reading.works import join_works, same_work_pairs, sketch_of
from engine.data.shards.manifest import works_of
from engine.data.shards.shards import Shard
from engine.errors import DataError
from engine.tokens import decode_notes

__all__ = ["keep_back"]


def keep_back(data: Path, train: Shard, every: int) -> tuple[Shard, Shard]:
    """Splits the training side into what to learn from, and about one in so many pieces, which stay unheard.

    DataError: all of it is one work or one take, so that nothing can stay unheard.
    """
    groups = _groups(data, train)
    if len(groups) < 2:
        raise DataError(
            f"{data}: all of its pieces are one work or one take, and some must stay unheard: prepare another besides"
        )
    wanted, unheard = max(1, len(train.pieces) // every), set[int]()
    for group in groups[1:]:  # the first is learnt from in any case
        if len(unheard) >= wanted:
            break
        # A take that is most of the music is what there is to learn from.
        if len(unheard) + len(group) <= max(wanted + 1, len(train.pieces) // 3):
            unheard.update(group)
    if not unheard:
        smallest = min(groups[1:], key=lambda group: (len(group), group[0]))
        unheard.update(smallest)
    return (
        replace(train, pieces=[piece for i, piece in enumerate(train.pieces) if i not in unheard]),
        replace(train, pieces=[piece for i, piece in enumerate(train.pieces) if i in unheard]),
    )


def _groups(data: Path, train: Shard) -> list[list[int]]:
    """The pieces by work, by the manifest where it tells of as many pieces, else by their notes; in their order."""
    works = works_of(data, "train")
    if len(works) != len(train.pieces):
        sketches = [sketch_of(decode_notes(piece.tokens)) for piece in train.pieces]
        works = [str(root) for root in join_works(len(sketches), same_work_pairs(sketches))]
    groups: dict[str, list[int]] = defaultdict(list)
    for number, work in enumerate(works):
        groups[work].append(number)
    return list(groups.values())
