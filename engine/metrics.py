"""What can be counted of a solo."""

from __future__ import annotations

import numpy as np

from engine.chords import Chart
from engine.notes import Notes

__all__ = ["chord_tone_share", "longest_rest_s"]


def chord_tone_share(notes: Notes, chart: Chart, tempo_bpm: float) -> float:
    """Share of the sounding time that lies on tones of the chord in force; N.C. counts as no tone. 0 without notes."""
    beat_s, inside_s = 60.0 / tempo_bpm, 0.0
    for span in chart.spans:
        if span.chord is None:
            continue
        start, stop = span.start_beat * beat_s, span.end_beat * beat_s
        overlap = np.minimum(notes["offset_s"], stop) - np.maximum(notes["onset_s"], start)
        tones = np.isin(notes["pitch"] % 12, sorted(span.chord.pitch_classes()))
        inside_s += float(np.maximum(overlap, 0.0)[tones].sum())
    sounding_s = float((notes["offset_s"] - notes["onset_s"]).sum())
    return inside_s / sounding_s if sounding_s else 0.0


def longest_rest_s(notes: Notes, length_s: float) -> float:
    """The longest time without a new note, from 0 to length_s."""
    edges = np.concatenate([[0.0], np.sort(notes["onset_s"]), [length_s]])
    return float(np.diff(edges).max())
