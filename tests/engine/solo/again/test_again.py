"""`sideman again`: what lies outside the bars, and what is kept in them, is the same; errors are one line."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import numpy as np
import pytest

from bridge.cli import main
from engine.midi_io.write import as_track, write_midi
from engine.notes import make_notes
from engine.solo.again.command import _grid
from engine.solo.again.midi_take import MidiTake
from engine.solo.again.playing import Request, _beats_a_bar
from engine.solo.again.span import span_s

BAR_S = 2.0


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight bars at 120: two hands, notes over bar lines, chords as markers, a controller that is no note."""
    path = tmp_path_factory.mktemp("again") / "take.mid"
    rows = []
    for bar, root in enumerate([62, 67, 60, 60, 62, 67, 60, 60]):
        for beat in range(4):
            at_s = bar * BAR_S + beat / 2
            rows.append((at_s, at_s + 0.45, root + (0, 4, 7, 11)[beat] + 12, 70 + beat))
        rows.append((bar * BAR_S, bar * BAR_S + 2.2 * (bar < 7) + 1.9 * (bar == 7), root - 24 + bar % 3, 60))
    columns = list(zip(*rows, strict=True))
    chords = [(bar * BAR_S, symbol) for bar, symbol in enumerate(["Dm7", "G7", "Cmaj7", "Cmaj7"] * 2)]
    write_midi(path, make_notes(*columns), tempo_bpm=120.0, chords=chords, length_s=16.0)
    file = mido.MidiFile(path)
    file.tracks[1].insert(2, mido.Message("control_change", control=7, value=99, time=0))
    file.save(path)
    return path


def again(take: Path, tmp_path: Path, *options: str) -> list[Path]:
    out = tmp_path / "out.mid"
    assert main(["again", str(take), "-o", str(out), *options]) == 0
    return sorted(tmp_path.glob("out*.mid"))


def events(path: Path) -> list[tuple[int, int, str]]:
    """(track, tick, message) of all but our text."""
    rows = []
    for number, track in enumerate(mido.MidiFile(path).tracks):
        tick = 0
        for message in track:
            tick += message.time
            if not (message.type == "text" and message.text.startswith("sideman again")):
                rows.append((number, tick, str(message.copy(time=0))))
    return rows


def outside(path: Path, first: int, last: int) -> list[object]:
    """All that is not a note of the gap, to the tick: the notes struck elsewhere, and every other event."""
    notes = [note[:4] for note in MidiTake(path).notes if not first <= note.on_tick < last]
    return [*notes, *(row for row in events(path) if "note" not in row[2])]


def test_nothing_outside_the_bars_changes_and_the_best_comes_first(take: Path, tmp_path: Path) -> None:
    paths = again(take, tmp_path, "--bars", "3-4", "-n", "3")
    assert len(paths) == 3
    first, last = 2 * 4 * 480, 4 * 4 * 480
    old = MidiTake(take).notes
    inside = {(note.on_tick, note.pitch) for note in old if first <= note.on_tick < last}
    totals = []
    for path in paths:
        new = MidiTake(path).notes
        assert outside(path, first, last) == outside(take, first, last)
        assert {(note.on_tick, note.pitch) for note in new if first <= note.on_tick < last} != inside
        assert all(note.off_tick <= last for note in new if first <= note.on_tick < last)
        text = next(m.text for m in mido.MidiFile(path).tracks[0] if m.type == "text")
        totals.append(json.loads(text.removeprefix("sideman again: "))["total"])
    assert totals == sorted(totals, reverse=True)


def test_of_several_tries_the_best_is_written(take: Path, tmp_path: Path) -> None:
    best, other = again(take, tmp_path, "--bars", "4", "-n", "2")
    tried = again(take, tmp_path, "--bars", "4", "--tries", "2")[-1]
    assert tried.name == "out.mid"
    assert tried.read_bytes() == best.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("keep", ["top", "bass", "left", "right"])
def test_what_is_kept_stays(take: Path, tmp_path: Path, keep: str) -> None:
    (path,) = again(take, tmp_path, "--bars", "3", "--keep", keep)
    first, last = 2 * 4 * 480, 3 * 4 * 480
    low = {note[:4] for note in MidiTake(take).notes if first <= note.on_tick < last and note.pitch <= 56}
    high = {note[:4] for note in MidiTake(take).notes if first <= note.on_tick < last and note.pitch > 56}
    new = {note[:4] for note in MidiTake(path).notes}
    stays = {"left": low, "right": high, "bass": low, "top": high}[keep]
    assert stays <= new
    assert outside(path, first, last) == outside(take, first, last)


def test_where_the_rhythm_stays_every_moment_stays(take: Path, tmp_path: Path) -> None:
    (path,) = again(take, tmp_path, "--beats", "9-16", "--keep", "rhythm")
    old, new = ([(n.on_tick, n.velocity // 4) for n in MidiTake(p).notes] for p in (take, path))
    off = np.array(sorted(new)) - np.array(sorted(old))
    assert np.abs(off[:, 0]).max() <= 10, "a moment moved by more than the grid"
    assert outside(path, 8 * 480, 16 * 480) == outside(take, 8 * 480, 16 * 480)


def test_a_share_of_the_beats_leaves_the_others(take: Path, tmp_path: Path) -> None:
    (path,) = again(take, tmp_path, "--bars", "3-4", "--vary", "0.25")
    old, new = (set(note[:4] for note in MidiTake(p).notes) for p in (take, path))
    assert 1 <= len(old - new) <= 3


def test_what_two_tracks_double_is_played_anew_in_both(take: Path, tmp_path: Path) -> None:
    file = mido.MidiFile(take)
    file.tracks.append(file.tracks[1])
    file.save(tmp_path / "doubled.mid")
    (path,) = again(tmp_path / "doubled.mid", tmp_path, "--bars", "3")
    first, last = 2 * 4 * 480, 3 * 4 * 480
    old = {note[:4] for note in MidiTake(take).notes if first <= note.on_tick < last}
    new = {note[:4] for note in MidiTake(path).notes if first <= note.on_tick < last}
    assert len(old & new) < len(old) / 2, "one track's notes were left"


def test_nothing_outside_the_seconds_changes_and_the_same_call_gives_the_same_bytes(take: Path, tmp_path: Path) -> None:
    (one,) = again(take, tmp_path, "--seconds", "4.3-6", "--chords", "Dm7 | G7 | C | C")
    assert outside(one, 4128, 5760) == outside(take, 4128, 5760)
    first = one.read_bytes()
    assert again(take, tmp_path, "--seconds", "4.3-6", "--chords", "Dm7 | G7 | C | C")[0].read_bytes() == first


def test_json_says_files_scores_and_diversity(take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again(take, tmp_path, "--bars", "8", "-n", "2", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [Path(way["file"]).name for way in told["ways"]] == ["out-1.mid", "out-2.mid"]
    assert 0 < told["diversity"] <= 1
    assert (told["begin_s"], told["end_s"]) == (14.0, pytest.approx(16.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "say what is to be played again"),
        (["--bars", "1", "--beats", "2"], "say what is to be played again"),
        (["--bars", "5-9"], "--bars 5-9: the take has 8 bars"),
        (["--bars", "4-2"], "give a range counted from 1"),
        (["--bars", "0-2"], "give a range counted from 1"),
        (["--beats", "1.5-2"], "give a range counted from 1"),
        (["--seconds", "8"], "give a range, as in 8-16"),
        (["--seconds", "80-90"], "the take ends at"),
        (["--seconds", "8-90"], "--seconds 8-90: the take ends at 16.0 s"),
        (["--seconds", "8-8.001"], "lasts 1 ms: give more"),
        (["--bars", "1", "--vary", "0"], "--vary 0: give more than 0"),
        (["--bars", "1", "-n", "99"], "-n 99 lies outside 1..16"),
        (["--bars", "1", "--tries", "0"], "--tries 0 lies outside 1..16"),
        (["--bars", "1", "--density", "9"], "density"),
    ],
)
def test_errors_are_one_line(take: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["again", str(take), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_that_is_no_midi_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.mid"
    path.write_bytes(b"nothing")
    assert main(["again", str(path), "--bars", "1"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"sideman: {path}: cannot be written again, since it is damaged (")
    assert said.endswith("): save it anew in the program that made it\n")
    assert said.count("\n") == 1


def test_patterns_without_a_common_time_are_refused(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = mido.MidiFile(take)
    file.type = 2
    file.tracks = [file.tracks[-1], file.tracks[-1]]
    file.save(tmp_path / "patterns.mid")
    assert main(["again", str(tmp_path / "patterns.mid"), "--bars", "1"]) == 2
    assert "no time in common (type 2): save them one by one" in capsys.readouterr().err


def test_a_missing_file_and_a_folder_are_refused_as_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["again", str(tmp_path / "nothing.mid"), "--bars", "1"]) == 2
    assert capsys.readouterr().err == f"sideman: {tmp_path / 'nothing.mid'}: no such file: check the path\n"
    assert main(["again", str(tmp_path), "--bars", "1"]) == 2
    assert capsys.readouterr().err == f"sideman: {tmp_path}: cannot be read (a folder): give a .mid file\n"


@pytest.mark.parametrize(("out", "said"), [(".", "is a folder"), ("take-1.mid", "is the take, which would be lost")])
def test_what_cannot_be_written_is_refused_before_the_search(
    take: Path, tmp_path: Path, out: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.solo.again.playing.play_again", lambda *_, **__: pytest.fail("it was searched"))
    mine = tmp_path / "take-1.mid"
    mine.write_bytes(take.read_bytes())
    assert main(["again", str(mine), "--bars", "1", "-o", str(tmp_path / out)]) == 2
    assert said in capsys.readouterr().err
    assert mine.read_bytes() == take.read_bytes()


def test_a_file_that_counts_frames_has_its_seconds(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=-25 * 256 + 40)  # 25 frames a second of 40 ticks
    track = mido.MidiTrack([mido.Message("note_on", note=60, time=1000), mido.Message("note_off", note=60, time=9000)])
    file.tracks.append(track)
    file.save(tmp_path / "frames.mid")
    take = MidiTake(tmp_path / "frames.mid")
    assert take.seconds(take.end_tick) == pytest.approx(10.0)
    assert take.tick(1.0) == 1000


@pytest.mark.parametrize(
    ("signatures", "beats", "in_bar"),
    [
        ([], 3, [0, 1, 2, 3, 0]),
        ([(0, 3)], 2, [0, 1, 2, 0]),
        ([(0, 4), (4, 3)], 6, [0, 1, 2, 3, 0, 1, 2, 0]),
    ],
)
def test_the_last_bar_is_a_whole_one_of_the_last_metre(
    tmp_path: Path, signatures: list[tuple[int, int]], beats: int, in_bar: list[int]
) -> None:
    rows: list[tuple[int, mido.Message]] = [
        (480 * beat, mido.MetaMessage("time_signature", numerator=numerator)) for beat, numerator in signatures
    ]
    rows += [(0, mido.Message("note_on", note=60)), (480 * beats, mido.Message("note_off", note=60))]
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(as_track(sorted(rows, key=lambda row: row[0])))
    file.save(tmp_path / "short.mid")
    assert _grid(tmp_path / "short.mid")[1].tolist() == in_bar


def test_the_gaps_own_bar_counts() -> None:
    in_bar = np.array([0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 0])
    counted = [
        _beats_a_bar(Request(begin_s, begin_s + 1, [], np.arange(11) / 2, in_bar, None, 1.0))
        for begin_s in (0.0, 1.5, 2.0, 3.5)
    ]
    assert counted == [4, 4, 3, 3]
    assert _beats_a_bar(Request(0.0, 1.0, [], np.zeros(0), np.zeros(0, dtype=np.int64), None, 1.0)) == 4


def test_a_tempo_that_is_a_clock_is_no_beat(take: Path, tmp_path: Path) -> None:
    file = mido.MidiFile(take)
    for message in file.tracks[0]:
        if message.type == "set_tempo":
            message.tempo = 2000
    file.ticks_per_beat = 2
    file.save(tmp_path / "clock.mid")
    assert len(again(tmp_path / "clock.mid", tmp_path, "--seconds", "2-4")) == 1


def test_spans_are_counted_as_they_are_written() -> None:
    beats, in_bar = np.arange(9) / 2, np.arange(9) % 4
    none = {"bars": None, "beats": None, "seconds": None}
    assert span_s(beats, in_bar, **{**none, "bars": "2"}) == (2.0, 4.0)
    assert span_s(beats, in_bar, **{**none, "beats": "2-3"}) == (0.5, 1.5)
    assert span_s(beats, in_bar, **{**none, "seconds": "0.5-3"}) == (0.5, 3.0)
    assert span_s(beats[:0], in_bar[:0], **{**none, "seconds": "0.5-3"}, end_s=2.96) == (0.5, 3.0)  # as it was said
