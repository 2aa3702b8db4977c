"""Laws of `sideman fl take`: the notes of a take stand in the piano roll, tick for tick, in every FL."""

from __future__ import annotations

import os
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import cli
from bridge.fl import folders as fl_folders
from bridge.fl.folders import FlInstallError
from bridge.fl.take import SCRIPT_NAME, TakeNotes, read_take, render, write_take_script
from bridge.recording.last_take import recall, remember
from tests.support.fl.piano_roll import PianoRoll

NOTES = st.tuples(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(0, 127), st.integers(1, 127))
TAKE = [(480, 240, 60, 100), (480, 240, 64, 80), (960, 1000, 67, 127), (2000, 1, 60, 1)]


def midi_file(path: Path, *, own: str = "Sideman", metre: tuple[int, int] = (4, 4), shift: int = 0) -> Path:
    """A recording: a track of markers, the sideman's own, and the player's."""
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    head = [(0, mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1]))]
    head += [(480 + shift, mido.MetaMessage("marker", text="Dm7")), (0, mido.MetaMessage("marker", text="too early"))]
    played = [
        event
        for start, length, note, velocity in TAKE
        for event in (
            (shift + start, mido.Message("note_on", note=note, velocity=velocity)),
            (shift + start + length, mido.Message("note_on", note=note, velocity=0)),
        )
    ]
    keys = [(0, mido.Message("note_on", note=36, velocity=9)), (9, mido.Message("note_off", note=36))]
    for name, events in (("Take", head), (own, played), ("Player", keys)):
        track, at = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
        for tick, message in sorted(events, key=lambda event: event[0]):
            track.append(message.copy(time=tick - at))
            at = tick
        file.tracks.append(track)
    file.save(path)
    return path


def make_fl(tmp_path: Path) -> Path:
    (tmp_path / "FL Studio" / "Settings").mkdir(parents=True)
    return tmp_path / "FL Studio"


def taken(tmp_path: Path, profile: str, take: Path, PPQ: int = 96) -> PianoRoll:
    (path,) = write_take_script(take, make_fl(tmp_path))
    assert path == tmp_path / "FL Studio" / "Settings" / "Piano roll scripts" / SCRIPT_NAME
    return PianoRoll(path, profile, PPQ)


@pytest.mark.parametrize("PPQ", [96, 480, 960, 24])
def test_a_take_stands_in_the_piano_roll_tick_for_tick(PPQ: int, profile: str, tmp_path: Path) -> None:
    roll = taken(tmp_path, profile, midi_file(tmp_path / "take.mid"), PPQ)
    roll.run(Begin="where it began")
    assert [(note.time, note.length, note.number) for note in roll.score.notes] == [
        (round(start * PPQ / 480), max(1, round(length * PPQ / 480)), number) for start, length, number, _ in TAKE
    ]
    assert [round(note.velocity * 127) for note in roll.score.notes] == [velocity for *_, velocity in TAKE]
    assert [(marker.time, marker.name) for marker in roll.score.markers] == [(0, "too early"), (PPQ, "Dm7")]
    assert roll.output == []


@pytest.mark.parametrize(
    ("answer", "first"),
    [("where it began", 480 + 4800), ("at the first note's bar", (480 + 4800) % 1440), ("at the first note", 0)],
)
@pytest.mark.parametrize("metre", [(3, 4), (6, 8)])
def test_it_begins_where_it_is_asked_to(
    answer: str, first: int, metre: tuple[int, int], profile: str, tmp_path: Path
) -> None:
    take = midi_file(tmp_path / "take.mid", metre=metre, shift=4800)
    roll = taken(tmp_path, profile, take, 480)
    roll.run(Begin=answer)
    assert roll.score.notes[0].time == first
    assert roll.score.markers[-1].time == first


def test_what_is_there_stays_or_makes_room_and_chords_may_be_left_out(profile: str, tmp_path: Path) -> None:
    roll = taken(tmp_path, profile, midi_file(tmp_path / "take.mid"))
    roll.run()
    roll.run(Chord="none")
    assert (len(roll.score.notes), len(roll.score.markers)) == (8, 2)
    roll.run(What="makes room")
    assert (len(roll.score.notes), len(roll.score.markers)) == (4, 0)


def test_any_midi_file_will_do(profile: str, tmp_path: Path) -> None:
    roll = taken(tmp_path, profile, midi_file(tmp_path / "Solo für Ä.mid", own="Piano"))
    roll.run()
    assert len(roll.score.notes) == 5
    assert roll.dialog.title == "Solo für Ä"


@settings(deadline=None, max_examples=40)
@given(st.lists(NOTES, min_size=1), st.text(max_size=20), st.integers(1, 32767))
def test_any_notes_and_any_title_make_a_script(
    tmp_path_factory: pytest.TempPathFactory, notes: list[tuple[int, int, int, int]], title: str, ticks: int
) -> None:
    path = tmp_path_factory.mktemp("roll") / SCRIPT_NAME
    take = TakeNotes(ticks, 4, sorted(notes), [(0, title)])
    path.write_text(render(title, take), encoding="ascii")
    for profile in ("fl2024", "fl21"):
        roll = PianoRoll(path, profile)
        roll.run(Begin="where it began")
        assert sorted(note.number for note in roll.score.notes) == sorted(note[2] for note in notes)


def test_restruck_and_endless_notes_end(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=96)
    on = mido.Message("note_on", note=60, velocity=5)
    file.tracks.append(mido.MidiTrack([on, on.copy(time=10), mido.MetaMessage("end_of_track", time=7)]))
    file.save(tmp_path / "a.mid")
    assert read_take(tmp_path / "a.mid").notes == [(0, 10, 60, 5), (10, 7, 60, 5)]


@pytest.mark.parametrize("content", [b"", b"MThd", b"not MIDI at all", None])
def test_what_holds_no_take_is_refused_in_one_line(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    if content is None:
        mido.MidiFile().save(path)
    else:
        path.write_bytes(content)
    for take in (path, tmp_path / "nowhere.mid"):
        with pytest.raises(FlInstallError) as caught:
            write_take_script(take, make_fl(tmp_path / "fl" / take.stem))
        assert len(str(caught.value).splitlines()) == 1
        assert str(take) in str(caught.value)


def test_the_last_recording_is_taken_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIDEMAN_LAST_TAKE", str(tmp_path / "deep" / "last_take"))
    fl = make_fl(tmp_path)
    assert recall() is None
    assert cli.main(["fl", "take", "--dir", str(fl)]) == 2
    assert "sideman play --record" in capsys.readouterr().err
    remember(midi_file(tmp_path / "tonight.mid"))
    assert cli.main(["fl", "take", "--dir", str(fl)]) == 0
    assert "Scripting > Sideman take" in capsys.readouterr().out
    assert "'tonight'" in (fl / "Settings" / "Piano roll scripts" / SCRIPT_NAME).read_text()
    (tmp_path / "tonight.mid").unlink()
    assert recall() is None
    assert cli.main(["fl", "install", "tonight.mid", "--dir", str(fl)]) == 2


def test_every_fl_found_is_given_the_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [make_fl(tmp_path / name) for name in ("a", "b")]
    (folders[1] / "Settings").rmdir()  # FL was installed, and never started
    monkeypatch.setattr(fl_folders, "find_user_folders", lambda: folders)
    assert len(write_take_script(midi_file(tmp_path / "take.mid"), None)) == 2


def test_a_take_of_any_name_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDEMAN_LAST_TAKE", str(tmp_path / "last_take"))
    path = tmp_path / os.fsdecode(b"caf\xe9.mid")  # Latin-1, on a disk that is older than UTF-8
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system takes no such name")
    remember(path)
    assert recall() == path


def test_a_key_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    path = midi_file(tmp_path / "take.mid")
    data = path.read_bytes()
    at = data.index(b"MTrk") + 8
    broken = b"\x00\xff\x59\x02\x63\x00"  # 99 sharps
    size = int.from_bytes(data[at - 4 : at], "big") + len(broken)
    path.write_bytes(data[: at - 4] + size.to_bytes(4, "big") + broken + data[at:])
    with pytest.raises(FlInstallError, match="no MIDI file, or damaged"):
        read_take(path)
