"""Counts features of a piece of music: six histograms, and figures for harmony, groove, repetition, silence."""

from __future__ import annotations

import numpy as np

from engine.arrays import F64, I64
from engine.chords.chord import ChordLabels
from engine.evaluation.excerpts import Meter
from engine.evaluation.metrics import chord_tone_share_of, longest_rest_s
from engine.notes import Notes

__all__ = ["FIGURES", "HISTOGRAMS", "TIMES_S", "figures", "histograms", "polyphony"]

HISTOGRAMS = ("pitch", "pitch class", "duration", "inter-onset", "velocity", "polyphony")
FIGURES = {
    "chord tones": "share of the sounding time on tones of the chord in force",
    "pitch-class entropy": "bits, of the pitch classes by sounding time",
    "groove": "likeness of the bars' onset patterns (Wu and Yang 2020), where the beat is known",
    "on the beat": "share of the notes struck within a tenth of a beat from a beat, where it is known; 0.2 by chance",
    "restrikes": "share of the notes that repeat a pitch struck less than 0.3 s before",
    "silence": "share of the time in which nothing sounds",
    "longest rest s": "longest time without a new note",
    "notes/s": "notes struck a second",
}

TIMES_S = np.geomspace(0.01, 8.0, 33)  # edges of the bins for durations and inter-onset times
_RESTRIKE_S = 0.3
_GRID = 64  # positions of a bar in the grooving pattern
_SAMPLES_PER_S = 50  # where polyphony is looked at


def histograms(notes: Notes, length_s: float) -> dict[str, F64]:
    """Name -> shares that add up to 1 (all 0 where there is nothing to count)."""
    onset_s, duration_s = notes["onset_s"], notes["offset_s"] - notes["onset_s"]
    sounding = np.minimum(polyphony(notes, length_s), 16)
    counts = {
        "pitch": np.bincount(notes["pitch"], minlength=128),
        "pitch class": np.bincount(notes["pitch"] % 12, minlength=12),
        "duration": _time_histogram(duration_s),
        "inter-onset": _time_histogram(np.diff(onset_s)),
        "velocity": np.bincount(notes["velocity"] // 4, minlength=32),
        "polyphony": np.bincount(sounding, minlength=17),
    }
    return {name: count / max(count.sum(), 1) for name, count in counts.items()}


def figures(notes: Notes, length_s: float, chords: ChordLabels, meter: Meter | None) -> dict[str, float]:
    """FIGURES of a piece; NaN for what cannot be told of it."""
    if not len(notes):
        return {**dict.fromkeys(FIGURES, float("nan")), "silence": 1.0, "longest rest s": length_s, "notes/s": 0.0}
    starts = [onset_s for onset_s, _ in chords]
    spans = list(zip(starts, [*starts[1:], length_s], [chord for _, chord in chords], strict=True))
    return {
        "chord tones": chord_tone_share_of(notes, spans),
        "pitch-class entropy": pitch_class_entropy(notes),
        "groove": float("nan") if meter is None else groove(notes["onset_s"], length_s, meter),
        "on the beat": float("nan") if meter is None else on_the_beat(notes["onset_s"], meter),
        "restrikes": restrikes(notes),
        "silence": float((polyphony(notes, length_s) == 0).mean()),
        "longest rest s": longest_rest_s(notes, length_s),
        "notes/s": len(notes) / length_s,
    }


def groove(onset_s: F64, length_s: float, meter: Meter) -> float:
    """Returns the mean likeness of all pairs of bars: 1 - the share of 64 places where only one has an onset."""
    bar_s = 60.0 / meter.tempo_bpm * meter.beats_per_bar
    bars = int((length_s - meter.bar_s) // bar_s)
    if bars < 2:
        return float("nan")
    position = np.rint((onset_s - meter.bar_s) / bar_s * _GRID).astype(np.int64)
    position = position[(position >= 0) & (position < bars * _GRID)]
    pattern = np.zeros((bars, _GRID), dtype=bool)
    pattern.flat[position] = True
    different = (pattern[:, None] ^ pattern[None]).mean(-1)
    return float(1 - different[np.triu_indices(bars, 1)].mean())


def on_the_beat(onset_s: F64, meter: Meter) -> float:
    """Returns the share of the onsets within a tenth of a beat from a beat."""
    beats = (onset_s - meter.bar_s) * meter.tempo_bpm / 60.0
    return float((np.abs(beats - np.rint(beats)) < 0.1).mean())


def pitch_class_entropy(notes: Notes) -> float:
    """Returns the entropy of the pitch classes by sounding time, in bits, of one note or more."""
    by_class = np.bincount(notes["pitch"] % 12, notes["offset_s"] - notes["onset_s"], 12)
    share = by_class[by_class > 0] / by_class.sum()
    return float(-(share * np.log2(share)).sum())


def restrikes(notes: Notes) -> float:
    """Returns the share of the notes that repeat a pitch struck less than 0.3 s before."""
    order = np.lexsort((notes["onset_s"], notes["pitch"]))
    pitch, onset_s = notes["pitch"][order], notes["onset_s"][order]
    return float(((np.diff(pitch.astype(int)) == 0) & (np.diff(onset_s) < _RESTRIKE_S)).sum() / len(notes))


def polyphony(notes: Notes, length_s: float, samples_per_s: int = _SAMPLES_PER_S) -> I64:
    """Returns (S,) how many notes sound, at evenly spaced moments from 0 on."""
    moments = np.arange(0.0, length_s, 1.0 / samples_per_s)
    started = np.searchsorted(np.sort(notes["onset_s"]), moments, side="right")
    ended = np.searchsorted(np.sort(notes["offset_s"]), moments, side="right")
    return started - ended


def _time_histogram(seconds: F64) -> I64:
    """Counts in logarithmic bins; what lies outside counts to the nearest bin. Notes struck together are no time."""
    seconds = seconds[seconds >= 0.005]
    place = np.clip(np.searchsorted(TIMES_S, seconds, side="right") - 1, 0, len(TIMES_S) - 2)
    return np.bincount(place, minlength=len(TIMES_S) - 1)
