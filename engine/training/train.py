"""Trains a base on a prepared folder: updates, held-out loss, checkpoints and the state that a run resumes from."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast

from engine.atomic import check_folder, make_folder
from engine.data.diet import Diet, TrainingWindows
from engine.data.feed import Feed, default_workers
from engine.data.reading.cache import content_hash
from engine.data.shards.shards import load_shard
from engine.data.sources import match_sources, match_weights
from engine.errors import CheckpointError, ConfigError, DataError, SidemanError, check_range
from engine.model.checkpoint import CHECKPOINT_FILES, check_new
from engine.model.config_file import load_config
from engine.model.nf4 import BLOCK
from engine.training.card import model_card, read_sources
from engine.training.curve import LossCurve
from engine.training.device import make_accelerator
from engine.training.initial import initialise
from engine.training.plan import PLAN_FILE, TIMED_FALL, UNKNOWN, TimePlan, warm_up
from engine.training.recorder import Recorder
from engine.training.schedule import News
from engine.training.state import STATE_FILE
from engine.training.trainer import Batches, Trainer

__all__ = ["STATE_FILE", "Trainer", "train"]

SAVE_EVERY_S = 300.0
TIMED_SAVES = 8  # of a run that is shorter than so many times that
END_S, END_SHARE = 10.0, 0.05  # kept for the last measurement and checkpoint until one was timed: seconds, of the time


def train(
    config_name: str,
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    init: Sequence[Path] = (),
    weights: Mapping[str, float] | None = None,
    steps: int | None = None,
    patience: int | None = None,
    device: str = "auto",
    run_dir: Path | None = None,
    max_minutes: float | None = None,
    minutes: float | None = None,
    workers: int | None = None,
    report: Callable[[News], None] = lambda news: None,
    note: Callable[[str], None] = lambda text: None,
) -> tuple[int, int]:
    """Trains `config_name` on a prepared folder and writes the NF4 checkpoint `out`. Returns updates done and planned.

    run_dir (default: `OUT.run` beside it) gets the full state every five minutes, for `resume`, and the curve of the
    losses. max_minutes stops early; the run can then go on. A run that was killed goes on from its last state as if
    nothing had happened. init: what to start from (engine/training/initial). weights: part of a collection's name ->
    factor of its share of the windows, before the config's. steps: updates, instead of the config's epochs; where a
    resumed run had another number, the learning rate follows the new length from there on. minutes: of the whole run,
    resumed or not, instead: warm-up, constant rate, fall and last checkpoint find place in it (engine/training/plan).
    patience: stop after so many of the run's 40 held-out measurements without a new lowest; `out` is then the best
    checkpoint, not the last.
    workers: processes that make batches beside the training, for the same run whatever their number; None: none on a
    CPU, which has other things to do, else one a core. note: gets lines about what the run starts from. Of several
    processes the first one writes and reports.

    SidemanError (DataError, ConfigError, CheckpointError) on bad input or when the loss is no number any more.
    """
    started_s = time.monotonic()
    config = load_config(config_name)
    if not 0 <= seed < 2**63:
        raise ConfigError(f"--seed {seed}: must be 0 or more, below 2^63")
    for key in ("latent_dim", "ff_dim"):
        if getattr(config.model, key) % BLOCK:
            raise ConfigError(f"model.{key} {getattr(config.model, key)}: must be a multiple of {BLOCK} to fit NF4")
    asked = config.training.mixed_precision
    accelerator = make_accelerator(device, asked)
    if accelerator.mixed_precision != asked:
        note(f"training.mixed_precision {asked}: this processor has no units for it, so the run computes in float32")
    train_shard, valid_shard = load_shard(data / "train.safetensors"), load_shard(data / "valid.safetensors")
    if not valid_shard.pieces:
        raise DataError(f"{data}: the held-out side is empty: prepare with a larger share for it, or more files")
    sources = read_sources(data)
    mix, manners, absent = match_sources(config.training.sources, train_shard.collections)
    mix |= match_weights(weights or {}, train_shard.collections)
    if absent:
        note(f"{data} holds nothing of {', '.join(absent)}, for which the config has shares")
    out = Path(os.path.abspath(out))
    check_folder(out, CHECKPOINT_FILES)
    run_dir = run_dir or out.with_name(out.name + ".run")
    if minutes is not None and (steps, patience, max_minutes) != (None, None, None):
        raise SidemanError("--minutes says how long a run is: leave --steps, --patience and --max-minutes out")
    _check_start(out, run_dir, resume, init, steps, patience)
    if resume and minutes is None and (run_dir / PLAN_FILE).exists():
        raise SidemanError(f"{run_dir}: this run was planned by the clock: give its --minutes, or more")

    tokens = sum(len(p.tokens) for p in train_shard.pieces)
    data_sha256 = content_hash(data / "train.safetensors")
    trainer = Trainer(config, steps or 1, seed, accelerator, mix, tokens, data_sha256=data_sha256)
    if steps is None and minutes is None:
        trainer.steps = max(1, math.ceil(config.training.epochs * tokens / trainer.tokens_per_update))
    if resume:
        if trainer.load(run_dir / STATE_FILE).data_sha256 is None:
            note(f"{run_dir} is of an earlier Sideman and cannot say whether {data} is what it was")
        if minutes is None and trainer.done > trainer.steps:
            made = f"{run_dir}: has made {trainer.done} updates, more than the {trainer.steps} asked for"
            raise CheckpointError(f"{made}: give --steps {trainer.done} or more")
    elif init:
        note(f"weights from {initialise(trainer.model, *init)}")
    diet = Diet(
        data / "train.safetensors", config.model.max_seq_len, config.training.batch_size, seed, mix, manners,
        config.training.practice, config.model.controls, config.training.practice_edition, config.training.gaps,
    )  # fmt: skip
    windows: Batches = TrainingWindows(train_shard, diet)
    if workers is None:
        workers = default_workers(accelerator.device)
    if workers:
        windows = Feed(diet, trainer.batch_number(0), trainer.accelerator.num_processes, workers, accelerator.device)

    plan = None
    if minutes is not None:
        trainer.steps, trainer.fall = UNKNOWN, trainer.fall or TIMED_FALL
        if accelerator.is_main_process:
            plan = TimePlan(run_dir / PLAN_FILE, 60 * minutes, trainer.done, time.monotonic() - started_s)
            if trainer.done >= plan.steps(trainer.done):
                note(f"{run_dir}: its plan has ended, after {trainer.done:,} updates: go on in a new run, --init {out}")
    recorder = None
    if accelerator.is_main_process:

        def card(curve: LossCurve) -> str:
            rows = [row._asdict() for row in curve.card_rows()]
            return model_card(config, sources, rows, tokens, train_shard.augment)

        save_every_s = SAVE_EVERY_S if minutes is None else min(SAVE_EVERY_S, 60 * minutes / TIMED_SAVES)
        recorder = Recorder(trainer, valid_shard, card, out, run_dir, patience, save_every_s, report)
    try:
        if minutes is not None:
            _run_planned(trainer, windows, recorder, plan)
        else:
            _run(trainer, windows, recorder, max_minutes)
    finally:
        if recorder is not None:
            recorder.curve.close()
    accelerator.end_training()
    return trainer.done, trainer.steps


def _check_start(
    out: Path, run_dir: Path, resume: bool, init: Sequence[Path], steps: int | None, patience: int | None
) -> None:
    """Makes the run's folder. SidemanError: a run or checkpoint is there that should not be, or the other way round."""
    state = run_dir / STATE_FILE
    if state.exists() and not resume:
        raise CheckpointError(f"{run_dir}: holds an earlier run: add --resume to go on, or give another -o")
    if resume and not state.exists():
        raise CheckpointError(f"{run_dir}: holds no run to resume: leave --resume out")
    if not resume:
        check_new(out)
    if resume and init:
        raise CheckpointError(f"{init[0]}: a resumed run has its weights already: leave --init out")
    check_range("--steps", steps, 1)
    check_range("--patience", patience, 1)
    make_folder(run_dir, "choose another place")


def _run(trainer: Trainer, windows: Batches, recorder: Recorder | None, max_minutes: float | None) -> None:
    """Makes updates until the steps are done, the time is over or the loss stalls. ConfigError: the loss is nan."""
    started_s = time.monotonic()
    stop = _first_says(trainer.accelerator, int(recorder is not None and recorder.stalled))
    while trainer.done < trainer.steps and not stop:
        learning_rate = trainer.learning_rate()
        loss = trainer.step(windows)
        out_of_time = max_minutes is not None and time.monotonic() - started_s > 60 * max_minutes
        if recorder is not None:
            recorder.record(loss, learning_rate, last=out_of_time or trainer.done == trainer.steps)
        stop = _first_says(trainer.accelerator, int(recorder is not None and (out_of_time or recorder.stalled)))


def _run_planned(trainer: Trainer, windows: Batches, recorder: Recorder | None, plan: TimePlan | None) -> None:
    """Updates until the plan is fulfilled or its time is over. recorder, plan: the first process's."""
    asked = trainer.config.training.warmup_steps
    over = False
    while not over:
        steps = 0 if plan is None else plan.steps(trainer.done)
        trainer.steps = _first_says(trainer.accelerator, steps)
        trainer.warmup = warm_up(trainer.steps, asked)
        learning_rate = trainer.learning_rate()
        if trainer.done >= trainer.steps:
            return
        loss = trainer.step(windows)
        if plan is not None and recorder is not None:
            reserve_s = recorder.end_s * 1.2 if recorder.end_s is not None else min(END_S, END_SHARE * plan.budget_s)
            if plan.due(trainer.done):
                loss.item()  # the device has finished
                plan.review(trainer.done, reserve_s)
            over = plan.is_over(trainer.done, reserve_s)
            trainer.steps = plan.steps(trainer.done)
            recorder.record(loss, learning_rate, last=over)
        over = bool(_first_says(trainer.accelerator, int(over)))


def _first_says(accelerator: Accelerator, answer: int) -> int:
    """Returns the first process's answer in all processes, since their clocks differ."""
    if accelerator.num_processes == 1:
        return answer
    said = broadcast(torch.tensor([answer], device=accelerator.device), from_process=0)
    return int(said.item())
