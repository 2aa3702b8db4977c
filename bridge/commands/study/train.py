"""`sideman train`: from prepared data to a base. engine/training does the work."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bridge.commands.study.progress import NewsLine
from engine.errors import SidemanError, check_installed, check_range

if TYPE_CHECKING:
    from engine.training.schedule import News

__all__ = ["add_arguments", "parse_weights", "run"]

_NEEDED = ("torch", "accelerate", "tensorboard", "matplotlib")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman train`."""
    add = parser.add_argument
    add("--config", metavar="NAME", default="tiny", help="a shipped config or a YAML file [tiny]")
    add("--data", metavar="DATA", type=Path, required=True, help="folder that `sideman prepare` wrote")
    add("-o", "--output", metavar="CKPT", type=Path, required=True,
        help="checkpoint folder to write; CKPT.run beside it gets the run's state and loss curve")  # fmt: skip
    add("--resume", action="store_true", help="go on with an interrupted run of the same output")
    add(
        "--init", metavar="CKPT", type=Path, nargs="+", default=[],
        help="start from the weights of another run or checkpoint, or from the mean of several",
    )  # fmt: skip
    add("--weight", metavar="NAME=FACTOR", action="append", default=[],
        help="hear a collection more or less often; NAME: part of its name, may be repeated [1 for all]")  # fmt: skip
    add("--steps", metavar="N", type=int,
        help="updates, instead of the config's epochs; a resumed run may be given another number")  # fmt: skip
    add("--patience", metavar="N", type=int,
        help="stop after N measurements (40 a run) without a lower held-out loss, and keep the best")  # fmt: skip
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="[auto: a GPU where there is one]")
    add("--seed", metavar="N", type=int, default=0)
    add("--minutes", metavar="M", type=float,
        help="length of the whole run: warm-up, constant rate and fall are planned to end in time")  # fmt: skip
    add("--max-minutes", metavar="M", type=float, help="stop then; --resume goes on")
    add("--workers", metavar="N", type=int,
        help="processes that make batches beside the training [none on a CPU, one a core beside a GPU]")  # fmt: skip
    add("--threads", metavar="N", type=int, help="threads for torch [default: one a core]")


def run(args: argparse.Namespace) -> int:
    """Trains; one line of progress, or one every twenty updates where the output is no terminal."""
    lowest_of = {"threads": 1, "seed": 0, "max_minutes": 0, "minutes": 0, "steps": 1, "patience": 1, "workers": 0}
    for option, lowest in lowest_of.items():
        check_range(f"--{option.replace('_', '-')}", getattr(args, option), lowest)
    weights = parse_weights(args.weight)
    for package in _NEEDED:
        check_installed(package, "train", "training")
    import torch
    from accelerate import PartialState

    from engine.training.train import train

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    line = NewsLine(sys.stdout)
    done, steps = train(
        args.config, args.data, args.output, seed=args.seed, resume=args.resume, init=args.init, weights=weights,
        steps=args.steps, patience=args.patience, device=args.device, max_minutes=args.max_minutes,
        minutes=args.minutes, workers=args.workers, report=line.show, note=line.note,
    )  # fmt: skip
    line.end()
    if PartialState().is_main_process:  # the others' tale is the same
        print(f"{args.output}: checkpoint after {done} of {steps} updates{_what_next(done, steps, line.last)}")
    if PartialState().num_processes > 1:
        _leave()
    return 0


def _leave() -> NoReturn:
    """Ends one of several processes without Python's own end, which their group's threads outlive.

    Such a thread may still hold a tensor; to let it go it asks for the interpreter, and where that is at its end the
    thread is ended instead, and the process aborted.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def parse_weights(texts: Sequence[str]) -> dict[str, float]:
    """["pop=0.3"] -> {"pop": 0.3}. SidemanError: no `=`, no number, or a name twice."""
    weights: dict[str, float] = {}
    for text in texts:
        name, _, factor = text.rpartition("=")
        try:
            weight = float(factor)
        except ValueError:
            weight = -1.0
        if not name or not 0 <= weight < float("inf"):
            raise SidemanError(f"--weight {text}: give NAME=FACTOR with a factor from 0, as in pop=0.3")
        if name in weights:
            raise SidemanError(f"--weight {text}: {name} has a weight already: give one for each collection")
        weights[name] = weight
    return weights


def _what_next(done: int, steps: int, last: News | None) -> str:
    if last is not None and last.stopped:
        return "; stopped early, the held-out loss no longer falls: the checkpoint is the best one"
    return "" if done >= steps else "; --resume goes on"
