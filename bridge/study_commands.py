"""`sideman evaluate`: how well a model foresees music that it was not trained on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import ModuleType

from engine.errors import SidemanError

__all__ = ["add_evaluate_arguments", "run_evaluate"]


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
