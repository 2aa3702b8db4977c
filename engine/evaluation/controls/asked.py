"""Does it play what it is asked? Controls asked of solos over charts, against what can be counted of the solos."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.chords import Chart
from engine.data.controls import measure
from engine.data.practice.piece import compose
from engine.evaluation.controls.naming import NAMED, Clip, Namer, practice_names
from engine.model.checkpoint import Checkpoint
from engine.model.controls import MEASURED, Control
from engine.notes import Notes
from engine.solo.improvise import improvise
from engine.tokens import encode_notes
from osc_protocol.table.parameters import settings

__all__ = ["PAIRS", "Asked", "Obtained", "ask", "measured_table", "named_table", "questions", "unseen_charts"]

BARS = 32
PAIRS = (("density", "register"), ("density", "loudness"), ("thickness", "register"), ("bass", "density"))
"""Asked together, low and high: the first must not undo the second."""
ENDS = (0.15, 0.85)
_CHART_SEED = 40_000_000  # of forms that no training has composed


@dataclass(frozen=True)
class Asked:
    """One question: what is asked over which chart. values: rows of the parameter table."""

    values: dict[str, str | float]
    chart: Chart
    tempo_bpm: float
    seed: int


@dataclass(frozen=True)
class Obtained:
    """The answer: quantities in the units of the controls' edges, and the names that the namer gave."""

    asked: Asked
    quantities: dict[str, float]
    names: dict[str, str]


def unseen_charts(count: int, names: Mapping[str, str] | None = None) -> list[tuple[Chart, float]]:
    """Charts of 32 bars, each with its tempo, whose forms no practice piece of any training has had.

    names: kind of NAMED -> label; then charts at which a practice pianist would do that: a waltz is asked over a waltz.
    """
    found: list[tuple[Chart, float]] = []
    for seed in itertools.count(_CHART_SEED):
        music = compose(seed, 0)
        if names is None or names.items() <= practice_names(music).items():
            found.append((music.chart.fill(BARS), float(music.tempo_bpm)))
        if len(found) == count:
            return found
    raise AssertionError("there is always another piece")


def questions(controls: Sequence[Control], seeds: int) -> Iterator[Asked]:
    """Every level of every measured control, every label of NAMED, and PAIRS at their ends; a chart of its own each."""
    asked: list[dict[str, str | float]] = []
    for control in controls:
        if control.name in MEASURED:
            asked += [{control.name: level / (control.levels - 1)} for level in range(control.levels)]
        elif control.name in NAMED:
            asked += [{control.name: label} for label in control.labels]
    names = {control.name for control in controls}
    asked += [{a: x, b: y} for a, b in PAIRS if {a, b} <= names for x in ENDS for y in ENDS]
    anywhere = unseen_charts(seeds)
    for values in asked:
        named = {name: str(value) for name, value in values.items() if name in NAMED}
        charts = unseen_charts(seeds, named) if named else anywhere
        for seed, (chart, tempo_bpm) in enumerate(charts, start=1):
            yield Asked(values, chart, tempo_bpm, seed)


def ask(checkpoint: Checkpoint, question: Asked, namer: Namer) -> Obtained:
    """Plays the solo that a user who asks this gets, and looks at it."""
    solo = improvise(
        checkpoint, question.chart, tempo_bpm=question.tempo_bpm, seed=question.seed, params=settings(**question.values)
    )
    clip = Clip(solo.notes, question.chart, question.tempo_bpm, {})
    return Obtained(question, quantities(solo.notes), namer.name(clip))


def quantities(notes: Notes) -> dict[str, float]:
    """What the measured controls say of notes, by the formulas that they were trained with; of silence NaN or 0."""
    ids = encode_notes(notes)[0] if len(notes) else np.zeros(0)
    return {name: float(values[0]) for name, values in measure(ids.astype(np.int64)).items()}


def measured_table(controls: Sequence[Control], answers: Sequence[Obtained]) -> dict[str, dict[str, float]]:
    """By measured control: r, Pearson's, of the levels asked and obtained alone; asked together, the share of pairs in
    which each one still tells its low from its high end while the other stays (together)."""
    rows: dict[str, dict[str, float]] = {}
    for control in controls:
        if control.name not in MEASURED:
            continue
        alone = [
            a for a in answers if a.asked.values.keys() == {control.name} and not np.isnan(a.quantities[control.name])
        ]
        wanted = np.array([float(a.asked.values[control.name]) * (control.levels - 1) for a in alone])
        got = np.array([control.level(a.quantities[control.name]) for a in alone])
        r = float(np.corrcoef(wanted, got)[0, 1]) if len(alone) > 2 else float("nan")
        row = {"r": r, "off_by_levels": float(np.abs(wanted - got).mean()) if alone else float("nan")}
        kept = list(_told_apart(control, answers))
        rows[control.name] = {**row, "together": float(np.mean(kept)) if kept else float("nan")}
    return rows


def _told_apart(control: Control, answers: Sequence[Obtained]) -> Iterator[bool]:
    """For each pair, chart and end of the other control: whether high is at least two levels above low."""
    name, ends = control.name, dict[tuple[object, ...], dict[float, float]]()
    for answer in answers:
        values = answer.asked.values
        if name in values and len(values) == 2:
            (other,) = values.keys() - {name}
            key = (other, values[other], answer.asked.seed)
            ends.setdefault(key, {})[float(values[name])] = control.level(answer.quantities[name])
    for by_end in ends.values():
        if len(by_end) == 2:
            yield by_end[ENDS[1]] - by_end[ENDS[0]] >= 2


def named_table(answers: Sequence[Obtained]) -> dict[str, dict[str, float]]:
    """By kind of NAMED: the share of clips named as asked, of all and of each label."""
    rows: dict[str, dict[str, float]] = {}
    for kind in NAMED:
        mine = [a for a in answers if a.asked.values.keys() == {kind}]
        right: dict[str, list[bool]] = {}
        for answer in mine:
            right.setdefault(str(answer.asked.values[kind]), []).append(answer.names[kind] == answer.asked.values[kind])
        every = [hit for hits in right.values() for hit in hits]
        if every:
            rows[kind] = {"all": float(np.mean(every)), **{label: float(np.mean(h)) for label, h in right.items()}}
    return rows
