"""A run of so many minutes: it ends in time, the rate has fallen by then, and a kill changes nothing of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorboard")

import engine.training.train as training
from engine.data.prepare import Settings, prepare
from engine.data.shards.shards import load_shard
from engine.errors import CheckpointError, SidemanError
from engine.model.checkpoint import load_checkpoint
from engine.training.evaluate import evaluate, load_model
from engine.training.plan import PLAN_FILE, UNKNOWN, TimePlan, warm_up
from engine.training.schedule import rate_share
from tests.support.study_corpus import write_config, write_corpus


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def drive(plan: TimePlan, clock: Clock, done: int, update_s: Iterator[float], most: int = 100_000) -> list[int]:
    """The lengths that were planned, update by update, until the plan is over."""
    lengths = []
    for _ in range(most):
        lengths.append(plan.steps(done))
        clock.now_s += next(update_s)
        done += 1
        if plan.due(done):
            plan.review(done, 2.0)
        if plan.is_over(done, 2.0):
            break
    return lengths


def speeds(*parts: tuple[float, int]) -> Iterator[float]:
    for seconds, updates in parts:
        yield from [seconds] * updates
    while True:
        yield parts[-1][0]


@pytest.mark.parametrize(
    "update_s",
    [
        ((0.1, 1),),
        ((25.0, 1), (0.1, 1)),  # a compiler at the first update
        ((0.1, 300), (0.3, 1)),  # something else begins
        ((0.3, 300), (0.1, 1)),
        ((9.0, 1),),  # hardly any update fits
    ],
)
def test_a_run_uses_its_time_and_no_more_and_its_rate_ends_near_zero(
    update_s: tuple[tuple[float, int], ...], tmp_path: Path
) -> None:
    clock = Clock()
    plan = TimePlan(tmp_path / PLAN_FILE, 120.0, 0, clock=clock)
    lengths = drive(plan, clock, 0, speeds(*update_s))
    assert 0.85 * 118 - 9 < plan.used_s <= 120 + update_s[-1][0]
    assert lengths[0] == UNKNOWN
    share = rate_share(len(lengths) - 1, 1, lengths[-1], fall=0.45)
    assert share <= max(0.08, 3.0 / (0.45 * len(lengths)))
    if len(lengths) > 200:
        assert rate_share(len(lengths) // 3, warm_up(lengths[-1], 100), lengths[len(lengths) // 3], fall=0.45) == 1.0


def test_a_killed_run_plans_what_it_had_planned(tmp_path: Path) -> None:
    """Killed at update 260 and gone on from the state of update 150, on a machine of another speed."""
    clock = Clock()
    whole = drive(TimePlan(tmp_path / PLAN_FILE, 60.0, 0, clock=clock), clock, 0, speeds((0.1, 1)), most=260)
    text = (tmp_path / PLAN_FILE).read_text()
    (tmp_path / PLAN_FILE).write_text(text + '{"update": 26')  # the kill tore a row
    again = drive(TimePlan(tmp_path / PLAN_FILE, 60.0, 150, clock=clock), clock, 150, speeds((0.11, 1)))
    last = max(json.loads(line)["update"] for line in text.splitlines())
    assert last > 240
    assert again[: last - 150] == whole[150:last]
    assert 150 + len(again) > 400


def test_a_broken_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / PLAN_FILE).write_text("{}\n")
    with pytest.raises(CheckpointError, match=r"plan\.jsonl: cannot be read .*: delete it"):
        TimePlan(tmp_path / PLAN_FILE, 60.0, 5)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timed")
    prepare(write_corpus(folder / "midi", files=6), folder / "data", Settings(split=(0.6, 0.4, 0), workers=1))
    return folder / "data"


def test_a_timed_run_ends_with_a_checkpoint_that_has_learnt(data: Path, tmp_path: Path) -> None:
    config = str(write_config(tmp_path, epochs=1))
    done, steps = training.train(config, data, tmp_path / "base", minutes=0.3)
    assert done == steps > 4
    score = evaluate(load_model(load_checkpoint(tmp_path / "base")), load_shard(data / "valid.safetensors"))["all"]
    assert score.nats_per_token < np.log(400)
    with pytest.raises(SidemanError, match="planned by the clock: give its --minutes"):
        training.train(config, data, tmp_path / "base", resume=True)
    notes: list[str] = []
    again = training.train(config, data, tmp_path / "base", resume=True, minutes=3, note=notes.append)
    assert again == (done, steps)
    ended = f"its plan has ended, after {done} updates: go on in a new run, --init {tmp_path / 'base'}"
    assert notes == [f"{tmp_path / 'base.run'}: {ended}"]
    with pytest.raises(SidemanError, match="leave --steps"):
        training.train(config, data, tmp_path / "other", steps=4, minutes=1)


class Killed(Exception):
    pass


def test_a_timed_run_goes_through_the_same_losses_after_a_kill(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six updates lie between the last save and the kill: each has the loss that it had."""
    monkeypatch.setattr("engine.training.recorder.REPORT_EVERY", 1)
    config, losses = str(write_config(tmp_path, epochs=1)), {}
    state, kept = tmp_path / "base.run" / training.STATE_FILE, tmp_path / "kept"

    def until(stop: int):
        def report(news: training.News) -> None:
            losses.setdefault(news.step, []).append(news.loss)
            if news.step == 8:
                shutil.copy(state, kept)
            if news.step == stop:
                raise Killed

        return report

    monkeypatch.setattr(training, "SAVE_EVERY_S", 0.0)
    with pytest.raises(Killed):
        training.train(config, data, tmp_path / "base", minutes=5, report=until(14))
    shutil.copy(kept, state)
    with pytest.raises(Killed):
        training.train(config, data, tmp_path / "base", minutes=5, resume=True, report=until(20))
    twice = [row for row in losses.values() if len(row) > 1]
    assert len(twice) == 6
    assert all(one == other for one, other in twice)
    assert sorted(losses) == list(range(1, 21))
