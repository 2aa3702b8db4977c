"""The model card: what a base was trained on, under which licences, and how well it did."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from engine.config import Config
from engine.data.prepare import MANIFEST
from engine.model.shapes import parameter_shapes

__all__ = ["model_card"]


def model_card(config: Config, data: Path, losses: Path, train_tokens: int) -> str:
    """Markdown from the data's manifest and the run's losses."""
    hours: dict[tuple[str, str], float] = defaultdict(float)
    files: dict[tuple[str, str], int] = defaultdict(int)
    for line in (data / MANIFEST).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row.get("split") == "train":
            key = (row["collection"], row["licence"])
            hours[key] += row["seconds"] / 3600
            files[key] += 1
    rows = [json.loads(line) for line in losses.read_text(encoding="utf-8").splitlines()]
    last = rows[-1]
    count = sum(_size(shape) for shape in parameter_shapes(config.model).values())
    lines = [
        "# Sideman base",
        "",
        f"Perceiver AR with relative attention and chord memory, {count:,} parameters, matrices in NF4 (config.yaml).",
        f"Trained on {train_tokens:,} event tokens in twelve keys; {last['step']:,} updates so far.",
        f"Held-out loss while training (evenly spread sample): {last['held_out']:.3f} nats a token.",
        "",
        "| source | licence | files | hours |",
        "|---|---|---|---|",
        *(
            f"| {name} | {licence} | {files[name, licence]} | {hours[name, licence]:.1f} |"
            for name, licence in sorted(hours)
        ),
        "",
        "| update | training loss | held-out loss |",
        "|---|---|---|",
        *(f"| {row['step']:,} | {row['loss']:.3f} | {row['held_out']:.3f} |" for row in rows),
        "",
    ]
    return "\n".join(lines)


def _size(shape: tuple[int, ...]) -> int:
    result = 1
    for n in shape:
        result *= n
    return result
