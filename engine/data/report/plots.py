"""Draws the charts of a report, one function each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.arrays import I64
from engine.data.report.facts import GAP_EDGES, LENGTH_EDGES_S, Facts
from engine.data.report.picture import CHART_IN, FIRST, INK, SECOND, picture, pitch_name, time_text
from engine.data.report.roll import ROLL_IN
from engine.output.html_page import Picture
from engine.output.plot import velocity_colours
from engine.vocabulary import PITCH_NAMES, QUALITIES, STEP_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["charts"]

MAX_BARS = 10  # rows of a bar chart; the rest are one row
MIN_LABEL_SHARE = 0.001  # chords and keys rarer than that are not named in words
FIFTHS = [(7 * i + 5) % 12 for i in range(12)]  # F C G D ... Bb: neighbours are related keys
LENGTH_TICKS_S = {10: "10 s", 30: "30 s", 60: "1 min", 180: "3 min", 600: "10 min", 1800: "30 min"}
GAP_TICKS_S = {0.01: "10 ms", 0.03: "30 ms", 0.1: "0.1 s", 0.3: "0.3 s", 1: "1 s", 3: "3 s", 10: "10 s"}


def charts(facts: Facts) -> Iterator[Picture]:
    """Draws a chart of everything counted that is not empty. SidemanError: matplotlib is missing."""
    drawings = (
        (_pitch, facts.pitch.any()),
        (_velocity, facts.velocity.any()),
        (_duration, facts.duration.any()),
        (_gap, facts.gap.any()),
        (_keys, facts.keys.any()),
        (_chords, facts.chord_s.any()),
        (_lengths, True),
        (_refusals, bool(facts.reasons)),
        (_collections, True),
    )
    return (draw(facts) for draw, wanted in drawings if wanted)


def _shares(axes: Axes, edges: npt.NDArray[Any], counts: I64, log: bool = False) -> None:
    """Draws a histogram without a scale for its height, since its shape matters; per doubling if x is logarithmic."""
    width = np.diff(np.log2(edges) if log else edges)
    axes.stairs(counts / width / max(1, counts.sum()), edges, fill=True, color=FIRST)
    if log:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_yticks([])
    axes.set_ylim(bottom=0)
    axes.set_xlim(edges[0], edges[-1])


def _quantiles(edges: npt.NDArray[Any], counts: I64) -> tuple[float, float, float]:
    """Returns the lower quartile, the median and the upper quartile, to within a bin."""
    reached = np.cumsum(counts) / max(1, counts.sum())
    quarter, half, three = (float(edges[int(np.searchsorted(reached, share))]) for share in (0.25, 0.5, 0.75))
    return quarter, half, three


def _pitch(facts: Facts) -> Picture:
    used = np.flatnonzero(facts.pitch)
    low, half, high = (pitch_name(int(p)) for p in _quantiles(np.arange(128), facts.pitch))

    def draw(axes: Axes) -> None:
        first, last = min(int(used[0]), 21), max(int(used[-1]), 108)
        _shares(axes, np.arange(first, last + 2) - 0.5, facts.pitch[first : last + 1])
        octaves = [p for p in range(first, last + 1) if p % 12 == 0]
        axes.set_xticks(octaves, [pitch_name(p) for p in octaves])

    alt = (
        f"Half of all notes lie between {low} and {high}, the middle one is {half}; "
        f"the lowest is {pitch_name(int(used[0]))}, the highest {pitch_name(int(used[-1]))}"
    )
    return picture("Pitch", draw, alt)


def _velocity(facts: Facts) -> Picture:
    low, half, high = _quantiles(np.arange(128), facts.velocity)

    def draw(axes: Axes) -> None:
        # The vocabulary knows 32 loudnesses: four velocities each.
        _shares(axes, np.arange(0, 129, 4), facts.velocity.reshape(32, 4).sum(axis=1))
        axes.set_xticks(range(0, 129, 16))

    alt = f"Half of all notes have a velocity between {low:.0f} and {high:.0f}, the middle one {half:.0f}"
    flat = facts.velocity.max() > 0.8 * facts.velocity.sum()
    return picture("Velocity", draw, alt + ("; nearly all are equally loud" if flat else ""))


def _times(name: str, what: str, counts: I64) -> Picture:
    edges_s = np.append(GAP_EDGES, GAP_EDGES[-1] * GAP_EDGES[-1] / GAP_EDGES[-2]) * STEP_S
    low, half, high = _quantiles(edges_s, counts)

    def draw(axes: Axes) -> None:
        _shares(axes, edges_s, counts, log=True)
        axes.set_xticks(list(GAP_TICKS_S), list(GAP_TICKS_S.values()))

    alt = f"Half of all {what} last between {time_text(low)} and {time_text(high)}, the middle one {time_text(half)}"
    return picture(name, draw, alt)


def _duration(facts: Facts) -> Picture:
    return _times("Duration of notes", "notes, with the pedal,", facts.duration)


def _gap(facts: Facts) -> Picture:
    return _times("Time between onsets", "steps from one onset to the next", facts.gap)


def _keys(facts: Facts) -> Picture:
    major, minor = facts.keys[:12], facts.keys[12:]

    def draw(axes: Axes) -> None:
        x = np.arange(12)
        axes.bar(x - 0.2, major[FIFTHS], 0.38, color=FIRST, label="major")
        axes.bar(x + 0.2, minor[FIFTHS], 0.38, color=SECOND, label="minor")
        axes.set_xticks(x, [_signs(PITCH_NAMES[root]) for root in FIFTHS])
        axes.locator_params(axis="y", nbins=4, integer=True)
        axes.legend(frameon=False, fontsize=9, labelcolor=INK, ncols=2, loc="lower right", bbox_to_anchor=(1, 0.97))

    order = np.argsort(-facts.keys, kind="stable")[:3]
    names = [f"{PITCH_NAMES[k % 12]} {'minor' if k >= 12 else 'major'} ({facts.keys[k]})" for k in order]
    share = major.sum() / max(1, facts.keys.sum())
    alt = f"Pieces by key, as estimated from their notes: most often {', '.join(names)}; {share:.0%} in major"
    return picture("Keys", draw, alt)


def _chords(facts: Facts) -> Picture:
    seconds = facts.chord_s.reshape(12, len(QUALITIES))
    roots = [(7 * i) % 12 for i in range(11, -1, -1)]

    def draw(axes: Axes) -> None:
        # Square roots keep rare chords visible beside the common triads.
        shade = np.sqrt(seconds[roots] / max(1e-9, seconds.max()))
        colours = velocity_colours()[0]
        axes.imshow(np.ma.masked_where(shade == 0, shade), aspect="auto", cmap=colours, vmin=0, vmax=1)
        axes.set_xticks(range(len(QUALITIES)), [_signs(q) or "major" for q in QUALITIES], rotation=90, fontsize=8)
        axes.set_yticks(range(12), [_signs(PITCH_NAMES[root]) for root in roots], fontsize=8)
        axes.spines["bottom"].set_visible(False)

    by_quality = seconds.sum(axis=0) / seconds.sum()
    names = [{"": "major", "m": "minor"}.get(q, q) for q in QUALITIES]
    best = [q for q in np.argsort(-by_quality, kind="stable")[:4] if by_quality[q] >= MIN_LABEL_SHARE]
    common = ", ".join(f"{by_quality[q]:.0%} {names[q]}" for q in best)
    silent = facts.no_chord_s / (facts.no_chord_s + seconds.sum())
    alt = f"Time under each chord, roots in fifths by qualities, stronger for longer: {common}; {silent:.0%} no chord"
    return picture("Chords", draw, alt, (CHART_IN[0], 3.0))


def _lengths(facts: Facts) -> Picture:
    low, half, high = _quantiles(LENGTH_EDGES_S, facts.lengths)

    def draw(axes: Axes) -> None:
        _shares(axes, LENGTH_EDGES_S, facts.lengths, log=True)
        axes.set_xticks(list(LENGTH_TICKS_S), list(LENGTH_TICKS_S.values()))

    alt = f"Half of all pieces last between {time_text(low)} and {time_text(high)}, the middle one {time_text(half)}"
    return picture("Length of pieces", draw, alt, (CHART_IN[0], 3.0))


def _collections(facts: Facts) -> Picture:
    parts = sorted(facts.collections.items(), key=lambda item: -item[1].seconds)
    hours, tokens = (
        _few([(name, getattr(part, what)) for name, part in parts], "other collections")
        for what in ("seconds", "tokens")
    )
    all_hours, all_tokens = (max(1e-9, sum(n for _, n in rows)) for rows in (hours, tokens))

    def draw(axes: Axes) -> None:
        y = np.arange(len(hours))
        axes.barh(y - 0.2, [n / all_hours * 100 for _, n in hours], 0.38, color=FIRST, label="hours")
        axes.barh(y + 0.2, [n / all_tokens * 100 for _, n in tokens], 0.38, color=SECOND, label="tokens")
        _name_rows(axes, [_licenced(name, facts) for name, _ in hours])
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:g} %")
        axes.locator_params(axis="x", nbins=4)
        axes.legend(frameon=False, fontsize=9, labelcolor=INK, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))

    named = ", ".join(f"{name} {n / all_hours:.0%}" for name, n in hours[:4])
    alt = f"Share of each collection in the hours and in the tokens, with its licence; of the hours: {named}"
    return picture("Collections", draw, alt, (ROLL_IN[0], 0.8 + 0.36 * len(hours)))


def _refusals(facts: Facts) -> Picture:
    rows = _few(facts.reasons.most_common(), "other reasons")

    def draw(axes: Axes) -> None:
        bars = axes.barh(range(len(rows)), [n for _, n in rows], 0.6, color=FIRST)
        axes.bar_label(bars, [f"{n:,.0f}" for _, n in rows], padding=3, fontsize=9, color=INK)
        _name_rows(axes, [_shortened(name, 34) for name, _ in rows])
        axes.margins(x=0.15)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)

    alt = f"Refused files by reason: {', '.join(f'{name} ({n:,.0f})' for name, n in rows)}"
    return picture("Refused files", draw, alt, (CHART_IN[0], max(CHART_IN[1], 0.5 + 0.3 * len(rows))))


def _few(rows: Sequence[tuple[str, float]], others: str) -> list[tuple[str, float]]:
    """Returns the first rows, and one for the sum of the others."""
    if len(rows) <= MAX_BARS:
        return list(rows)
    return [*rows[: MAX_BARS - 1], (f"{len(rows) - MAX_BARS + 1} {others}", sum(n for _, n in rows[MAX_BARS - 1 :]))]


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names of the rows of a horizontal bar chart, the first on top; never read as formulas."""
    axes.set_yticks(range(len(names)), names)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.invert_yaxis()


def _licenced(collection: str, facts: Facts) -> str:
    """A collection's name over its commonest licence."""
    name = _shortened(collection, 60)
    licences = facts.collections[collection].licences if collection in facts.collections else None
    return f"{name}\n{_shortened(licences.most_common(1)[0][0], 60)}" if licences else name


def _shortened(text: str, length: int) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def _signs(name: str) -> str:
    return name.replace("#", "♯").replace("b", "♭")
