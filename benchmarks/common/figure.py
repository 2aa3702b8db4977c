"""A figure without a display and without matplotlib's global state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["blank_figure", "save_figure"]


def blank_figure(width_in: float, height_in: float) -> Figure:
    """Returns an empty figure of that size, which lays itself out."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), dpi=120, layout="constrained")


def save_figure(path: Path, figure: Any) -> None:
    """Writes a PNG, the same bytes for the same figure."""
    figure.savefig(path, metadata={"Software": None})
