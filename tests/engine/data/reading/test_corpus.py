"""What lies in a folder is found whatever it is called, and labels come from the best source there is."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest

from engine.beats.phase import UNKNOWN_IN_BAR
from engine.data.reading.corpus import Piece, find_sources, read_piece
from engine.midi_io.write import write_midi
from tests.support.study_corpus import song


def piece(folder: Path) -> Piece:
    (source,) = find_sources(folder)
    return read_piece(source)


@pytest.mark.parametrize(
    "name", ["a.mid", "A.MID", "a.Midi", "karaoke.kar", "x.smf", "Ünïcödé ✓ 曲.mid", "sub/dir/a.mid"]
)
def test_files_are_found_by_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    write_midi(tmp_path / name, song(0), tempo_bpm=120)
    (tmp_path / "notes.txt").write_text("no music")
    (source,) = find_sources(tmp_path)
    assert (source.name, source.collection, source.work, source.licence) == (name, "files", None, "unknown")


def test_a_link_that_leads_back_is_followed_once(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", song(0), tempo_bpm=120)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert [source.name for source in find_sources(tmp_path)] == ["a.mid"]


def free(seed: int = 0) -> np.ndarray:
    """The song as a person might play it at no metronome: the tempo map says nothing."""
    notes = song(seed).copy()
    rng = np.random.default_rng(1)
    times = np.unique(notes["onset_s"])
    moved = dict(zip(times, np.cumsum(rng.uniform(0.1, 0.6, len(times))), strict=True))
    notes["onset_s"] = [moved[time] for time in notes["onset_s"]]
    notes["offset_s"] = notes["onset_s"] + 0.2
    return notes


def with_markers(path: Path, notes: np.ndarray) -> None:
    write_midi(path, notes, tempo_bpm=120)
    file = mido.MidiFile(path)
    track = mido.MidiTrack()
    for i, chord in enumerate(["Dm7", "G7", "Cmaj7", "A7b9"]):
        track.append(mido.MetaMessage("marker", text=chord, time=0 if i == 0 else 4 * file.ticks_per_beat))
    file.tracks.append(track)
    file.save(path)


def test_without_labels_chords_are_recognised_and_the_tempo_map_is_believed_if_the_notes_lie_on_it(
    tmp_path: Path,
) -> None:
    write_midi(tmp_path / "a.mid", song(0), tempo_bpm=120)
    read = piece(tmp_path)
    assert (read.chord_source, read.beat_source, read.beat_confidence) == ("recognised", "tempo map", None)
    np.testing.assert_allclose(np.diff(read.performance.beats_s), 0.5)


def test_uncertain_beats_are_none_and_their_confidence_is_told(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", free(), tempo_bpm=97)
    read = piece(tmp_path)
    assert read.beat_source == "none"
    assert read.beat_confidence is not None
    assert len(read.performance.beats_s) == len(read.performance.beat_in_bar) == 0


def test_an_estimate_that_is_confident_is_used_without_bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.reading.corpus.CONFIDENT", 0.0)
    write_midi(tmp_path / "a.mid", free(), tempo_bpm=97)
    read = piece(tmp_path)
    assert read.beat_source == "estimated"
    assert len(read.performance.beats_s) > 20
    if read.performance.beat_in_bar[0] == UNKNOWN_IN_BAR:
        assert (read.performance.beat_in_bar == UNKNOWN_IN_BAR).all()


def test_chord_symbols_in_the_file_come_before_the_recogniser(tmp_path: Path) -> None:
    with_markers(tmp_path / "a.mid", song(0))
    read = piece(tmp_path)
    assert read.chord_source == "midi text"
    assert [str(chord) for _, chord in read.chords] == ["Dm7", "G7", "Cmaj7", "A7b9"]


def test_a_chords_file_comes_before_everything(tmp_path: Path) -> None:
    with_markers(tmp_path / "a.mid", song(0))
    (tmp_path / "a.chords").write_text("0.0 Ebmaj7\n5.0 Ab13\n")
    read = piece(tmp_path)
    assert (read.chord_source, read.beat_source) == ("chords file", "tempo map")
    assert [str(chord) for _, chord in read.chords] == ["Ebmaj7", "Ab13"]
    (tmp_path / "a.chords").write_text("0.0 0.5 1.0 1.5 | Ebmaj7 |\n2.0 2.5 3.0 3.5 | Ab13 |\n")
    read = piece(tmp_path)
    assert (read.chord_source, read.beat_source) == ("chords file", "chords file")
    np.testing.assert_allclose(read.performance.beats_s, np.arange(8) * 0.5)
    np.testing.assert_array_equal(read.performance.beat_in_bar, np.arange(8) % 4)


def test_a_performance_with_a_chords_file_of_beats_has_these_beats(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", free(), tempo_bpm=97)
    (tmp_path / "a.chords").write_text("0.0 0.5 1.0 1.5 : C\n2.0 2.5 3.0 3.5 : F\n")
    read = piece(tmp_path)
    assert (read.beat_source, read.beat_confidence) == ("chords file", None)
    assert (read.performance.beat_in_bar == UNKNOWN_IN_BAR).all()
