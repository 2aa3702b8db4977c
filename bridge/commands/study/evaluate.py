"""`sideman evaluate`: how well a model foresees music it never heard, and how its own compares with it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.commands.study.progress import Progress
from engine.errors import SidemanError, check_installed, check_range

if TYPE_CHECKING:
    from engine.evaluation.judgement import Judgement

__all__ = ["add_arguments", "run"]

SPREAD = ("nats_per_token_low", "nats_per_token_high")  # over the works, 95 of 100 times
NOT_MEASURED = "Fréchet music distance: not measured, its feature network (CLaMP) has to come from the net"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman evaluate`."""
    parser.add_argument("checkpoint", metavar="CKPT", nargs="?", type=Path, help="[default: the shipped base]")
    parser.add_argument("--data", metavar="DATA", type=Path, help="folder that `sideman prepare` wrote")
    parser.add_argument(
        "--controls", metavar="N", type=int, default=0, help="ask for every level over N unseen charts, as 5 [0]"
    )
    parser.add_argument("--split", choices=("valid", "test"), help="side of the data [test]")
    parser.add_argument("--max-windows", metavar="N", type=int, help="an evenly spread sample [default: everything]")
    parser.add_argument(
        "--clips", metavar="N", type=int, default=0, help="play on from N excerpts and compare the music, as 60 [0]"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the clips [0]")
    parser.add_argument("--html", metavar="PAGE", type=Path, help="write tables and pictures as one page")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the tables")


def run(args: argparse.Namespace) -> int:
    """Likelihood by collection beside a 5-gram's and wrong chords'; with --clips the music itself."""
    for option, lowest in (("max_windows", 1), ("clips", 0), ("controls", 0), ("seed", 0)):
        check_range(f"--{option.replace('_', '-')}", getattr(args, option), lowest)
    if args.controls:
        for option in ("data", "split", "max_windows", "clips", "html"):
            if getattr(args, option):
                option = option.replace("_", "-")
                raise SidemanError(f"--controls asks over charts of its own: leave --{option} out, or --controls")
        return _controls(args)
    if args.data is None:
        raise SidemanError("nothing to measure on: give --data, a folder that `sideman prepare` wrote, or --controls 5")
    check_installed("torch", "train", "evaluating")
    from engine.atomic import check_file
    from engine.data.shards.shards import load_shard
    from engine.evaluation.judgement import PLAYED, cut_clips, judge
    from engine.evaluation.ngram import NgramModel
    from engine.evaluation.page import write_page
    from engine.model.checkpoint import load_checkpoint
    from engine.training.evaluate import evaluate, load_model, ngram_scores, with_wrong_chords

    split = args.split or "test"
    shard, train = (load_shard(args.data / f"{name}.safetensors") for name in (split, "train"))
    for name, side in ((split, shard), ("train", train)):  # n-grams are counted on the training side
        if not side.pieces:
            raise SidemanError(f"{args.data}: the {name} side is empty: prepare with a larger share for it")
    # What the end needs and lacks is said now, not after the minutes that the likelihood takes.
    if args.clips:
        cut_clips(shard, args.clips, args.seed)
    if args.html is not None:
        check_file(args.html)
    checkpoint = load_checkpoint(args.checkpoint)
    model, kept = load_model(checkpoint), _place_of_counts(args.data)
    with Progress(5, "lengths of n-grams") as progress:
        ngrams = NgramModel([piece.tokens for piece in train.pieces], 5, kept, progress.update)
    with Progress(None, "windows") as progress:
        works = _works(args.data, split, len(shard.pieces))
        scores = evaluate(model, shard, max_windows=args.max_windows, progress=progress.update, works=works)
    with Progress(None, "windows under wrong chords") as progress:
        wrong = evaluate(model, with_wrong_chords(shard), max_windows=args.max_windows, progress=progress.update)
    baseline = ngram_scores(ngrams, shard, model.config.max_seq_len, max_windows=args.max_windows)
    likelihood: dict[str, dict[str, float | None]] = {
        name: {
            "works": len(score.works),
            "tokens": score.tokens,
            "nats_per_token": round(score.nats_per_token, 4),
            **_spread(score.spread),
            "nats_per_note": round(score.nats_per_note, 3),
            "bits_per_second": round(score.bits_per_second, 2),
            "wrong_chords_nats_per_token": round(wrong[name].nats_per_token, 4),
            "5gram_nats_per_token": round(baseline[name].nats_per_token, 4),
        }
        for name, score in sorted(scores.items())
    }
    if not args.json:
        _print_likelihood(likelihood)
    music: Judgement | None = None
    if args.clips:
        with Progress(PLAYED * args.clips, "clips") as progress:
            music = judge(checkpoint, ngrams, train, shard, args.clips, args.seed, progress=progress.update)
    if args.json:
        result: dict[str, Any] = {"likelihood": likelihood}
        if music is not None:
            result.update(clips=music.clips, music=music.rows, frechet_music_distance=None)
        print(json.dumps(result))
    elif music is not None:
        _print_music(music)
        print(NOT_MEASURED)
    if args.html is not None:
        write_page(args.html, checkpoint, likelihood, music, command=f"sideman evaluate --data {args.data.name}")
        if not args.json:
            print(f"{args.html}: the page")
    return 0


def _works(data: Path, side: str, pieces: int) -> list[str] | None:
    """Returns the work of each piece; None, for one of its own each, where generated pieces are among them."""
    from engine.data.shards.manifest import works_of

    works = works_of(data, side)
    return works if len(works) == pieces else None


def _spread(spread: tuple[float, float] | None) -> dict[str, float | None]:
    values = (None, None) if spread is None else (round(spread[0], 4), round(spread[1], 4))
    return dict(zip(SPREAD, values, strict=True))


def _place_of_counts(data: Path) -> Path | None:
    """Returns the file that keeps the 5-gram's counts for the next run; None, with a word, where nothing is kept."""
    from engine.data.prepare import kept_beside

    try:
        return kept_beside(data, "5gram.safetensors")
    except SidemanError as error:
        print(f"the 5-gram's counts are not kept: {error}", file=sys.stderr)
        return None


def _print_likelihood(rows: dict[str, dict[str, float | None]]) -> None:
    print(
        f"{'collection':<28} {'works':>5} {'tokens':>9} {'nats/token':>10} {'over works':>13} {'wrong chords':>12} "
        f"{'5-gram':>7} {'nats/note':>9} {'bits/s':>7}"
    )
    for name, row in rows.items():
        low, high = (row[key] for key in SPREAD)
        print(
            f"{name[:28]:<28} {row['works']:>5} {row['tokens']:>9,} {row['nats_per_token']:>10.3f} "
            f"{'one work' if low is None else f'{low:.3f}..{high:.3f}':>13} "
            f"{row['wrong_chords_nats_per_token']:>12.3f} {row['5gram_nats_per_token']:>7.3f} "
            f"{row['nats_per_note']:>9.2f} {row['bits_per_second']:>7.1f}"
        )


def _print_music(music: Judgement) -> None:
    print(f"\n{music.clips} clips of 16 s{'':<10} {' '.join(f'{name:>12}' for name in music.rows)}")
    for measure in next(iter(music.rows.values())):
        cells = ("-" if row[measure] is None else f"{row[measure]:.3f}" for row in music.rows.values())
        print(f"{measure:<28} {' '.join(f'{cell:>12}' for cell in cells)}")


def _controls(args: argparse.Namespace) -> int:
    """Asks the model for every level and label over unseen charts, and says what came of it."""
    from engine.evaluation.controls.asked import ask, measured_table, named_table, questions
    from engine.evaluation.controls.naming import train_namer
    from engine.model.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(args.checkpoint)
    controls = checkpoint.model.controls
    if not controls:
        raise SidemanError(f"{checkpoint.path}: this base has no controls: take one that has, as the shipped one")
    namer, ceiling = train_namer()
    asked = list(questions(controls, args.controls))
    answers = []
    with Progress(len(asked), "solos") as progress:
        for number, question in enumerate(asked, start=1):
            answers.append(ask(checkpoint, question, namer))
            progress.update(number)
    measured, named = measured_table(controls, answers), named_table(answers)
    if args.json:
        print(json.dumps({"solos": len(answers), "measured": measured, "named": named, "namer": ceiling}))
        return 0
    print(f"{'asked alone':<12} {'r':>6} {'off by, levels':>15} {'with another, told apart':>25}")
    for name, row in measured.items():
        print(f"{name:<12} {row['r']:>6.3f} {row['off_by_levels']:>15.2f} {row['together']:>25.0%}")
    print(f"\n{'named right':<12} {'all':>6} {'practice pieces':>16}  of each label")
    for kind, shares in named.items():
        each = ", ".join(f"{label} {share:.0%}" for label, share in shares.items() if label != "all")
        print(f"{kind:<12} {shares['all']:>6.0%} {ceiling[kind]:>16.0%}  {each}")
    return 0
