"""A run learns, goes on exactly where it was stopped or killed, and writes nothing that could run code."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

from engine.data.diet import Diet  # noqa: E402
from engine.data.eval_windows import eval_windows  # noqa: E402
from engine.data.feed import Feed  # noqa: E402
from engine.data.prepare import Settings, prepare  # noqa: E402
from engine.data.shards.shard_writer import save_shard  # noqa: E402
from engine.data.shards.shards import Shard, load_shard  # noqa: E402
from engine.errors import SidemanError  # noqa: E402
from engine.evaluation.ngram import NgramModel  # noqa: E402
from engine.model.checkpoint import load_checkpoint  # noqa: E402
from engine.model.config_file import load_config  # noqa: E402
from engine.training import device  # noqa: E402
from engine.training.evaluate import evaluate, load_model, ngram_scores, token_nats  # noqa: E402
from engine.training.recorder import Recorder  # noqa: E402
from engine.training.schedule import News  # noqa: E402
from engine.training.state import read_state  # noqa: E402
from engine.training.train import Trainer, train  # noqa: E402
from engine.training.trainer import Batches  # noqa: E402
from engine.training.update.muon import orthogonalise  # noqa: E402
from tests.support.study_corpus import write_config, write_corpus  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    prepare(write_corpus(folder / "midi", files=10), folder / "data", Settings(split=(0.6, 0.2, 0.2), workers=1))
    return folder / "data"


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    """The checkpoint of an uninterrupted run of about 60 updates, and the losses it reported."""
    folder = tmp_path_factory.mktemp("run")
    losses: list[float] = []
    done, steps = train(
        str(write_config(folder, epochs=4)), data, folder / "base", report=lambda news: losses.append(news.loss)
    )
    assert done == steps > 40
    return folder / "base", losses


def test_the_loss_falls(finished: tuple[Path, list[float]], data: Path) -> None:
    path, losses = finished
    assert losses[-1] < losses[0] - 0.5
    assert losses[0] < math.log(400)
    held_out = evaluate(load_model(load_checkpoint(path)), load_shard(data / "valid.safetensors"))["all"]
    assert held_out.nats_per_token < losses[0]


def test_the_card_says_what_it_was_trained_on(finished: tuple[Path, list[float]], data: Path) -> None:
    card = (finished[0] / "card.md").read_text(encoding="utf-8")
    tokens = sum(len(piece.tokens) for piece in load_shard(data / "train.safetensors").pieces)
    assert f"{tokens:,} event tokens in 12 keys" in card
    assert "| files | unknown |" in card
    count = sum(value.size for value in load_checkpoint(finished[0]).weights.values())
    assert f"{count:,} parameters" in card


def test_nothing_is_a_pickle(finished: tuple[Path, list[float]]) -> None:
    path = finished[0]
    names = {p.relative_to(path.parent).as_posix() for p in path.parent.rglob("*") if p.is_file()}
    events = {name for name in names if name.startswith("base.run/events.out.tfevents.")}
    assert len(events) == 1
    assert names - events == {
        "small.yaml", "base/card.md", "base/config.yaml", "base/model.safetensors", "base.run/losses.jsonl",
        "base.run/losses.png", "base.run/state.safetensors",
    }  # fmt: skip
    for name in ("base/model.safetensors", "base.run/state.safetensors"):
        assert load_file(path.parent / name)  # a JSON header and numbers


def test_model_and_baseline_are_scored_on_the_same_tokens(finished: tuple[Path, list[float]], data: Path) -> None:
    model = load_model(load_checkpoint(finished[0]))
    shard, heard = (load_shard(data / f"{name}.safetensors") for name in ("valid", "train"))
    ngrams = NgramModel([piece.tokens for piece in heard.pieces])
    total = sum(len(piece.tokens) - 1 for piece in shard.pieces)
    for max_windows in (None, 5):
        scores = evaluate(model, shard, max_windows=max_windows)
        baseline = ngram_scores(ngrams, shard, model.config.max_seq_len, max_windows=max_windows)
        assert scores.keys() == baseline.keys() == {"all", "files"}
        for name, score in scores.items():
            other = baseline[name]
            assert (score.tokens, score.notes, score.seconds) == (other.tokens, other.notes, other.seconds)
            assert score.tokens == total if max_windows is None else score.tokens < total
        assert scores["all"].bits_per_second == pytest.approx(scores["all"].nats / math.log(2) / scores["all"].seconds)


def test_scores_do_not_depend_on_the_batch_size(finished: tuple[Path, list[float]], data: Path) -> None:
    model, shard = load_model(load_checkpoint(finished[0])), load_shard(data / "valid.safetensors")
    one, many = (evaluate(model, shard, batch_size=n, max_windows=9)["all"].nats_per_token for n in (1, 9))
    assert one == pytest.approx(many, abs=1e-5)


def test_threads_that_take_windows_of_their_own_keep_the_order_and_give_the_threads_back(
    finished: tuple[Path, list[float]], data: Path
) -> None:
    model, shard = load_model(load_checkpoint(finished[0])), load_shard(data / "valid.safetensors")
    windows = eval_windows(shard.pieces, model.config.max_seq_len, 9)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = list(token_nats(model, windows, batch_size=2))
        torch.set_num_threads(3)
        together = list(token_nats(model, windows, batch_size=2))
        assert torch.get_num_threads() == 3
        next(broken_off := token_nats(model, windows, batch_size=2))
        broken_off.close()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert len(together) == len(windows)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_updates_after_a_resume_are_those_of_an_uninterrupted_run(data: Path, tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, epochs=1))
    sampler = Diet(data / "train.safetensors", 64, 4, seed=3).open()
    whole = Trainer(config, 8, seed=3)
    losses = [whole.step(sampler) for _ in range(8)]
    first = Trainer(config, 8, seed=3)
    halves = [first.step(sampler) for _ in range(4)]
    first.save(tmp_path / "state.safetensors")
    torch.manual_seed(99)
    second = Trainer(config, 8, seed=3)
    second.load(tmp_path / "state.safetensors")
    halves += [second.step(sampler) for _ in range(4)]
    assert halves == losses
    for name, value in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[name], value, err_msg=name)


@pytest.mark.parametrize("workers", [(0, 2), (2, 1)])
def test_a_base_resumes_to_the_same_curve_whatever_makes_its_batches(
    workers: tuple[int, int], data: Path, tmp_path: Path
) -> None:
    """With all that a base's training draws: practice pieces, controls, straying, dropout, several parts an update."""
    plain, base = load_config(write_config(tmp_path, epochs=1)), load_config("next_base")
    training = replace(plain.training, practice=0.5, practice_edition=2, gradient_accumulation=2, ema=0.9, fall=0.5)
    config = replace(plain, model=replace(plain.model, controls=base.model.controls), training=training)
    diet = Diet(
        data / "train.safetensors", 64, 4, 3, practice=training.practice, controls=config.model.controls,
        edition=training.practice_edition,
    )  # fmt: skip
    whole = Trainer(config, 6, seed=3)
    windows = diet.open()
    losses = [float(whole.step(windows)) for _ in range(6)]
    assert len(set(losses)) == 6
    first = Trainer(config, 6, seed=3)
    feed = Feed(diet, first.batch_number(0), workers=workers[0])
    halves = [float(first.step(feed)) for _ in range(3)]
    first.save(tmp_path / "state.safetensors")
    torch.manual_seed(99)
    second = Trainer(config, 6, seed=3)
    second.load(tmp_path / "state.safetensors")
    feed = Feed(diet, second.batch_number(0), workers=workers[1])
    halves += [float(second.step(feed)) for _ in range(3)]
    assert halves == losses
    for name, value in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[name], value, err_msg=name)


def test_a_run_stopped_again_and_again_ends_with_the_same_bytes(data: Path, tmp_path: Path) -> None:
    config = str(write_config(tmp_path, epochs=0.4))
    train(config, data, tmp_path / "whole")
    done = [train(config, data, tmp_path / "parts", max_minutes=0)]
    while done[-1][0] < done[-1][1]:
        done.append(train(config, data, tmp_path / "parts", resume=True, max_minutes=0))
    assert [d for d, _ in done] == list(range(1, done[-1][1] + 1))
    for name in ("config.yaml", "model.safetensors"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    log = (tmp_path / "parts.run" / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [d for d, _ in done]
    assert train(config, data, tmp_path / "parts", resume=True) == done[-1]  # finished: nothing to do, nothing lost


KILLED_RUN = """
import sys
from pathlib import Path
from typing import Any
import torch
import engine.training.train as training
torch.set_num_threads(1)
training.SAVE_EVERY_S = 0  # every update: the kill meets a save in most runs
config, data, out, resume = sys.argv[1:]
report = lambda news: print(news.step, flush=True)
training.train(config, Path(data), Path(out), resume=resume == "resume", report=report)
"""


def test_a_killed_run_leaves_a_whole_checkpoint_and_goes_on_exactly(data: Path, tmp_path: Path) -> None:
    config, out = str(write_config(tmp_path, epochs=4)), tmp_path / "base"
    rng = np.random.default_rng()
    for number in range(2):
        mode = "resume" if number else "new"
        command = [sys.executable, "-c", KILLED_RUN, config, str(data), str(out), mode]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
            assert run.stdout is not None
            for _ in range(4):
                assert run.stdout.readline().strip()
            time.sleep(rng.uniform(0, 0.1))
            run.send_signal(signal.SIGKILL)
        assert load_checkpoint(out).weights
    state = tmp_path / "base.run" / "state.safetensors"
    trainer = Trainer(load_config(config), train_steps(data, config), seed=0)
    trainer.load(state)
    assert trainer.done >= 8
    same = Trainer(load_config(config), trainer.steps, seed=0)
    sampler = Diet(data / "train.safetensors", 64, 4, seed=0).open()
    losses = [same.step(sampler) for _ in range(trainer.done)]
    for name, value in same.weights().items():
        np.testing.assert_array_equal(trainer.weights()[name], value, err_msg=name)
    events = EventAccumulator(str(state.parent)).Reload().Scalars("loss/train")
    curve = {event.step: event.value for event in events if event.step <= trainer.done}
    assert [curve[step] for step in range(1, trainer.done + 1)] == [np.float32(loss) for loss in losses]


def train_steps(data: Path, config: str) -> int:
    tokens = sum(len(piece.tokens) for piece in load_shard(data / "train.safetensors").pieces)
    return math.ceil(load_config(config).training.epochs * tokens / (64 * 4))


def edit(name: str, old: str, new: str) -> Callable[[Path, Path], None]:
    def damage(folder: Path, data: Path) -> None:
        path = folder / name
        path.write_text(path.read_text().replace(old, new))

    return damage


def no_valid_side(folder: Path, data: Path) -> None:
    prepare(data.parent / "midi", data, Settings(split=(1, 0, 0), workers=1))


@pytest.mark.parametrize(
    ("damage", "resume", "words"),
    [
        (lambda folder, data: None, False, "holds an earlier run: add --resume"),
        (lambda folder, data: (folder / "base.run" / "state.safetensors").unlink(), True, "holds no run to resume"),
        (edit("small.yaml", "latent_len: 16", "latent_len: 8"), True, "this run had model.latent_len 16, not 8"),
        (edit("small.yaml", "latent_dim: 64", "latent_dim: 96"), True, "model.latent_dim 96: must be a multiple of 64"),
        (edit("small.yaml", "ff_dim", "ff_dmi"), True, "did you mean 'ff_dim'"),
        (lambda f, d: (f / "base.run" / "state.safetensors").write_bytes(b"\x80\x04."), True, "cannot be read"),
        (lambda f, d: (f / "base" / "mine.txt").touch(), True, "holds 'mine.txt', which would be lost"),
        (lambda f, d: (d / "train.safetensors").unlink(), True, "no such shard"),
        (lambda f, d: (d / "valid.safetensors").write_bytes(b""), True, "valid.safetensors: not a shard"),
        (lambda f, d: (d / "manifest.jsonl").unlink(), True, "manifest.jsonl: cannot be read"),
        (no_valid_side, True, "the held-out side is empty"),
    ],
)
def test_what_cannot_go_on_is_refused_and_the_checkpoint_stays(
    damage: Callable[[Path, Path], None], resume: bool, words: str, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "midi", files=3)
    data = tmp_path / "data"
    prepare(tmp_path / "midi", data, Settings(split=(0.34, 0.66, 0), workers=1))
    config = write_config(tmp_path, epochs=0.4)
    train(str(config), data, tmp_path / "base", max_minutes=0)
    before = (tmp_path / "base" / "model.safetensors").read_bytes()
    damage(tmp_path, data)
    with pytest.raises(SidemanError) as refusal:
        train(str(config), data, tmp_path / "base", resume=resume)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert (tmp_path / "base" / "model.safetensors").read_bytes() == before


def test_a_finished_checkpoint_is_not_replaced_by_a_new_run(data: Path, tmp_path: Path) -> None:
    config = str(write_config(tmp_path, epochs=0.4))
    train(config, data, tmp_path / "base", max_minutes=0)
    before = (tmp_path / "base" / "model.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "base.run")
    with pytest.raises(SidemanError, match="base: is a checkpoint already: give another -o, or remove it first"):
        train(config, data, tmp_path / "base")
    assert (tmp_path / "base" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("stray_after", [1, -1])
def test_a_checkpoint_that_cannot_be_written_costs_no_update(
    stray_after: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file lands in the folder after the first save, or before the last: the run goes on, or is done, as ever."""
    config = str(write_config(tmp_path, epochs=0.4))
    whole = train(config, data, tmp_path / "whole")
    monkeypatch.setattr("engine.training.train.SAVE_EVERY_S", 0.0)
    stray, at = tmp_path / "base" / "mine.txt", stray_after % whole[1]

    def report(news: News) -> None:
        if news.step == at:
            stray.touch()

    with pytest.raises(SidemanError, match=r"holds 'mine.txt', which would be lost: give another folder, or move it"):
        train(config, data, tmp_path / "base", report=report)
    stray.unlink()
    first: list[int] = []
    done = train(config, data, tmp_path / "base", resume=True, report=lambda news: first.append(news.step))
    assert done == whole
    assert first == list(range(at + 2, whole[1] + 1))  # the update whose checkpoint failed is not made again
    for name in ("config.yaml", "model.safetensors"):
        assert (tmp_path / "base" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_goes_on_with_the_data_it_began_with_alone(data: Path, tmp_path: Path) -> None:
    """As many tokens, but other ones: one pitch of the training side is another."""
    config, changed = str(write_config(tmp_path, epochs=0.4)), tmp_path / "data"
    shutil.copytree(data, changed)
    train(config, changed, tmp_path / "base", max_minutes=0)
    shard = load_shard(changed / "train.safetensors")
    pieces = [replace(piece, tokens=piece.tokens.copy()) for piece in shard.pieces]
    pieces[0].tokens[5] ^= 1
    save_shard(changed / "train.safetensors", Shard(pieces, shard.collections, shard.augmentation))
    with pytest.raises(SidemanError, match="this run had data with other content on their training side"):
        train(config, changed, tmp_path / "base", resume=True)


def test_a_run_of_an_earlier_sideman_goes_on_with_a_word_about_its_data(data: Path, tmp_path: Path) -> None:
    config, notes = str(write_config(tmp_path, epochs=0.4)), []
    train(config, data, tmp_path / "base", max_minutes=0)
    state = tmp_path / "base.run" / "state.safetensors"
    with safe_open(state, framework="pt") as file:
        facts = json.loads(file.metadata()["run"])
    del facts["data_sha256"]
    save_file(load_file(state), state, metadata={"run": json.dumps(facts)})
    done, _ = train(config, data, tmp_path / "base", resume=True, max_minutes=0, note=notes.append)
    assert done == 2
    assert notes == [f"{tmp_path / 'base.run'} is of an earlier Sideman and cannot say whether {data} is what it was"]


def test_a_processor_that_has_no_bfloat16_says_that_it_computes_in_float32(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "has_bfloat16_units", lambda: False)
    config, notes = write_config(tmp_path, epochs=0.4), []
    config.write_text(config.read_text().replace("training: {", "training: {mixed_precision: bf16, "))
    train(str(config), data, tmp_path / "base", max_minutes=0, device="cpu", note=notes.append)
    assert notes == [
        "training.mixed_precision bf16: this processor has no units for it, so the run computes in float32"
    ]


def test_a_run_without_its_curve_goes_on_and_a_large_seed_is_a_seed(data: Path, tmp_path: Path) -> None:
    config, seed = str(write_config(tmp_path, epochs=0.4)), 2 * 10**13
    with pytest.raises(SidemanError, match=r"--seed 9223372036854775808: must be 0 or more, below 2\^63"):
        train(config, data, tmp_path / "base", seed=2**63)
    train(config, data, tmp_path / "base", seed=seed, max_minutes=0)
    (tmp_path / "base.run" / "losses.jsonl").unlink()
    done, steps = train(config, data, tmp_path / "base", seed=seed, resume=True)
    assert done == steps > 1


def test_a_run_that_keeps_the_best_keeps_it_without_its_curve(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = str(write_config(tmp_path, epochs=0.4)), tmp_path / "base"
    monkeypatch.setattr(Recorder, "_measure", lambda recorder: 2.5)
    train(config, data, out, patience=1000, max_minutes=0)
    best = load_checkpoint(out).sha256
    (tmp_path / "base.run" / "losses.jsonl").unlink()
    monkeypatch.setattr(Recorder, "_measure", lambda recorder: 9.9)
    train(config, data, out, patience=1000, resume=True)
    assert load_checkpoint(out).sha256 == best


def test_a_run_that_diverges_says_so_and_saves_nothing(data: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, epochs=2)
    config.write_text(config.read_text().replace("3.0e-3", "1.0e+30"))
    with pytest.raises(SidemanError, match=r"the loss is nan after \d+ updates: lower training.learning_rate"):
        train(str(config), data, tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_an_update_that_diverges_leaves_what_was_saved_before_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own loss is still a number: it was measured before the weights moved."""
    monkeypatch.setattr("engine.training.recorder.MIN_EVALUATE_EVERY", 1)
    monkeypatch.setattr("engine.training.recorder.EVALUATIONS", 1000)
    step = Trainer.step

    def diverging(trainer: Trainer, windows: Batches) -> Any:
        loss = step(trainer, windows)
        if trainer.done == 3:
            torch.nn.init.constant_(trainer.model.head.weight, math.nan)
        return loss

    monkeypatch.setattr(Trainer, "step", diverging)
    with pytest.raises(SidemanError, match=r"the held-out loss is nan after 3 updates: lower training.learning_rate"):
        train(str(write_config(tmp_path, epochs=1)), data, tmp_path / "base")
    facts, _, _ = read_state(tmp_path / "base.run" / "state.safetensors")
    assert facts.done == 2
    assert load_checkpoint(tmp_path / "base").weights
    assert len((tmp_path / "base.run" / "losses.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 16, 4), (2, 4, 16)])
def test_muon_updates_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrices, iterations=10))
    assert 0.5 < values.min() < values.max() < 1.3
