"""`sideman prepare` as a musician meets it: what it says of a folder, and of options it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli import main
from engine.data.shards.shards import load_shard
from tests.support.study_corpus import write_corpus


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_ten_songs_are_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_corpus(tmp_path / "My Sóngs", files=10)
    (folder / "broken.mid").write_bytes(b"nothing")
    (folder / "song0.mid").rename(folder / "SONG 0.MID")
    (folder / "song0 copy.mid").write_bytes((folder / "SONG 0.MID").read_bytes())
    code, out, err = run(capsys, "prepare", folder, "-o", tmp_path / "data", "--workers", 1)
    assert code == 0
    for line in (
        "files     12 read, 10 used, 2 refused",
        "          1 refused: not a MIDI file",
        "          1 refused: has the same notes as another file",
        "music     5 min, 1,440 notes, 10 different works",
        "chords    10 recognised from the notes",
        "beats     10 from the file's bars and tempos",
        "samples   10 pieces x 12 keys = 120 samples",
        "training: 8 pieces x 12 keys = 96 samples",
    ):
        assert line in out.splitlines()
    assert "refused broken.mid: not a MIDI file" in err
    assert "refused song0 copy.mid: same notes as SONG 0.MID" in err
    assert "12/12 files" in err
    code, out, _ = run(capsys, "prepare", folder, "-o", tmp_path / "data", "--workers", 1)
    assert "          12 were read by an earlier run and have not changed" in out.splitlines()


def test_options_reach_the_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_corpus(tmp_path / "midi", files=4)
    code, out, _ = run(
        capsys, "prepare", folder, "-o", tmp_path / "data", "--augment", 6, "--tempo-stretch", "0.9,1.0,1.1",
        "--velocity-jitter", 0.1, "--split", 0.5, 0.25, 0.25, "--tracks", "all", "--practice", 200, "--workers", 1,
    )  # fmt: skip
    assert code == 0
    settings = load_shard(tmp_path / "data" / "train.safetensors").augmentation
    assert (settings.keys, settings.tempo_stretch, settings.velocity_jitter) == (6, (0.9, 1.0, 1.1), 0.1)
    rows = [json.loads(line) for line in (tmp_path / "data" / "manifest.jsonl").read_text("utf-8").splitlines()]
    generated = sum(row["collection"] == "practice" for row in rows)
    assert generated > 0
    assert f"practice  {generated} generated pieces" in out
    assert f"{4 + generated} pieces x 6 keys x 3 tempos = {(4 + generated) * 18} samples" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tempo-stretch", "fast"], "--tempo-stretch fast: give factors with commas between"),
        (["--tempo-stretch", "0.1"], "--tempo-stretch 0.1: give factors from 0.5 to 2"),
        (["--velocity-jitter", "2"], "--velocity-jitter 2: give a share"),
        (["--practice", "-1"], "--practice -1: must be 0 or more"),
        (["--tracks", "Kazoo"], "no track named"),
        (["--scheduler", "nonsense://x"], "--scheduler nonsense://x: nobody answers"),
    ],
)
def test_wrong_options_are_one_line(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--scheduler" in options:
        pytest.importorskip("distributed")
    folder = write_corpus(tmp_path / "midi", files=2)
    code, out, err = run(capsys, "prepare", folder, "-o", tmp_path / "data", *options)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[-1]
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "data.work").exists()
