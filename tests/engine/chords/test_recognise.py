"""Notes to chords: agreement with known harmony."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from engine.chords import Chord, parse_chord
from engine.chords.recognise import recognise
from engine.notes import Notes, make_notes
from engine.vocabulary import QUALITIES

CHARTS = ["C Am F G", "Dm7 G7 Cmaj7 Cmaj7", "Bb Gm7 Cm7 F7", "F#m B E A", "Em7b5 A7 Dm Dm"]


def _comp(chart: str, bar_s: float = 2.0, seed: int = 0) -> tuple[Notes, list[tuple[float, Chord]]]:
    """Root in the bass, the chord on every beat above, and a passing melody note in between."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[float, float, int, int]] = []
    truth: list[tuple[float, Chord]] = []
    for bar, symbol in enumerate(chart.split()):
        chord = parse_chord(symbol)
        assert chord is not None
        if not truth or truth[-1][1] != chord:
            truth.append((bar * bar_s, chord))
        at_s = bar * bar_s
        rows.append((at_s, at_s + bar_s * 0.9, 36 + chord.root, 80))
        for beat in range(4):
            beat_s = at_s + beat * bar_s / 4
            rows += [(beat_s, beat_s + bar_s / 5, 60 + pc, 60) for pc in chord.pitch_classes()]
            rows.append((beat_s + bar_s / 8, beat_s + bar_s / 7, 72 + int(rng.integers(12)), 70))
    onset_s, offset_s, pitch, velocity = zip(*rows, strict=True)
    return make_notes(onset_s, offset_s, pitch, velocity), truth


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("known_beats", [True, False])
def test_comping_is_read_back(chart: str, known_beats: bool) -> None:
    notes, truth = _comp(chart)
    found = recognise(notes, np.arange(0, 8.5, 0.5) if known_beats else None)
    assert [(chord.root, chord.quality) for _, chord in found if chord] == [(c.root, c.quality) for _, c in truth]
    assert [onset_s for onset_s, _ in found] == pytest.approx([onset_s for onset_s, _ in truth], abs=0.51)


def test_the_first_change_is_at_zero_and_changes_rise() -> None:
    notes, _ = _comp(CHARTS[0])
    notes["onset_s"] += 6
    notes["offset_s"] += 6
    found = recognise(notes, np.arange(0, 15, 0.5))
    assert found[0] == (0.0, None)
    assert all(a[0] < b[0] and a[1] != b[1] for a, b in itertools.pairwise(found))


def test_no_notes_have_no_chords() -> None:
    assert recognise(make_notes([], [], [], [])) == []


def test_an_inversion_names_its_bass() -> None:
    pitches = [52, 60, 64, 67]
    notes = make_notes([0.0] * 4, [2.0] * 4, pitches, [70] * 4)
    assert [str(chord) for _, chord in recognise(notes)] == ["C/E"]


def test_transposing_the_notes_transposes_the_chords() -> None:
    notes, _ = _comp(CHARTS[1])
    beats_s = np.arange(0, 8.5, 0.5)
    base = recognise(notes, beats_s)
    for semitones in (1, 3, 5):
        moved = notes.copy()
        moved["pitch"] += semitones
        expected = [(s, ((c.root + semitones) % 12, c.quality) if c else None) for s, c in base]
        assert [(s, (c.root, c.quality) if c else None) for s, c in recognise(moved, beats_s)] == expected


ROOTLESS = {"13": (10, 14, 16, 21), "7#9": (4, 10, 15)}  # semitones above the absent root


def _voicings(quality: str, kind: str) -> tuple[Notes, list[tuple[int, str]]]:
    """Twelve chords of one quality, a second each, struck at once: over their root, as shells, or without the root."""
    roots = [int(root) for root in np.random.default_rng(0).permutation(12)]
    rows = []
    for i, root in enumerate(roots):
        tones = QUALITIES[quality]
        if kind == "shell":
            tones = tuple(t for t in tones if t not in (0, 7)) or (7,)
        above = ROOTLESS[quality] if kind == "rootless" else tones[1:] if kind == "full" else tones
        pitches = [48 + root + t for t in above] if kind == "rootless" else [52 + (root + t - 4) % 12 for t in above]
        rows += [(i, i + 0.95, pitch, 70) for pitch in ([] if kind == "rootless" else [36 + root]) + pitches]
    return make_notes(*zip(*rows, strict=True)), [(root, quality) for root in roots]


def _named(notes: Notes, truth: list[tuple[int, str]]) -> float:
    """Share of the chords that are named exactly, half a second into each."""
    found = recognise(notes, np.arange(0, len(truth) + 0.5, 0.5))
    at = np.searchsorted([onset_s for onset_s, _ in found], np.arange(len(truth)) + 0.5) - 1
    names = [found[i][1] for i in at]
    return float(np.mean([c is not None and (c.root, c.quality) == t for c, t in zip(names, truth, strict=True)]))


@pytest.mark.parametrize("quality", [quality for quality in QUALITIES if quality != "5"])
def test_voicings_over_their_root_are_named(quality: str) -> None:
    # A bare fifth is taken for the triad that it nearly always stands for.
    assert _named(*_voicings(quality, "full")) >= 0.9


@pytest.mark.parametrize(
    "quality", ["7", "maj7", "m7", "mMaj7", "m7b5", "9", "maj9", "m9", "13", "7b9", "7#9", "7#11", "7#5"]
)
def test_shells_over_their_root_are_named(quality: str) -> None:
    assert _named(*_voicings(quality, "shell")) >= 0.9


def test_a_thirteenth_without_its_root_is_named() -> None:
    assert _named(*_voicings("13", "rootless")) >= 0.6


def test_a_chord_over_a_bass_struck_before_keeps_that_bass() -> None:
    notes = make_notes([0.0, 0.5, 0.5, 0.5, 0.5], [2.0] * 5, [38, 60, 65, 69, 74], [70] * 5)
    assert [str(chord) for _, chord in recognise(notes, np.array([0.0, 0.5, 1.0, 1.5, 2.0]))][-1] == "Dm7"


def test_one_endless_note_among_many_frames_is_cheap() -> None:
    onset_s = np.arange(3000) * 0.5
    notes = make_notes([0.0, *onset_s], [1e6, *(onset_s + 0.4)], [40] + [60] * 3000, [60] * 3001)
    start = time.process_time()
    recognise(notes)
    assert time.process_time() - start < 2
