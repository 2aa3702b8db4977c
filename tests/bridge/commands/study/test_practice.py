"""`sideman practice` writes pieces that a person can open, with tempo, metre and chord markers."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest

from bridge.cli import main
from engine.data.practice import practice_pieces
from engine.midi_io.read import read_performance


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["practice", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_pieces_become_midi_files_with_tempo_metre_and_chords(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "-o", tmp_path / "new" / "pieces", "--bars", 150, "--seed", 4, "--json")
    assert (code, err) == (0, "")
    pieces = list(practice_pieces(4, 150))
    report = json.loads(out)
    assert (report["pieces"], report["notes"]) == (len(pieces), sum(len(p.performance.notes) for p in pieces))
    assert report["bars"] >= 150
    for piece in pieces:
        path = tmp_path / "new" / "pieces" / f"{piece.source.name}.mid"
        file = mido.MidiFile(path)
        markers = [message.text for message in file.tracks[0] if message.type == "marker"]
        assert markers == [chord.name for _, chord in piece.chords if chord]
        meter = next(message for message in file.tracks[0] if message.type == "time_signature")
        assert meter.numerator == piece.performance.beat_in_bar.max() + 1
        back = read_performance(path, beats=True)
        assert len(back.notes) == len(piece.performance.notes)
        assert back.beats_s[:16] == pytest.approx(piece.performance.beats_s[:16], abs=1e-3)


def test_the_same_seed_writes_the_same_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        assert run(capsys, "-o", tmp_path / folder, "--bars", 60)[0] == 0
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for arguments, words in (
        (("-o", tmp_path, "--bars", 0), "--bars 0: must be 1 or more"),
        (("-o", tmp_path / "file" / "below"), "give a folder that can be written"),
    ):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert words in err
        assert len(err.splitlines()) == 1
