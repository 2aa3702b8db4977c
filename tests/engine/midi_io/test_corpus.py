"""Laws over real files: set SIDEMAN_DATA to a folder with train/, chords/, styles/ and hostile/ below it."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from engine.errors import MidiFileError
from engine.midi_io.pedal import extend_with_pedal
from engine.midi_io.read import read_performance
from engine.midi_io.write import write_midi
from engine.notes import Notes
from engine.vocabulary import LAYOUT
from tests.support.native_variants import compiled, each_variant, python

DATA = Path(os.environ.get("SIDEMAN_DATA", "nowhere"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="SIDEMAN_DATA names no folder of MIDI files")

STEP_S = 0.01
TICKS_PER_S = 960  # 480 a quarter, 120 quarters a minute


def _files(folder: str) -> list[Path]:
    return sorted(path for path in (DATA / folder).rglob("*") if path.suffix.lower() in (".mid", ".midi"))


def _assert_sane(notes: Notes) -> None:
    length_s = notes["offset_s"] - notes["onset_s"]
    assert (notes["onset_s"] >= 0).all()
    assert ((length_s > 0) & (length_s <= 301)).all()
    assert (notes["pitch"] <= 127).all()
    assert ((notes["velocity"] >= 1) & (notes["velocity"] <= 127)).all()
    assert (np.diff(notes["onset_s"]) >= 0).all()


@pytest.mark.parametrize("tracks", ["all", "auto"])
def test_hostile_files_are_read_or_refused_in_time_and_memory(tracks: str) -> None:
    tracemalloc.start()
    for path in _files("hostile"):
        begin = time.process_time()
        try:
            _assert_sane(read_performance(path, tracks=tracks, beats=True).notes)
        except MidiFileError as refusal:
            reason = str(refusal)
            if not reason.startswith(f"{path}: ") or "\n" in reason:
                pytest.fail(f"a refusal is one line that begins with the file: {reason}")
        assert time.process_time() - begin < 2
    assert tracemalloc.get_traced_memory()[1] < 512 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("folder", ["train", "styles"])
def test_auto_keeps_every_note_of_a_piano_corpus(folder: str) -> None:
    for path in _files(folder)[::8]:
        assert len(read_performance(path, tracks="auto").notes) == len(read_performance(path).notes), path


def _merged(notes: Notes, step: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onset, pitch and velocity of every note after two of one pitch in one step (N,) became one, the louder."""
    key = step.astype(np.int64) * 128 + notes["pitch"]
    order = np.lexsort((notes["velocity"], key))
    last = np.append(np.flatnonzero(np.diff(key[order])), len(key) - 1)
    kept = notes[order[last]]
    return notes["onset_s"][order[last]], kept["pitch"], kept["velocity"]


def _assert_round_trip(path: Path, notes: Notes, lib: object) -> None:
    columns = [notes[name] for name in ("onset_s", "offset_s", "pitch", "velocity")]
    onset, offset, pitch, velocity, *_ = lib.decode(LAYOUT, lib.encode(LAYOUT, *columns))  # type: ignore[attr-defined]
    onset_s, expected_pitch, expected_velocity = _merged(notes, np.rint(notes["onset_s"] * 1000.0 / LAYOUT.step_ms))
    assert len(pitch) == len(expected_pitch), path
    assert (pitch == expected_pitch).all(), path
    assert (np.abs(onset * STEP_S - onset_s) <= STEP_S / 2 + 1e-9).all(), path
    assert (np.abs(velocity.astype(int) - expected_velocity.astype(int)) <= 2).all(), path
    assert (offset > onset).all(), path


@each_variant
def test_tokens_give_every_performance_back(lib: object) -> None:
    step = 1 if lib is compiled else 12
    for path in _files("train")[::step]:
        performance = read_performance(path)
        notes = extend_with_pedal(performance.notes, performance.pedal_s, performance.pedal_down)
        _assert_round_trip(path, notes, lib)


def test_both_variants_give_the_same_tokens() -> None:
    if compiled is None:
        pytest.skip("native._core was not built")
    for path in _files("train")[::25]:
        notes = read_performance(path).notes
        columns = [notes[name] for name in ("onset_s", "offset_s", "pitch", "velocity")]
        np.testing.assert_array_equal(compiled.encode(LAYOUT, *columns), python.encode(LAYOUT, *columns))


def test_a_file_written_is_the_file_read(tmp_path: Path) -> None:
    for path in _files("train")[::150]:
        notes = read_performance(path).notes
        write_midi(tmp_path / "again.mid", notes, tempo_bpm=120)
        again = read_performance(tmp_path / "again.mid").notes
        onset_s, pitch, velocity = _merged(notes, np.rint(notes["onset_s"] * TICKS_PER_S))
        assert again["pitch"].tolist() == pitch.tolist(), path
        assert again["velocity"].tolist() == velocity.tolist(), path
        assert np.abs(again["onset_s"] - onset_s).max() <= 0.5 / TICKS_PER_S + 1e-9, path
