"""An evaluation as one HTML page: likelihood, the music's measures, and its histograms beside those of real music."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.atomic import write_whole
from engine.data.report.picture import FAINT, FIRST, INK, SECOND, picture
from engine.evaluation.features import FIGURES, HISTOGRAMS, TIMES_S
from engine.evaluation.judgement import ROWS, Judgement
from engine.model.checkpoint import Checkpoint
from engine.model.shapes import count_parameters
from engine.output.html_page import END, Picture, chart, head, table, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["write_page"]

_AXES = {
    "pitch": ("MIDI pitch", np.arange(128)),
    "pitch class": ("semitones above C", np.arange(12)),
    "duration": ("seconds", TIMES_S[:-1]),
    "inter-onset": ("seconds", TIMES_S[:-1]),
    "velocity": ("MIDI velocity", np.arange(32) * 4 + 2),
    "polyphony": ("notes at once", np.arange(17)),
}
_MEANINGS = {
    **FIGURES,
    "known 12-grams": "share of the runs of 12 notes that the training music holds too, in any key",
    "longest copy": "notes of the longest run that the training music holds too, over all clips",
}


def write_page(
    path: Path,
    checkpoint: Checkpoint,
    likelihood: dict[str, dict[str, float | None]],
    music: Judgement | None,
    *,
    command: str,
) -> None:
    """Writes beside, then renames. SidemanError: it cannot be written, or matplotlib is missing."""
    write_whole(path, "".join(_parts(checkpoint, likelihood, music, command)))


def _parts(
    checkpoint: Checkpoint, likelihood: dict[str, dict[str, float | None]], music: Judgement | None, command: str
) -> Iterator[str]:
    name = checkpoint.path.name
    yield head(f"Evaluation of {name}", f"{datetime.date.today():%Y-%m-%d}", command)
    yield f"<p>{count_parameters(checkpoint.model):,} parameters; weights sha256 {checkpoint.sha256[:12]}.</p>\n"
    yield "<h2>How well it foresees music it never heard</h2>\n"
    columns = next(iter(likelihood.values()))
    yield table(
        "Mean surprise, lower is better. Low and high: where it lies when works are drawn anew, 95 of "
        "100 times. Wrong chords: the piece's own, in another order. 5-gram: interpolated "
        "Kneser-Ney on the same training tokens",
        ("Collection", *(column.replace("_", " ") for column in columns)),
        (
            (name, *("one work" if value is None else f"{value:,.6g}" for value in row.values()))
            for name, row in likelihood.items()
        ),
        counts=len(columns),
    )
    if music is not None:
        yield from _music(music)
    yield END


def _music(music: Judgement) -> Iterator[str]:
    yield f"<h2>What it plays: {music.clips} clips of 16 s</h2>\n<ul>\n"
    yield "".join(f"<li><strong>{text(row)}</strong>: {text(meaning)}.</li>\n" for row, meaning in ROWS.items())
    yield "</ul>\n"
    measures = list(music.rows["model"])
    yield table(
        "Overlap and KL: overlapping area (1 is alike) and KL divergence (0 is alike) between the distances within the "
        "reference excerpts and those to the row's clips (Yang and Lerch 2020)",
        ("Measure", *music.rows),
        ((name, *(_cell(row[name]) for row in music.rows.values())) for name in measures),
        counts=len(music.rows),
    )
    yield "<ul>\n" + "".join(f"<li>{text(k)}: {text(v)}.</li>\n" for k, v in _MEANINGS.items()) + "</ul>\n"
    yield '<div class="charts">\n' + "".join(chart(_drawn(music, name)) for name in HISTOGRAMS) + "</div>\n"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _drawn(music: Judgement, name: str) -> Picture:
    """The mean shares of the model's clips over those of the excerpts in whose place they stand."""
    label, x = _AXES[name]
    real, model = music.histograms["reference"][name] * 100, music.histograms["model"][name] * 100

    def draw(axes: Axes) -> None:
        axes.fill_between(x, real, step="mid", color=SECOND, alpha=0.35, linewidth=0, label="real")
        axes.plot(x, model, drawstyle="steps-mid", color=FIRST, linewidth=1.6, label="model")
        if label == "seconds":
            axes.set_xscale("log")
        axes.set_xlabel(label, fontsize=9, color=FAINT)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:g} %")
        axes.legend(frameon=False, fontsize=9, labelcolor=INK)

    shared = np.minimum(real, model).sum()
    alt = f"{name.capitalize()}: shares of the model over those of real music; {shared:.0f} % of their area is the same"
    return picture(name.capitalize(), draw, alt)
