"""`sideman prepare | train | evaluate`: from MIDI files to a base. engine/data and engine/training do the work."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from engine.errors import SidemanError

__all__ = [
    "add_evaluate_arguments", "add_prepare_arguments", "add_train_arguments",
    "run_evaluate", "run_prepare", "run_train",
]  # fmt: skip


def add_prepare_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman prepare`."""
    parser.add_argument("in_dir", metavar="IN_DIR", type=Path, help="folder of MIDI files, searched through")
    parser.add_argument("-o", "--output", metavar="DATA", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--augment",
        metavar="N",
        type=int,
        default=12,
        help="keys in which training hears every piece; 1: as played [12]",
    )
    parser.add_argument(
        "--split",
        metavar="SHARE",
        type=float,
        nargs=3,
        default=(0.8, 0.1, 0.1),
        help="train, held-out, test [0.8 0.1 0.1]",
    )
    parser.add_argument("--workers", metavar="N", type=int, help="processes [default: one a core]")


def run_prepare(args: argparse.Namespace) -> int:
    """Reads, labels, tokenises; prints what was refused and what came out."""
    from engine.data.prepare import prepare

    if args.workers is not None and args.workers < 1:
        raise SidemanError(f"--workers {args.workers}: must be 1 or more")
    report = prepare(args.in_dir, args.output, tuple(args.split), args.augment, args.workers, _counter("files"))
    for name, reason in report.refused:
        print(f"refused {name}: {reason}", file=sys.stderr)
    for name, pieces in report.pieces.items():
        print(f"{name:5}  {pieces:6} pieces  {report.tokens[name]:11,} tokens")
    print(f"training: {report.pieces['train']} pieces x {report.augment} keys = {report.training_samples} samples")
    print(f"{args.output}: {sum(report.pieces.values())} pieces, {len(report.refused)} refused")
    return 0


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman train`."""
    parser.add_argument("--config", metavar="NAME", default="tiny", help="a shipped config or a YAML file [tiny]")
    parser.add_argument("--data", metavar="DATA", type=Path, required=True, help="folder that `sideman prepare` wrote")
    parser.add_argument("-o", "--output", metavar="CKPT", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run of the same output")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument("--max-minutes", metavar="M", type=float, help="stop then; --resume goes on")
    parser.add_argument("--threads", metavar="N", type=int, help="threads for torch [default: one a core]")


def run_train(args: argparse.Namespace) -> int:
    """Trains; one line of progress every twenty updates."""
    for option, lowest in (("threads", 1), ("seed", 0), ("max_minutes", 0)):
        value = getattr(args, option)
        if value is not None and not value >= lowest:
            raise SidemanError(f"--{option.replace('_', '-')} {value}: must be {lowest} or more")
    torch = _torch()
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    from engine.training.train import train

    done, steps = train(
        args.config, args.data, args.output, seed=args.seed, resume=args.resume, max_minutes=args.max_minutes,
        report=lambda progress: print(progress, flush=True),
    )  # fmt: skip
    more = "" if done == steps else "; --resume goes on"
    print(f"{args.output}: checkpoint after {done} of {steps} updates{more}")
    return 0


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman evaluate`."""
    parser.add_argument("checkpoint", metavar="CKPT", nargs="?", type=Path, help="[default: the shipped base]")
    parser.add_argument("--data", metavar="DATA", type=Path, required=True, help="folder that `sideman prepare` wrote")
    parser.add_argument("--split", choices=("valid", "test"), default="test")
    parser.add_argument("--max-windows", metavar="N", type=int, help="an evenly spread sample [default: everything]")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")


def run_evaluate(args: argparse.Namespace) -> int:
    """Likelihood by collection, beside a 5-gram counted on the same training tokens."""
    if args.max_windows is not None and args.max_windows < 1:
        raise SidemanError(f"--max-windows {args.max_windows}: must be 1 or more")
    _torch()
    from engine.checkpoint import load_checkpoint
    from engine.data.shards import load_shard
    from engine.training.evaluate import evaluate, load_model, ngram_scores

    shard, train_shard = (load_shard(args.data / f"{name}.safetensors") for name in (args.split, "train"))
    if not shard.pieces:
        raise SidemanError(f"{args.data}: the {args.split} side is empty: prepare with a larger share for it")
    model = load_model(load_checkpoint(args.checkpoint))
    scores = evaluate(model, shard, max_windows=args.max_windows)
    baseline = ngram_scores(train_shard, shard, model.config.max_seq_len, max_windows=args.max_windows)
    rows = {
        name: {
            "tokens": score.tokens,
            "nats_per_token": round(score.nats_per_token, 4),
            "nats_per_note": round(score.nats_per_note, 3),
            "bits_per_second": round(score.bits_per_second, 2),
            "5gram_nats_per_token": round(baseline[name].nats_per_token, 4),
        }
        for name, score in sorted(scores.items())
    }
    if args.json:
        print(json.dumps(rows))
        return 0
    print(f"{'collection':<28} {'tokens':>9} {'nats/token':>10} {'5-gram':>7} {'nats/note':>9} {'bits/s':>7}")
    for name, row in rows.items():
        print(
            f"{name[:28]:<28} {row['tokens']:>9,} {row['nats_per_token']:>10.3f} {row['5gram_nats_per_token']:>7.3f} "
            f"{row['nats_per_note']:>9.2f} {row['bits_per_second']:>7.1f}"
        )
    return 0


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError:
        raise SidemanError("training needs torch, which is not installed: pip install 'sideman[train]'") from None
    return torch


def _counter(what: str) -> Callable[[int, int], None]:
    """A counter on one line of a terminal; every tenth part as a plain line elsewhere."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{total} {what}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done == total or done % max(1, total // 10) == 0:
            print(f"{done}/{total} {what}", file=sys.stderr, flush=True)

    return show
