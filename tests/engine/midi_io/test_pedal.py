"""A pedal whose rise was lost, or comes after a broken delta time, holds no note longer than a piano sounds."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest

from engine.data.reading.entry import read_entry
from engine.midi_io.pedal import MAX_NOTE_S, as_held
from engine.midi_io.read import read_performance
from engine.notes import Performance, make_notes

SECOND = 960  # ticks


def pedalled(path: Path, down_at: int, held_s: float, *, rises: bool = True) -> Path:
    """Forty notes of half a second, the pedal down with one of them; it rises held_s after the last key."""
    track = mido.MidiTrack()
    for number in range(40):
        if number == down_at:
            track.append(mido.Message("control_change", control=64, value=127))
        track.append(mido.Message("note_on", note=60 + number % 7, velocity=64))
        track.append(mido.Message("note_off", note=60 + number % 7, time=SECOND // 2))
    track.append(mido.Message("control_change", control=64, value=0 if rises else 100, time=round(held_s * SECOND)))
    file = mido.MidiFile(ticks_per_beat=SECOND // 2)
    file.tracks.append(track)
    file.save(path)
    return path


@pytest.mark.parametrize("rises", [True, False])
@pytest.mark.parametrize("held_s", [1.0, 60.0, 280.0, 400.0, 7200.0, 250_000.0])
@pytest.mark.parametrize("down_at", [0, 20, 39])
def test_no_pedal_holds_a_note_longer_than_a_piano_sounds(
    tmp_path: Path, down_at: int, held_s: float, rises: bool
) -> None:
    played = read_performance(pedalled(tmp_path / "a.mid", down_at, held_s, rises=rises))
    held = as_held(played).notes
    length_s = held["offset_s"] - held["onset_s"]
    assert length_s.max() <= MAX_NOTE_S + 1e-9
    assert length_s[-1] == pytest.approx(min(0.5 + held_s, MAX_NOTE_S) if rises else 0.5)
    assert (held["offset_s"] >= played.notes["offset_s"]).all()


def test_what_was_cut_is_said_of_the_music_and_of_a_prepared_file(tmp_path: Path) -> None:
    broken = pedalled(tmp_path / "broken.mid", 38, 250_000.0)
    line = "3 notes that the pedal holds longer than 300 s cut there"
    assert as_held(read_performance(broken)).repairs == (line,)
    entry = read_entry(broken)
    assert entry.facts["mended"] == [line]
    assert entry.facts["tokens"] < 1000
    whole = pedalled(tmp_path / "whole.mid", 38, 3.0)
    assert as_held(read_performance(whole)).repairs == ()
    assert "mended" not in read_entry(whole).facts


def test_a_key_that_was_cut_already_is_not_the_pedals() -> None:
    notes = make_notes([0.1, 0.7], [0.1 + MAX_NOTE_S, 1.0], [60, 64], [80, 80])
    played = Performance(notes, np.array([0.5, 900.0]), np.array([True, False]), repairs=("1 notes cut",))
    held = as_held(played)
    assert held.notes["offset_s"].tolist() == [0.1 + MAX_NOTE_S, 0.7 + MAX_NOTE_S]
    assert held.repairs == ("1 notes cut", "1 notes that the pedal holds longer than 300 s cut there")
