"""Draws one picture of a report: a PNG of dark ink on nothing, which a page can turn light on a dark ground."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.errors import check_installed
from engine.output.html_page import Picture
from engine.output.plot import INK
from engine.vocabulary import PITCH_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CHART_IN", "FAINT", "FIRST", "INK", "SECOND", "picture", "pitch_name", "time_text"]

DPI = 110
CHART_IN = (4.6, 2.5)

# One hue for amounts, a second far from it in lightness too, for grey print and for the colour-blind.
FAINT, FIRST, SECOND = "#6b7385", "#4663b8", "#c98a2b"


def pitch_name(pitch: int) -> str:
    """Names a pitch, as in C4 for 60, middle C."""
    return f"{PITCH_NAMES[pitch % 12]}{pitch // 12 - 1}"


def time_text(seconds: float) -> str:
    """Writes a time as in 40 ms, 0.35 s, 12 s, 3.4 min."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 3600 else f"{seconds / 3600:.2g} h"


def picture(
    name: str,
    draw: Callable[[Axes], None],
    alt: str,
    size_in: tuple[float, float] = CHART_IN,
    box: tuple[float, float, float, float] | None = None,
) -> Picture:
    """Makes a picture of what draw() draws. box: where the axes lie in it; None: where their labels leave room."""
    check_installed("matplotlib", "plot", "a report")
    from matplotlib.figure import Figure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name in a script that the font lacks is drawn as boxes
        figure = Figure(figsize=size_in, dpi=DPI, layout=None if box else "constrained", facecolor="none")
        axes = figure.add_axes(box, facecolor="none") if box else figure.add_subplot(facecolor="none")
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(FAINT)
        axes.tick_params(colors=FAINT, labelcolor=INK, labelsize=9, length=3)
        axes.tick_params(axis="y", length=0)
        draw(axes)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", facecolor="none")
    return Picture(name, buffer.getvalue(), (round(size_in[0] * DPI), round(size_in[1] * DPI)), alt)
