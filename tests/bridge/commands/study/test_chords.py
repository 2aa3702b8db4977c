"""`sideman chords`: a chart on the screen or in a file, the same that prepare sees."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest

from bridge import cli
from engine.chords.files.chords_file import parse_chords_file

SYMBOLS = ("Dm7", "G7", "Cmaj7", "Am7")
PITCHES = ((50, 60, 65, 69), (43, 59, 62, 65), (48, 59, 64, 67), (45, 60, 64, 67))


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    """Eight bars of four in chords of a bar at 120 bpm, on the grid of its tempo map."""
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)])
    for chord in PITCHES * 2:
        for _ in range(4):
            track += [mido.Message("note_on", note=pitch, velocity=70) for pitch in chord]
            for i, pitch in enumerate(chord):
                track.append(mido.Message("note_off", note=pitch, time=480 if i == 0 else 0))
    midi = mido.MidiFile(ticks_per_beat=480, tracks=[track])
    midi.save(tmp_path / "tune.mid")
    return tmp_path / "tune.mid"


def test_the_chart_is_printed_a_bar_a_line(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chords", str(tune)]) == 0
    out = capsys.readouterr().out
    rows = [line for line in out.splitlines() if "|" in line and not line.startswith("#")]
    assert rows[:4] == [f"{2 * i:9.3f} | {symbol}" for i, symbol in enumerate(SYMBOLS)]
    assert out.startswith("# tune.mid: chords recognised, beats: tempo map")
    assert len(parse_chords_file(out).chords) == 8


def test_a_chart_beside_the_file_is_obeyed(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tune.with_suffix(".chords")
    assert cli.main(["chords", str(tune), "-o", str(chart)]) == 0
    assert "8 chords (recognised)" in capsys.readouterr().out
    chart.write_text(chart.read_text().replace("| G7", "| Db7"))
    assert cli.main(["chords", str(tune), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["chord_source"] == "chords file"
    assert [name for _, name in row["chords"]][:3] == ["Dm7", "Db7", "Cmaj7"]
    assert row["beat_in_bar"][:5] == [0, 1, 2, 3, 0]


@pytest.mark.parametrize("name", ["tune.chords", "tune.CHORDS"])
def test_json_is_not_written_where_prepare_reads_a_chart(
    tune: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = tune.with_name(name)
    assert cli.main(["chords", str(tune), "--json", "-o", str(chart)]) == 2
    assert "prepare reads a chart there" in capsys.readouterr().err
    assert not chart.exists()


def test_a_folder_has_no_chords(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (".", str(tmp_path)):
        assert cli.main(["chords", folder]) == 2
        assert capsys.readouterr().err == f"sideman: {folder}: is a folder: give a MIDI file\n"


def test_a_corrected_chart_is_never_overwritten(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tune.with_suffix(".chords")
    chart.write_text("0 C\n")
    assert cli.main(["chords", str(tune), "-o", str(chart)]) == 2
    assert "may be corrected by hand: remove it, or give another name" in capsys.readouterr().err
    assert chart.read_text() == "0 C\n"


def test_a_slip_in_the_chart_names_its_line(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune.with_suffix(".chords").write_text("0 C\n1 Km7\n")
    assert cli.main(["chords", str(tune)]) == 2
    assert "tune.chords, line 2, column 3: 'Km7' is no chord symbol" in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chords", str(tmp_path / "gone.mid")]) == 2
    assert "gone.mid" in capsys.readouterr().err


def _band(path: Path, parts: dict[str, int]) -> Path:
    """A file with a track of twenty notes of each part; name: program."""
    file = mido.MidiFile(ticks_per_beat=480)
    for channel, (name, program) in enumerate(parts.items()):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        track.append(mido.Message("program_change", channel=channel, program=program))
        for number in range(20):
            pitch = 48 + 12 * channel + (0, 4, 7, 12)[number % 4]
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=70))
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=480))
        file.tracks.append(track)
    file.save(path)
    return path


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", ["chords", "prepare", "generate"])
def test_chords_prepare_and_a_prompt_take_the_same_tracks(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    out = tmp_path / "out"

    def run(*options: str) -> int:
        if command == "chords":
            return cli.main(["chords", str(path), *options])
        if command == "prepare":
            return cli.main(["prepare", str(folder), "-o", str(out), "--workers", "1", *options])
        return cli.main(["generate", "--prompt", str(path), "--chords", "C", "-o", str(out), *options])

    path = _band(folder / "a.mid", {"Flute": 73, "Bass": 33, "Oboe": 68})
    assert run() == 2
    refusal = capsys.readouterr().err
    assert "no piano among its tracks" in refusal
    assert "--tracks all" in refusal
    assert run("--tracks", "all") == 0
    assert run("--tracks", "Flute, Oboe") == 0
    assert run("--tracks", "Drums") == 2
    assert "no track named Drums" in capsys.readouterr().err
    _band(path, {"Flute": 73, "Piano": 0, "Oboe": 68})
    assert run() == 0
    said = capsys.readouterr().out
    assert command != "generate" or "heard is 1 of 3 parts: 'Piano'" in said
