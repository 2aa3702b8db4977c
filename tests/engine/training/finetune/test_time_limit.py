"""Laws of the time that a run may take, on a clock that goes by what is computed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch

from engine.data.prepare import Settings, prepare
from engine.inference.session import Session
from engine.model.checkpoint import save_checkpoint
from engine.model.config import Config
from engine.model.controls import Control
from engine.model.perceiver import PerceiverMusicTransformer
from engine.model.shapes import parameter_shapes
from engine.styles.style_folder import load_style
from engine.training.finetune import time_limit
from engine.training.finetune.finetune import Finetuned, Recipe, finetune
from engine.training.finetune.time_limit import Budget, affordable
from tests.support.study_corpus import write_corpus
from tests.support.style_folders import CONFIG

MANNER = Control("manner", labels=("rolls", "jazz", "classical"))
LIMIT_S = 180.0
RECIPE = Recipe(updates=40, update_tokens=80, warmup=2, learning_rate=1e-2, max_minutes=LIMIT_S / 60)
WINDOW = 40  # tokens, of this base
UPDATE = 3 * 4 * WINDOW  # tokens' worth of time: two windows, some again under other chords, forwards and backwards
LEAST = WINDOW + 2 * WINDOW + 4 * WINDOW + UPDATE + 3 * WINDOW  # a plain one, both firsts, worth, an update, the end


class Clock:
    """A clock on which a token takes s_per_token, and from slow_from_s on `slower` times that by the wall alone."""

    def __init__(self) -> None:
        self.now_s, self.cpu_s, self.s_per_token = 0.0, 0.0, 0.0
        self.slow_from_s, self.slower = float("inf"), 1.0

    def compute(self, tokens: float) -> None:
        factor = self.slower if self.now_s >= self.slow_from_s else 1.0
        self.now_s += tokens * self.s_per_token * factor
        self.cpu_s += tokens * self.s_per_token


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Everything that a run computes passes through a forward pass or through a session."""
    clock = Clock()
    monkeypatch.setattr(
        time_limit, "time", SimpleNamespace(monotonic=lambda: clock.now_s, process_time=lambda: clock.cpu_s)
    )
    forward, generate = PerceiverMusicTransformer.forward, Session.generate

    def slow_forward(self: PerceiverMusicTransformer, inputs: Any, *rest: Any) -> torch.Tensor:
        clock.compute(inputs.tokens.numel() * (3 if self.training else 1))
        return forward(self, inputs, *rest)

    def slow_generate(self: Session, until_s: float, *rest: Any) -> list[Any]:
        clock.compute(20 * (until_s - self.time_s))
        return generate(self, until_s, *rest)

    monkeypatch.setattr(PerceiverMusicTransformer, "forward", slow_forward)
    monkeypatch.setattr(Session, "generate", slow_generate)
    return clock


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base that has manners, and prepared pieces."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("time")
    config = Config(model=dataclasses.replace(CONFIG.model, controls=(MANNER,)))
    rng = np.random.default_rng(0)
    shapes = parameter_shapes(config.model)
    weights = {
        name: rng.normal(float("norm" in name), 0.15, shape).astype(np.float32) for name, shape in shapes.items()
    }
    save_checkpoint(folder / "base", config, weights, "# test\n")
    write_corpus(folder / "midi", files=8)
    prepare(folder / "midi", folder / "data", Settings(split=(0.5, 0.25, 0.25), workers=1))
    return folder


def run(study: Path, out: Path, start_s: float = 0.0, recipe: Recipe = RECIPE) -> Finetuned:
    done = finetune(study / "base", study / "data", "songs", out, recipe, keep=study / "data", started=-start_s)
    assert load_style(out).name == "songs"
    return done


@pytest.mark.parametrize("start_s", [0.0, 60.0, 170.0, 400.0])
@pytest.mark.parametrize("s_per_token", [1e-6, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0])
def test_a_run_keeps_its_limit_or_does_the_least_that_there_is(
    s_per_token: float, start_s: float, clock: Clock, study: Path, tmp_path: Path
) -> None:
    """A start that took long leaves less; where not even one update fits, one is made, and little more."""
    clock.s_per_token = s_per_token
    done = run(study, tmp_path / "style", start_s)
    assert done.seconds <= max(LIMIT_S, start_s + s_per_token * LEAST) + s_per_token * UPDATE
    if s_per_token * LEAST < (LIMIT_S - start_s) / 3:
        assert done.seconds <= LIMIT_S


def test_nothing_is_left_out_where_there_is_time_and_all_that_is_left_out_is_said(
    clock: Clock, study: Path, tmp_path: Path
) -> None:
    clock.s_per_token = 1e-6
    whole = run(study, tmp_path / "whole")
    assert whole.shortened == ()
    assert whole.facts["training"]["told_manner"] in (*MANNER.labels, None)
    clock.s_per_token, clock.now_s = 0.1, 0.0
    said = run(study, tmp_path / "short").shortened
    assert "no manner was looked for" in said
    assert any(words.endswith("windows were measured first") for words in said)
    assert any(words.endswith("windows were measured while learning") for words in said)


@pytest.mark.parametrize("slower", [3.0, 10.0, 30.0])
def test_a_machine_that_gets_busy_in_the_middle_costs_an_update_and_a_window_at_most(
    slower: float, clock: Clock, study: Path, tmp_path: Path
) -> None:
    clock.s_per_token, clock.slow_from_s, clock.slower = 0.005, 90.0, slower
    done = run(study, tmp_path / "style", recipe=dataclasses.replace(RECIPE, updates=10_000, patience=10_000))
    assert 90.0 < done.seconds <= LIMIT_S + 0.005 * slower * (UPDATE + 4 * WINDOW)


def test_a_strength_that_nobody_had_time_to_measure_is_said(clock: Clock, study: Path, tmp_path: Path) -> None:
    clock.s_per_token = 0.3
    done = run(study, tmp_path / "style", start_s=100.0)
    assert "its strength of 0.85 was not measured" in done.shortened
    assert "chords_are_worth" not in done.facts["metrics"]
    assert done.facts["training"]["emphasis"] == 0.85


@pytest.mark.parametrize(
    ("left_s", "spent_s", "done", "more"),
    [(10.0, 1.0, 1, 10), (10.0, 4.0, 2, 5), (0.9, 1.0, 1, 0), (-5.0, 1.0, 1, 0), (0.0, 0.0, 1, 0)],
)
def test_a_pace_says_how_many_more_fit(left_s: float, spent_s: float, done: int, more: int) -> None:
    assert affordable(left_s, spent_s, done) == more


def test_the_end_is_part_of_the_time_allowed_and_grows_as_the_process_gets_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [(100.0, 0.0)]
    monkeypatch.setattr(time_limit, "_now", lambda: now[0])
    monkeypatch.setattr(time_limit.time, "monotonic", lambda: now[0][0])
    budget = Budget(100.0, 10.0)
    assert (budget.used_s, budget.left_s, budget.closing_s) == (0.0, 600.0, 0.0)
    with budget.comes_again(2.0):
        now[0] = (110.0, 10.0)
    assert budget.closing_s == pytest.approx(1.25 * 20.0)
    assert budget.left_s == pytest.approx(600 - 10 - 25)
    assert budget.share(0.0) == pytest.approx(10 / 575)
    for _ in range(8):  # updates that get half of a processor
        now[0] = (now[0][0] + 10.0, now[0][1] + 5.0)
        budget.updated()
    assert budget.closing_s == pytest.approx(1.25 * 40.0, rel=0.15)
    left_s = budget.allow(0.1)
    assert left_s() == pytest.approx(0.1 * (600 - 90))
    now[0] = (now[0][0] + 1000.0, now[0][1] + 1.0)
    budget.updated()
    assert budget.closing_s == pytest.approx(0.4 * 600), "updates come first"
    assert left_s() == pytest.approx(51.0 - 1000.0)
    assert budget.allow(0.5)() < 0
