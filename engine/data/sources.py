"""Finds the collections of a data folder that a config names, and their weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.errors import DataError
from engine.model.config import SourceConfig

__all__ = ["match_sources", "match_weights"]


def match_weights(weights: Mapping[str, float], collections: Sequence[str]) -> dict[str, float]:
    """Returns weights by collection for weights by parts of names. DataError: no collection or several match."""
    matched: dict[str, float] = {}
    for text, weight in weights.items():
        names = _named(text, collections)
        if len(names) != 1:
            what = f"could be any of {', '.join(names)}" if names else f"is none of {', '.join(collections)}"
            raise DataError(f"weight of {text!r}: {what}: give a part of one collection's name")
        if names[0] in matched:
            raise DataError(f"weight of {text!r}: {names[0]} has one already: give one for each collection")
        if not (math.isfinite(weight) and weight >= 0):
            raise DataError(f"weight of {text!r}: {weight} is no weight: give a number from 0")
        matched[names[0]] = float(weight)
    return dict(sorted(matched.items()))


def match_sources(
    sources: Sequence[SourceConfig], collections: Sequence[str]
) -> tuple[dict[str, float], dict[str, str], list[str]]:
    """Returns weight and manner by collection for a config's sources, and the names that the data does not hold.

    DataError: several collections match a name, or several names a collection.
    """
    weights: dict[str, float] = {}
    manners: dict[str, str] = {}
    absent = []
    for source in sources:
        names = _named(source.name, collections)
        if len(names) > 1:
            raise DataError(f"source {source.name!r}: could be any of {', '.join(names)}: give more of its name")
        if not names:
            absent.append(source.name)
            continue
        if names[0] in weights:
            raise DataError(f"source {source.name!r}: {names[0]} has a line already: give one for each collection")
        weights[names[0]], manners[names[0]] = source.weight, source.manner
    return dict(sorted(weights.items())), manners, absent


def _named(text: str, collections: Sequence[str]) -> list[str]:
    """Returns the collections that a text may mean: the one of exactly that name, else all whose names contain it."""
    exact = [name for name in collections if name.lower() == text.lower()]
    return exact or [name for name in collections if text.lower() in name.lower()]
