"""What is counted of whole performances: whether heads return, and how much silence there is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.data.practice.hands.part import RIGHT
from engine.data.practice.piece import Composition
from engine.data.practice.plan import Section

__all__ = ["FIGURE", "beats_of", "head_returns", "silence"]

FIGURE = 5  # notes
_GRID = 6  # places a beat at which notes count as struck together


def beats_of(piece: Composition, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Seconds -> beats of the piece, as they lie."""
    if piece.beats_s is None:
        return seconds * piece.tempo_bpm / 60.0
    last_s = piece.beats_s[-1] - piece.beats_s[-2]
    beyond = np.maximum(0.0, seconds - piece.beats_s[-1]) / last_s
    return np.asarray(np.interp(seconds, piece.beats_s, np.arange(len(piece.beats_s))) + beyond, dtype=np.float64)


def head_returns(piece: Composition) -> float | None:
    """The share of a returning head's five-note figures, as intervals of the top line, that its first statement has.

    Over all letters that come again; None where no melody does.
    """
    if piece.plan is None or piece.role not in ("solo", "right"):
        return None
    stated: dict[str, set[tuple[int, ...]]] = {}
    shares = []
    for section in piece.plan.sections:
        if section.kind != "head":
            continue
        figures = _figures(piece, section)
        if section.letter not in stated:
            stated[section.letter] = set(figures)
        elif figures:
            shares.append(float(np.mean([figure in stated[section.letter] for figure in figures])))
    return float(np.mean(shares)) if shares else None


def silence(piece: Composition) -> float:
    """The share of the time in which nothing sounds."""
    notes = piece.notes
    gaps = notes["onset_s"][1:] - np.maximum.accumulate(notes["offset_s"])[:-1]
    return float(gaps[gaps > 0].sum() / notes["offset_s"].max())


def _figures(piece: Composition, section: Section) -> list[tuple[int, ...]]:
    meter, beat = piece.chart.beats_per_bar, beats_of(piece, piece.notes["onset_s"])
    inside = (piece.hands == RIGHT) & (beat >= section.first * meter - 0.3) & (beat < section.stop * meter - 0.3)
    notes = piece.notes[inside]
    pitch, onset_s, offset_s = notes["pitch"].astype(np.int64), notes["onset_s"], notes["offset_s"]
    # A chord struck under a held note is no melody.
    under = (pitch[:, None] < pitch) & (onset_s[:, None] > onset_s + 0.05) & (onset_s[:, None] < offset_s - 0.05)
    melody = ~under.any(axis=1)
    place, pitch = np.rint(beat[inside] * _GRID)[melody], pitch[melody]
    top = [int(pitch[place == at].max()) for at in np.unique(place)]
    return [tuple(np.diff(top[i : i + FIGURE]).tolist()) for i in range(len(top) - FIGURE + 1)]
