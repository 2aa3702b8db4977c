"""A tempo map is believed where the music lies on it, moved where the music lies beside it, else dropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.beats.map_phase import true_phase
from engine.beats.phase import UNKNOWN_IN_BAR
from engine.data.reading.corpus import find_sources, read_piece
from engine.midi_io.write import write_midi
from engine.notes import Notes, make_notes

BEAT_S = 0.5


def strummed(bars: int = 16) -> Notes:
    """A bass note and a chord on the beats, short single notes on the eighths between: nobody doubts its beat."""
    rows = []
    for beat in range(4 * bars):
        at = beat * BEAT_S
        rows += [(at, at + 0.45, pitch, 90) for pitch in (36 + 7 * (beat % 2), 60, 64, 67)]
        rows.append((at + BEAT_S / 2, at + BEAT_S / 2 + 0.1, 72, 50))
    return make_notes(*zip(*rows, strict=True))


def later(notes: Notes, seconds: float) -> Notes:
    moved = notes.copy()
    moved["onset_s"] += seconds
    moved["offset_s"] += seconds
    return moved


@pytest.mark.parametrize("phase", [0.0, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 0.7, 5 / 6])
def test_the_phase_of_the_music_is_found(phase: float) -> None:
    beats_s = np.arange(70) * BEAT_S
    found = true_phase(later(strummed(), phase * BEAT_S), beats_s)
    assert found == pytest.approx(phase, abs=0.02)


def test_even_notes_leave_the_map_as_it_is_or_leave_it_open() -> None:
    steps = np.arange(200) * BEAT_S / 4
    same = make_notes(steps, steps + 0.1, np.full(200, 60), np.full(200, 64))
    assert true_phase(same, np.arange(60) * BEAT_S) in (0.0, None)


@pytest.mark.parametrize("phase", [0.25, 0.5, 0.875])
def test_a_file_recorded_beside_its_map_gets_beats_where_the_music_has_them_and_no_bars(
    phase: float, tmp_path: Path
) -> None:
    write_midi(tmp_path / "a.mid", later(strummed(), phase * BEAT_S), tempo_bpm=120)
    (source,) = find_sources(tmp_path)
    read = read_piece(source)
    assert read.beat_source == "tempo map"
    away = (read.performance.beats_s - phase * BEAT_S) / BEAT_S
    np.testing.assert_allclose(away, np.rint(away), atol=0.02)
    assert (read.performance.beat_in_bar == UNKNOWN_IN_BAR).all()
    assert read.performance.beats_s[0] <= read.performance.notes["onset_s"][0] + 0.01


@pytest.mark.parametrize("phase", [0.078, 0.922])
def test_a_map_a_hair_beside_the_music_is_moved_and_keeps_its_bars(phase: float, tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", later(strummed(), (phase if phase < 0.5 else phase + 3) * BEAT_S), tempo_bpm=120)
    (source,) = find_sources(tmp_path)
    read = read_piece(source)
    first = np.searchsorted(read.performance.beats_s, read.performance.notes["onset_s"][0] - 0.01)
    away = (read.performance.beats_s - phase * BEAT_S) / BEAT_S
    np.testing.assert_allclose(away, np.rint(away), atol=0.02)
    assert read.performance.beat_in_bar[first : first + 5].tolist() == [0, 1, 2, 3, 0]


def test_two_places_with_as_much_to_be_said_for_them_leave_the_phase_open() -> None:
    steps = (np.arange(100) + np.where(np.arange(100) % 2, 0.25, 0.0) + 0.375) * BEAT_S
    same = make_notes(steps, steps + 0.1, np.full(100, 40), np.full(100, 64))
    assert true_phase(same, np.arange(120) * BEAT_S) is None


def test_a_file_on_its_map_keeps_its_bars(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", strummed(), tempo_bpm=120)
    (source,) = find_sources(tmp_path)
    read = read_piece(source)
    assert read.beat_source == "tempo map"
    np.testing.assert_array_equal(read.performance.beat_in_bar[:8], [0, 1, 2, 3, 0, 1, 2, 3])
