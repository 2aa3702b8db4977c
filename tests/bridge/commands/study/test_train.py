"""The options of `sideman train`, on a corpus of two collections; every refusal is one line with exit code 2."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("accelerate")

from bridge.cli import main
from bridge.commands.study.progress import NewsLine
from engine.data.shards.shard_writer import save_shard
from engine.data.shards.shards import Shard
from engine.data.sources import match_weights
from engine.training.schedule import News
from tests.support.study_corpus import random_piece, write_config

COLLECTIONS = ["Pop songs", "Ragtime", "Ragtime rolls"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data of three collections, a config, and a run of six updates."""
    folder = tmp_path_factory.mktemp("study")
    data = folder / "data"
    data.mkdir()
    for name, pieces in (("train", 6), ("valid", 2), ("test", 0)):
        shard = Shard([random_piece(seed, collection=seed % 3) for seed in range(pieces)], COLLECTIONS)
        save_shard(data / f"{name}.safetensors", shard)
    (data / "manifest.jsonl").write_text("")
    write_config(folder, epochs=1)
    assert main(command(folder, "base", "--steps", 6, "--weight", "pop=0.5")) == 0
    return folder


def command(study: Path, out: str, *options: object) -> list[str]:
    fixed = ["train", "--config", study / "small.yaml", "--data", study / "data", "-o", study / out, "--device", "cpu"]
    return [str(part) for part in (*fixed, "--threads", 1, *options)]


def run(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_run_can_be_made_longer_with_the_weights_it_had(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, command(study, "base", "--resume", "--steps", 9))
    assert code == 2
    assert "this run had the weights Pop songs=0.5, not 1 for all: give the same" in err
    code, out, _ = run(capsys, command(study, "base", "--resume", "--steps", 9, "--weight", "POP=0.5"))
    assert code == 0
    assert out.splitlines()[-1] == f"{study / 'base'}: checkpoint after 9 of 9 updates"
    rows = [json.loads(line) for line in (study / "base.run" / "losses.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [6, 9]
    code, _, err = run(capsys, command(study, "base", "--resume", "--steps", 8, "--weight", "pop=0.5"))
    assert code == 2
    assert "has made 9 updates, more than the 8 asked for: give --steps 9 or more" in err


def test_a_run_is_the_same_with_batches_made_beside_it(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for number in (0, 1):
        assert run(capsys, command(study, f"beside{number}", "--steps", 3, "--workers", number))[0] == 0
        outputs.append((study / f"beside{number}" / "model.safetensors").read_bytes())
    assert outputs[0] == outputs[1]
    assert run(capsys, command(study, "beside2", "--workers", -1))[0] == 2


def test_a_new_run_starts_where_another_stands(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, command(study, "next", "--init", study / "base", "--steps", 1))
    assert code == 0
    assert out.splitlines()[0].startswith(f"weights from {study / 'base.run' / 'state.safetensors'}, float32 after")
    from_state = float(out.splitlines()[1].split()[3])
    (study / "alone").mkdir()
    for name in ("config.yaml", "model.safetensors", "card.md"):
        (study / "alone" / name).write_bytes((study / "base" / name).read_bytes())
    code, out, _ = run(capsys, command(study, "third", "--init", study / "alone", "--steps", 1))
    assert code == 0
    assert out.splitlines()[0] == f"weights from {study / 'alone'}, a checkpoint"
    assert float(out.splitlines()[1].split()[3]) == pytest.approx(from_state, abs=0.1)  # rounded to NF4
    code, out, _ = run(capsys, command(study, "fresh", "--steps", 1))
    assert float(out.splitlines()[0].split()[3]) > from_state + 0.1


def test_a_run_that_no_longer_gets_better_stops_and_keeps_the_best(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.recorder.MIN_EVALUATE_EVERY", 1)
    config = study / "worse.yaml"
    config.write_text((study / "small.yaml").read_text().replace("3.0e-3", "3.0e-1"))  # learns, then loses its way
    arguments = command(study, "worse", "--steps", 30, "--patience", 2)
    arguments[2] = str(config)
    code, out, _ = run(capsys, arguments)
    assert code == 0
    assert out.splitlines()[-1].endswith(
        "; stopped early, the held-out loss no longer falls: the checkpoint is the best one"
    )
    rows = [json.loads(line) for line in (study / "worse.run" / "losses.jsonl").read_text().splitlines()]
    losses = [row["held_out"] for row in rows]
    assert len(losses) < 30
    assert losses.index(min(losses)) == len(losses) - 3
    card = (study / "worse" / "card.md").read_text()
    assert f"Held-out loss while training (evenly spread sample): {min(losses):.3f}" in card
    code, out, _ = run(capsys, [*arguments, "--resume"])  # it has stopped for good
    assert code == 0
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(
    ("weights", "matched"),
    [
        ({}, {}),
        ({"pop": 0.3}, {"Pop songs": 0.3}),
        ({"ROLLS": 2, "ragtime": 0}, {"Ragtime": 0.0, "Ragtime rolls": 2.0}),  # the whole name goes before a part
    ],
)
def test_a_weight_finds_its_collection(weights: dict[str, float], matched: dict[str, float]) -> None:
    assert match_weights(weights, COLLECTIONS) == matched


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--steps", 0], "--steps 0: must be 1 or more"),
        (["--patience", 0], "--patience 0: must be 1 or more"),
        (["--device", "tpu"], "argument --device: invalid choice: 'tpu'"),
        (["--weight", "pop"], "--weight pop: give NAME=FACTOR"),
        (["--weight", "=1"], "--weight =1: give NAME=FACTOR"),
        (["--weight", "pop=-1"], "--weight pop=-1: give NAME=FACTOR"),
        (["--weight", "pop=nan"], "--weight pop=nan: give NAME=FACTOR"),
        (["--weight", "pop=much"], "--weight pop=much: give NAME=FACTOR"),
        (["--weight", "pop=1", "--weight", "pop=2"], "pop has a weight already"),
        (["--weight", "jazz=1"], "weight of 'jazz': is none of Pop songs, Ragtime, Ragtime rolls"),
        (["--weight", "rag=1"], "weight of 'rag': could be any of Ragtime, Ragtime rolls"),
        (["--weight", "pop=1", "--weight", "songs=1"], "weight of 'songs': Pop songs has one already"),
        (["--weight", "pop=0", "--weight", "rolls=0", "--weight", "ragtime=0"], "leave no collection to draw from"),
        (["--init", "NOWHERE"], "NOWHERE: no such run or checkpoint"),
        (["--resume"], "holds no run to resume"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_code_2(
    options: list[object], words: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, command(study, "new", *options))
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("sideman: ")
    assert err.count("\n") == 1
    assert not (study / "new").exists()


def test_a_resumed_run_has_its_weights_already(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, command(study, "base", "--resume", "--init", study / "base"))
    assert code == 2
    assert "a resumed run has its weights already: leave --init out" in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_and_the_held_out_losses() -> None:
    screen, log = Terminal(), io.StringIO()
    for stream in (screen, log):
        line = NewsLine(stream)
        for step, valid in ((20, None), (40, 3.0), (60, None)):
            line.show(News(step, 60, 3.5, 2900.0, 120.0 - step, valid))
        line.end()
    rows = log.getvalue().splitlines()
    assert rows[0] == "step 20/60  loss 3.500  2,900 tokens/s  2 min left"
    assert screen.getvalue() == f"\r{rows[0]}\r{rows[1]}\n\r{rows[2]}\n"
