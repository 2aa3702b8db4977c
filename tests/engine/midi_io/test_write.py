"""Written MIDI files: what three readers make of them, and what MIDI cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mido
import numpy as np
import pretty_midi
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chords import parse_chart
from engine.errors import MidiFileError, SidemanError
from engine.metre import Metre
from engine.midi_io.read import read_performance
from engine.midi_io.write import write_midi
from engine.notes import Notes, make_notes

NOTES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 30), st.integers(58, 62), st.integers(1, 127)), max_size=30
).map(
    lambda rows: make_notes(
        *(zip(*[(a / 10, (a + b) / 10, p, v) for a, b, p, v in rows], strict=True) if rows else [[]] * 4)
    )
)


@pytest.fixture
def take() -> Notes:
    return make_notes([0, 0.5, 0.5, 1.0, 1.9], [0.5, 1.0, 2.0, 1.5, 9.0], [60, 64, 67, 60, 72], [1, 64, 80, 127, 100])


def test_three_readers_agree_on_a_written_file(tmp_path: Path, take: Notes) -> None:
    path = tmp_path / "take.mid"
    chords = [(0.0, "Dm7"), (1.0, "G7")]
    write_midi(
        path, take, tempo_bpm=97, metre=Metre(3), chords=chords, track_name="Solo", length_s=2.5, title="Träumerei"
    )
    expected = [(on, min(off, 2.5), pitch, velocity) for on, off, pitch, velocity in take.tolist()]

    ours = read_performance(path, beats=True)
    for row, found in zip(expected, ours.notes.tolist(), strict=True):
        assert found == pytest.approx(row, abs=1e-3)
    assert ours.beat_in_bar.tolist()[:4] == [0, 1, 2, 0]

    pretty = pretty_midi.PrettyMIDI(str(path))
    assert [i.name for i in pretty.instruments] == ["Solo"]
    assert pretty.instruments[0].program == 0
    rows = sorted((n.start, n.end, n.pitch, n.velocity) for n in pretty.instruments[0].notes)
    assert np.array(rows) == pytest.approx(np.array(sorted(expected)), abs=1e-3)
    assert pretty.get_tempo_changes()[1].tolist() == pytest.approx([97], abs=1e-3)

    score: Any = symusic.Score(str(path))
    assert [mark.text for mark in score.markers] == ["Dm7", "G7"]
    assert [mark.time for mark in score.markers] == [0, round(480 * 97 / 60)]

    file = mido.MidiFile(path, charset="utf-8")
    assert (file.type, file.ticks_per_beat, file.tracks[0].name) == (1, 480, "Träumerei")
    assert file.length == pytest.approx(2.5, abs=1e-3)
    ends = {sum(message.time for message in track) for track in file.tracks}
    assert ends == {round(2.5 * 480 * 97 / 60)}


@pytest.mark.parametrize("tempo_bpm", [20, 97, 140, 230, 290, 999])
@pytest.mark.parametrize(
    ("metre", "bar_ticks"), [("4/4", 1920), ("3/4", 1440), ("6/8", 1440), ("7/8", 1680), ("12/8", 2880)]
)
def test_bar_n_begins_at_its_tick_at_every_tempo(tmp_path: Path, tempo_bpm: float, metre: str, bar_ticks: int) -> None:
    chart = parse_chart(f"{metre} C#m7 | Gb7").fill(400)
    beat_s = 60 / tempo_bpm
    chords = [(span.start_beat * beat_s, span.chord.label) for span in chart.spans if span.chord]
    path = tmp_path / "a.mid"
    notes = make_notes([], [], [], [])
    write_midi(path, notes, tempo_bpm=tempo_bpm, metre=chart.metre, chords=chords, length_s=chart.beats * beat_s)
    file = mido.MidiFile(path)
    ticks = np.cumsum([message.time for message in file.tracks[0]])
    marks = [(int(tick), m.text) for tick, m in zip(ticks, file.tracks[0], strict=True) if m.type == "marker"]
    assert marks == [(bar * bar_ticks, ("C#m7", "Gb7")[bar % 2]) for bar in range(400)]
    assert ticks[-1] == 400 * bar_ticks
    signature = next(message for message in file.tracks[0] if message.type == "time_signature")
    assert f"{signature.numerator}/{signature.denominator}" == metre
    performance = read_performance(_with_a_note(path), beats=True)
    assert np.diff(performance.beats_s)[:8] == pytest.approx(beat_s, rel=3e-6 if tempo_bpm < 500 else 2e-5)


def _with_a_note(path: Path) -> Path:
    """The same file with one note over its first two bars."""
    file = mido.MidiFile(path)
    file.tracks[1].insert(2, mido.Message("note_on", note=60, velocity=64))
    file.tracks[1].insert(3, mido.Message("note_off", note=60, time=4000))
    file.tracks[1][-1].time = 0
    file.save(path)
    return path


@settings(deadline=None)
@given(NOTES, st.floats(30, 300), st.floats(0.5, 12))
def test_every_note_of_a_written_file_ends(
    tmp_path_factory: pytest.TempPathFactory, notes: Notes, tempo_bpm: float, length_s: float
) -> None:
    path = tmp_path_factory.mktemp("written") / "take.mid"
    write_midi(path, notes, tempo_bpm=tempo_bpm, length_s=length_s)
    sounding: set[int] = set()
    for message in mido.MidiFile(path).tracks[1]:
        if message.type == "note_on":
            assert message.note not in sounding
            sounding.add(message.note)
        elif message.type == "note_off":
            sounding.remove(message.note)
    assert not sounding


def test_the_same_notes_give_the_same_bytes(tmp_path: Path, take: Notes) -> None:
    for name in ("a.mid", "b.mid"):
        write_midi(tmp_path / name, take, tempo_bpm=120, chords=[(0, "C")], length_s=4)
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mid", "b.mid"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tempo_bpm": 0}, "tempo"),
        ({"tempo_bpm": float("nan")}, "tempo"),
        ({"tempo_bpm": 4, "metre": Metre(4, 32)}, "thirty-seconds"),
        ({"tempo_bpm": 120, "length_s": -1.0}, "length"),
        ({"tempo_bpm": 120, "length_s": 1e9}, "length"),
    ],
)
def test_what_midi_cannot_hold_is_refused(tmp_path: Path, take: Notes, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(MidiFileError, match=reason):
        write_midi(tmp_path / "take.mid", take, **options)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_refused(tmp_path: Path, take: Notes) -> None:
    with pytest.raises(SidemanError, match="create it first"):
        write_midi(tmp_path / "missing" / "take.mid", take, tempo_bpm=120)
