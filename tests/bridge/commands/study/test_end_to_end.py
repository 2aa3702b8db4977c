"""`sideman prepare | train | evaluate` from end to end, and every refusal as one line with exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from bridge.cli import main
from tests.support.study_corpus import write_config, write_corpus


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with midi, data and a checkpoint, all made by the command line."""
    folder = tmp_path_factory.mktemp("study")
    write_corpus(folder / "midi", files=10)
    (folder / "midi" / "broken.mid").write_bytes(b"nothing")
    write_config(folder, epochs=0.5)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_midi_files_become_a_base_and_its_scores(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys,
        "prepare",
        study / "midi",
        "-o",
        study / "data",
        "--augment",
        12,
        "--split",
        0.6,
        0.2,
        0.2,
        "--workers",
        1,
    )
    assert code == 0
    assert "10 pieces x 12 keys = 120 samples" in out
    assert "training: 6 pieces x 12 keys = 72 samples" in out
    assert f"{study / 'data'}: ready after" in out
    assert "refused broken.mid: not a MIDI file" in err
    assert "11/11 files" in err

    train = ("train", "--config", study / "small.yaml", "--data", study / "data", "-o", study / "base", "--threads", 1)
    code, out, _ = run(capsys, *train, "--max-minutes", 0)
    assert code == 0
    assert out.splitlines()[0].startswith("step 1/")
    assert out.splitlines()[-1].endswith("; --resume goes on")
    code, out, _ = run(capsys, *train, "--resume")
    assert code == 0
    steps = out.splitlines()[-1].split()[-2]
    assert out.splitlines()[-1] == f"{study / 'base'}: checkpoint after {steps} of {steps} updates"

    code, out, _ = run(capsys, "evaluate", study / "base", "--data", study / "data", "--split", "valid", "--json")
    assert code == 0
    assert len(out.splitlines()) == 1
    scores = json.loads(out)["likelihood"]
    assert set(scores) == {"all", "files"}
    assert 0 < scores["all"]["5gram_nats_per_token"] < scores["all"]["nats_per_token"] < 6.5
    assert (study / "data.work" / "5gram.safetensors").is_file(), "the counts are kept for the next run"
    code, out, _ = run(capsys, "evaluate", study / "base", "--data", study / "data", "--max-windows", 3)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["collection", "all", "files"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prepare", "NOWHERE", "-o", "NEW"], "no such folder"),
        (["prepare", "EMPTY", "-o", "NEW"], "holds no .mid or .midi file"),
        (["prepare", "MIDI", "-o", "MIDI"], "which would be lost"),
        (["prepare", "MIDI", "-o", "NOWHERE/deep"], "there is no folder"),
        (["prepare", "MIDI", "-o", "MIDI/song0.mid"], "is a file"),
        pytest.param(
            ["prepare", "MIDI", "-o", "/proc/data"],
            "cannot be written",
            marks=pytest.mark.skipif(
                not Path("/proc/self").exists(), reason="needs a place that not even root can write"
            ),
        ),
        (["prepare", "MIDI"], "-o/--output"),
        (["prepare", "MIDI", "-o", "NEW", "--augment", "0"], "--augment 0: give the number of keys"),
        (["prepare", "MIDI", "-o", "NEW", "--augment", "13"], "--augment 13"),
        (["prepare", "MIDI", "-o", "NEW", "--augment", "all"], "argument --augment: invalid int value: 'all'"),
        (["prepare", "MIDI", "-o", "NEW", "--split", "0.5", "0.1", "0.1"], "--split 0.5 0.1 0.1: give three shares"),
        (["prepare", "MIDI", "-o", "NEW", "--split", "0.5", "0.5"], "argument --split: expected 3 arguments"),
        (["prepare", "MIDI", "-o", "NEW", "--workers", "0"], "--workers 0: must be 1 or more"),
        (["train", "--data", "EMPTY", "-o", "NEW"], "no such shard"),
        (["train", "--config", "hgue", "--data", "EMPTY", "-o", "NEW"], "no config 'hgue'"),
        (["train", "--data", "EMPTY", "-o", "NEW", "--threads", "0"], "--threads 0: must be 1 or more"),
        (["train", "--data", "EMPTY", "-o", "NEW", "--seed", "-1"], "--seed -1: must be 0 or more"),
        (["train", "--data", "EMPTY", "-o", "NEW", "--max-minutes", "nan"], "--max-minutes nan: must be 0 or more"),
        (["evaluate", "EMPTY", "--data", "EMPTY"], "no such shard"),
        (["evaluate", "--data", "EMPTY", "--clips", "-1"], "--clips -1: must be 0 or more"),
        (["evaluate", "--data", "EMPTY", "--max-windows", "0"], "--max-windows 0: must be 1 or more"),
        (["evaluate", "--data", "EMPTY", "--split", "train"], "argument --split: invalid choice: 'train'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], words: str, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"MIDI": study / "midi", "NEW": tmp_path / "new", "EMPTY": tmp_path / "empty", "NOWHERE": tmp_path / "no"}
    replaced = []
    for argument in arguments:
        head, _, tail = argument.partition("/")
        replaced.append(str(places[head] / tail) if head in places else argument)
    code, out, err = run(capsys, *replaced)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("sideman: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()
