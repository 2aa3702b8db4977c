"""Measures a solo over a chart: harmony, hands, silence, form, dynamics, and whether it comes to an end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.arrays import F64, I64
from engine.chords import Chart
from engine.evaluation.excerpts import Meter
from engine.evaluation.features import on_the_beat, polyphony
from engine.evaluation.metrics import chord_tone_share
from engine.notes import Notes

__all__ = ["SOLO_FIGURES", "Ending", "ending_of", "recurrence", "solo_figures", "top_line_figures"]

SOLO_FIGURES = {
    "chord tones": "share of the sounding time on tones of the chord in force",
    "on the beat": "share of the notes within a tenth of a beat from a beat",
    "notes/s": "notes struck a second",
    "notes/beat": "notes struck a beat",
    "both hands": "share of the bars with a note below A3 and one from E4 on",
    "low notes": "share of the bars with a note below C4",
    "empty bars": "share of the bars in which nothing is struck",
    "silence bars": "the longest time in which nothing sounds, in bars",
    "thickness": "notes sounding while any does",
    "phrase variance": "variance of the notes sounding between phrases of four bars",
    "velocity": "mean velocity",
    "velocity spread": "standard deviation of the velocities",
    "recurrence": "share of five-note figures of the top line that were played four bars before or earlier, in any key",
    "proper ending": "1 where the last chord is held over its root to the end, and the last half beat has no strike",
}

OF_NOTES = ("chord tones", "on the beat", "velocity", "velocity spread", "recurrence")  # nothing without any
LEFT, RIGHT, MIDDLE = 57, 64, 60  # below A3 is the left hand's, from E4 on the right's
PHRASE_BARS = 4
EARLY_S = 0.02  # a note this much before a bar line belongs to the bar
FIGURE = 5  # notes
TOGETHER_S = 0.05  # notes this close are one chord, whose highest note is the line's
SAMPLES_PER_S = 100


@dataclass(frozen=True)
class Ending:
    """How a solo ends. Beats are counted back from its last bar line."""

    held: int  # chord tones that sound to the end, held for a beat and a half or longer
    root_lowest: bool  # whether the lowest of what is held is the chord's root
    foreign: int  # held notes that the chord does not have
    last_strike_beats: float  # between the last strike and the end

    @property
    def proper(self) -> bool:
        return self.held >= 2 and self.root_lowest and self.foreign == 0 and self.last_strike_beats >= 0.5


def solo_figures(notes: Notes, chart: Chart, tempo_bpm: float) -> dict[str, float]:
    """SOLO_FIGURES of (N,) notes over the whole of a chart that begins at 0; NaN for what cannot be told of silence."""
    if not len(notes):
        nothing = dict.fromkeys(SOLO_FIGURES, 0.0) | dict.fromkeys(OF_NOTES, float("nan"))
        return nothing | {"empty bars": 1.0, "silence bars": float(chart.bars)}
    beat_s = 60.0 / tempo_bpm
    bar_s, length_s = beat_s * chart.beats_per_bar, beat_s * chart.beats
    bar = np.floor((notes["onset_s"] + EARLY_S) / bar_s).astype(np.int64)
    bars = [notes["pitch"][bar == i] for i in range(chart.bars)]
    sounding = polyphony(notes, length_s, SAMPLES_PER_S)
    phrases = [part.mean() for part in np.array_split(sounding, max(1, chart.bars // PHRASE_BARS))]
    return {
        "chord tones": chord_tone_share(notes, chart, tempo_bpm),
        "on the beat": on_the_beat(notes["onset_s"], Meter(tempo_bpm, chart.beats_per_bar, 0.0)),
        "notes/s": len(notes) / length_s,
        "notes/beat": len(notes) / chart.beats,
        "both hands": float(np.mean([(x < LEFT).any() and (x >= RIGHT).any() for x in bars])),
        "low notes": float(np.mean([(x < MIDDLE).any() for x in bars])),
        "empty bars": float(np.mean([len(x) == 0 for x in bars])),
        "silence bars": _longest_run(sounding == 0) / SAMPLES_PER_S / bar_s,
        "thickness": float(sounding[sounding > 0].mean()) if sounding.any() else 0.0,
        "phrase variance": float(np.var(phrases)),
        "velocity": float(notes["velocity"].mean()),
        "velocity spread": float(notes["velocity"].std()),
        "recurrence": recurrence(notes, PHRASE_BARS * bar_s),
        "proper ending": float(ending_of(notes, chart, tempo_bpm).proper),
    }


def ending_of(notes: Notes, chart: Chart, tempo_bpm: float) -> Ending:
    """How (N,) notes end over the last chord of a chart that begins at 0."""
    beat_s = 60.0 / tempo_bpm
    end_s, chord = chart.beats * beat_s, chart.spans[-1].chord
    held = notes[(notes["offset_s"] > end_s - beat_s / 4) & (notes["offset_s"] - notes["onset_s"] >= 1.5 * beat_s)]
    tones = set() if chord is None else set(chord.pitch_classes())
    inside = np.isin(held["pitch"] % 12, sorted(tones))
    return Ending(
        held=int(inside.sum()),
        root_lowest=bool(len(held)) and chord is not None and int(held["pitch"].min()) % 12 == chord.root,
        foreign=int((~inside).sum()),
        last_strike_beats=float((end_s - notes["onset_s"].max(initial=-np.inf)) / beat_s),
    )


def recurrence(notes: Notes, gap_s: float) -> float:
    """Share of the top line's five-note figures that first came gap_s before or earlier. 0 without any."""
    first: dict[tuple[int, ...], float] = {}
    figures = top_line_figures(notes)
    found = sum(onset_s - first.setdefault(figure, onset_s) >= gap_s for onset_s, figure in figures)
    return found / len(figures) if figures else 0.0


def top_line_figures(notes: Notes) -> list[tuple[float, tuple[int, ...]]]:
    """Onset and intervals of every five-note figure of the top line.

    Figures of one interval alone, such as scales of whole steps or repeated notes, are not among them.
    """
    onset_s, pitch = _top_line(notes)
    figures = [
        (float(onset_s[i]), tuple(np.diff(pitch[i : i + FIGURE]).tolist())) for i in range(len(pitch) - FIGURE + 1)
    ]
    return [figure for figure in figures if len(set(figure[1])) > 1]


def _top_line(notes: Notes) -> tuple[F64, I64]:
    """Onsets and pitches of the highest note of each chord."""
    order = np.argsort(notes["onset_s"], kind="stable")
    onset_s, pitch = notes["onset_s"][order], notes["pitch"][order].astype(np.int64)
    lines: list[tuple[float, int]] = []
    for at, key in zip(onset_s.tolist(), pitch.tolist(), strict=True):
        if lines and at - lines[-1][0] < TOGETHER_S:
            lines[-1] = (lines[-1][0], max(lines[-1][1], key))
        else:
            lines.append((at, key))
    return np.array([at for at, _ in lines]), np.array([key for _, key in lines], dtype=np.int64)


def _longest_run(is_so: npt.NDArray[np.bool_]) -> int:
    """The length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_so, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0
