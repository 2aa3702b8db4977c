"""What is counted of whole performances: heads that return, silence, how low they lie, and what hands must reach."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.data.practice.hands.part import LEFT, RIGHT
from engine.data.practice.piece import Composition
from engine.data.practice.plan import Section

__all__ = ["FIGURE", "beats_of", "hands_cross", "head_returns", "low_windows", "most_sounding", "silence", "widest"]

FIGURE = 5  # notes
LOW, WINDOW_S = 55, 2.0  # G3
AT_ONCE_S = 0.008
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


def low_windows(piece: Composition) -> float:
    """The share of two-second windows in which a note below G3 sounds."""
    low = piece.notes[piece.notes["pitch"] < LOW]
    windows = max(1, int(piece.notes["offset_s"].max() / WINDOW_S))
    sounds = np.zeros(windows + 1, dtype=np.int64)
    np.add.at(sounds, np.minimum(low["onset_s"] // WINDOW_S, windows).astype(np.int64), 1)
    np.add.at(sounds, np.minimum(low["offset_s"] // WINDOW_S + 1, windows).astype(np.int64), -1)
    return float((np.cumsum(sounds)[:windows] > 0).mean())


def hands_cross(piece: Composition) -> bool:
    """Whether a note of the left hand ever sounds together with a right hand's that is no higher."""
    left, right = (piece.notes[piece.hands == hand] for hand in (LEFT, RIGHT))
    together = left["onset_s"][:, None] < right["offset_s"]
    together &= left["offset_s"][:, None] > right["onset_s"]
    return bool((together & (left["pitch"][:, None] >= right["pitch"])).any())


def most_sounding(piece: Composition) -> int:
    """How many notes sound at once at most."""
    notes = piece.notes
    edges, change = np.concatenate([notes["onset_s"], notes["offset_s"]]), np.repeat([1, -1], len(notes))
    return int(np.cumsum(change[np.lexsort((change, edges))]).max())


def widest(piece: Composition, hand: int) -> int:
    """The widest chord that a hand strikes at once, in semitones."""
    notes = piece.notes[piece.hands == hand]
    pitch, first = notes["pitch"].astype(np.int64), np.searchsorted(notes["onset_s"], notes["onset_s"] - AT_ONCE_S)
    return max((int(np.ptp(pitch[at : k + 1])) for k, at in enumerate(first) if at < k), default=0)


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
