"""Writes the model card: what a base was trained on, under which licences, and how well it did."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from engine.data.shards.manifest import read_side
from engine.model.config import Config
from engine.model.shapes import parameter_shapes

__all__ = ["Sources", "model_card", "read_sources"]

Sources = dict[tuple[str, str], tuple[int, float]]
"""(collection, licence) -> files and hours on the training side."""


def read_sources(data: Path) -> Sources:
    """Returns what a prepared folder was made from. DataError if its manifest is missing or broken."""
    sources: Sources = defaultdict(lambda: (0, 0.0))
    rows = read_side(data, "train", lambda row: ((row["collection"], row["licence"]), row["seconds"] / 3600))
    for source, row_hours in rows:
        files, hours = sources[source]
        sources[source] = files + 1, hours + row_hours
    return sources


def model_card(config: Config, sources: Sources, losses: list[dict[str, Any]], tokens: int, augment: int) -> str:
    """Returns the card as Markdown.

    losses: rows of step, loss, held_out; tokens: of the training side; augment: keys.
    """
    last = losses[-1]
    count = sum(math.prod(shape) for shape in parameter_shapes(config.model).values())
    keys = f"in {augment} keys" if augment > 1 else "in their own key"
    lines = [
        "# Sideman base",
        "",
        f"Perceiver AR with relative attention and chord memory, {count:,} parameters, matrices in NF4 (config.yaml).",
        f"Trained on {tokens:,} event tokens {keys}; {last['step']:,} updates so far.",
        f"Held-out loss while training (evenly spread sample): {last['held_out']:.3f} nats a token.",
        "",
        "| source | licence | files | hours |",
        "|---|---|---|---|",
        *(f"| {name} | {licence} | {n} | {hours:.1f} |" for (name, licence), (n, hours) in sorted(sources.items())),
        "",
        "| update | training loss | held-out loss |",
        "|---|---|---|",
        *(f"| {row['step']:,} | {row['loss']:.3f} | {row['held_out']:.3f} |" for row in losses),
        "",
    ]
    return "\n".join(lines)
