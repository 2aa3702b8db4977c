"""Simple measures of a solo."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.chords import Chart, Chord
from engine.notes import Notes

__all__ = ["chord_tone_share", "chord_tone_share_of", "longest_rest_s"]


def chord_tone_share(notes: Notes, chart: Chart, tempo_bpm: float) -> float:
    """chord_tone_share_of the chart's chords."""
    beat_s = 60.0 / tempo_bpm
    return chord_tone_share_of(
        notes, [(span.start_beat * beat_s, span.end_beat * beat_s, span.chord) for span in chart.spans]
    )


def chord_tone_share_of(notes: Notes, spans: Iterable[tuple[float, float, Chord | None]]) -> float:
    """Share of the sounding time that lies on tones of the chord in force; N.C. counts as no tone. 0 without notes.

    spans: (start_s, stop_s, chord).
    """
    inside_s = 0.0
    for start_s, stop_s, chord in spans:
        if chord is None:
            continue
        overlap_s = np.minimum(notes["offset_s"], stop_s) - np.maximum(notes["onset_s"], start_s)
        tones = np.isin(notes["pitch"] % 12, sorted(chord.pitch_classes()))
        inside_s += float(np.maximum(overlap_s, 0.0)[tones].sum())
    sounding_s = float((notes["offset_s"] - notes["onset_s"]).sum())
    return inside_s / sounding_s if sounding_s else 0.0


def longest_rest_s(notes: Notes, length_s: float) -> float:
    """Returns the longest time in seconds without a new note, from 0 to length_s."""
    edges = np.concatenate([[0.0], np.sort(notes["onset_s"]), [length_s]])
    return float(np.diff(edges).max())
