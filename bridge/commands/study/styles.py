"""`sideman finetune | styles | export`: make styles, keep them, and merge one into its base."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.commands.study.progress import NewsLine
from engine.errors import SidemanError, check_installed, check_range

__all__ = [
    "add_export_arguments", "add_finetune_arguments", "add_styles_arguments", "gain_too_small",
    "run_export", "run_finetune", "run_styles",
]  # fmt: skip

LEAST_GAIN = 0.001  # of the held-out loss: less is no style of its own
FORMS: dict[int, Any] = {4: "nf4", 16: "16-bit", 32: "32-bit"}  # engine.training.finetune.layers.Form


def add_finetune_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman finetune`."""
    parser.add_argument("--base", metavar="CKPT", type=Path, help="the base to learn on [default: the shipped one]")
    parser.add_argument("--data", metavar="DATA", type=Path, required=True, help="folder that `sideman prepare` wrote")
    parser.add_argument("--style", metavar="NAME", required=True, help="its name: a to z, 0 to 9, - and _")
    parser.add_argument("-o", "--output", metavar="STYLE", type=Path, required=True, help="style folder to write")
    parser.add_argument("--lora-rank", metavar="N", type=int, help="rank of the adapter [of the base's config: 8]")
    bits = "that hold a weight of the frozen base: 4 is QLoRA [4 on a GPU; 32, the same numbers unpacked, on a CPU]"
    parser.add_argument("--bits", type=int, choices=(4, 16, 32), help=bits)
    parser.add_argument("--full", action="store_true", help="train every weight; writes a checkpoint, not a style")
    parser.add_argument("--keep", metavar="DATA", type=Path, help="other data, on which the loss is measured, too")
    parser.add_argument("--keep-share", metavar="S", type=float, help="of the updates, on --keep [0.15]")
    parser.add_argument("--no-returns", action="store_true", help="do not learn the way back from its own playing")
    parser.add_argument("--updates", metavar="N", type=int, help="at most; it stops earlier when nothing is gained")
    parser.add_argument("--update-tokens", metavar="N", type=int, help="of music that an update learns from [1024]")
    parser.add_argument("--learning-rate", metavar="R", type=float, help="at its peak")
    parser.add_argument("--gradient-checkpointing", action="store_true", help="less memory, a third more time")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="[default auto]")
    parser.add_argument("--max-minutes", metavar="M", type=float, default=12.0, help="be done by then [12]")
    parser.add_argument("--threads", metavar="N", type=int, help="threads for torch [default: one a core]")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON line at the end instead of text")


def run_finetune(args: argparse.Namespace) -> int:
    """Fine-tunes; a line at every measurement."""
    started = time.monotonic()  # what is loaded before the first update counts, too
    from engine.model.config import MAX_RANK

    check_range("--threads", args.threads, 1)
    check_range("--lora-rank", args.lora_rank, 1, MAX_RANK)
    if args.full and (args.bits is not None or args.lora_rank is not None):
        raise SidemanError("--full trains every weight: leave --bits and --lora-rank out")
    if args.keep_share and args.keep is None:
        raise SidemanError("--keep-share needs the data to keep: add --keep DATA")
    check_installed("torch", "train", "fine-tuning")
    import torch

    from engine.model.checkpoint import load_checkpoint
    from engine.training.finetune.finetune import Recipe, finetune

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    qlora = load_checkpoint(args.base).config.qlora
    if args.lora_rank is not None:
        qlora = replace(qlora, rank=args.lora_rank, alpha=max(1, qlora.alpha * args.lora_rank // qlora.rank))
    bits = args.bits or (qlora.quantization_bits if device == "cuda" else 32)
    options = ("updates", "update_tokens", "learning_rate")
    given = {key: getattr(args, key) for key in options if getattr(args, key) is not None}
    recipe = Recipe(
        qlora=qlora,
        form="full" if args.full else FORMS[bits],
        keep_share=args.keep_share,
        returns=not args.no_returns,
        gradient_checkpointing=args.gradient_checkpointing,
        device=device,
        max_minutes=args.max_minutes,
        seed=args.seed,
        **given,
    )

    report = (lambda news: None) if args.json else NewsLine(sys.stdout).show
    done = finetune(args.base, args.data, args.style, args.output, recipe, args.keep, report, started)
    if done.shortened:
        print(
            f"sideman: {done.output}: {args.max_minutes:g} minutes were short here: {', '.join(done.shortened)}; "
            "give more --max-minutes, or a machine that does less beside it",
            file=sys.stderr,
        )
    if said := gain_too_small(done.gain, done.updates, done.seconds):
        print(f"sideman: {done.output}: {said}", file=sys.stderr)
    if args.json:
        print(json.dumps({"output": str(done.output), "seconds": round(done.seconds, 1), **done.facts}))
        return 0
    before, after = done.held_out
    print(
        f"{done.output}: {_size(done.output)}, best after {done.updates} updates, {done.seconds / 60:.1f} min; "
        f"unheard pieces {before:.3f} -> {after:.3f} nats a token ({100 * (after / before - 1):+.1f} %)"
    )
    worth = done.facts["metrics"].get("chords_are_worth")
    if worth is not None:
        rows = [f"{row['base_nats']:.3f} -> {row['style_nats']:.3f}" for row in worth.values()]
        print(f"right chords are worth {rows[0]} nats a token in unheard pieces, {rows[1]} in practice pieces")
    if done.others is not None:
        before, after = done.others
        print(f"{args.keep}: {before:.3f} -> {after:.3f} nats a token ({100 * (after / before - 1):+.1f} %)")
    return 0


def gain_too_small(gain: float, updates: int, seconds: float) -> str:
    """Returns the word that a style plays as its base does; empty for one that has gained something.

    gain: the share by which its loss on pieces that it never heard lies below the base's.
    """
    if gain >= LEAST_GAIN:
        return ""
    return (
        f"plays as its base does: its best of {seconds / 60:.1f} min, after {updates} updates, foresees unheard pieces "
        "no better; give more --max-minutes, a machine that does less beside it, or more music"
    )


def add_styles_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman styles`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every style that can be played")
    info = actions.add_parser("info", help="what a style was made of, on which base, and what it gained")
    info.add_argument("style", metavar="STYLE", help="a name or a style folder")
    add = actions.add_parser("add", help="copy a style folder to your own styles")
    add.add_argument("folder", metavar="STYLE", type=Path)
    add.add_argument("--name", help="under another name")
    add.add_argument("--checkpoint", metavar="CKPT", help="the base it is for [default: the shipped ones]")
    remove = actions.add_parser("remove", help="delete one of your own styles")
    remove.add_argument("name", metavar="NAME")
    for action in (listing, info, add, remove):
        action.add_argument("--json", action="store_true", help="one JSON line instead of text")


def run_styles(args: argparse.Namespace) -> int:
    """Lists, tells, adds, removes."""
    from engine.model.checkpoint import SHIPPED, load_checkpoint
    from engine.styles.library import add_style, list_styles, remove_style, user_styles

    if args.action == "list":
        base = load_checkpoint().sha256
        rows = [
            {
                "name": item.name,
                "folder": str(item.folder),
                "shipped": item.shipped,
                "for_the_shipped_base": item.base_sha256 == base,
                "error": item.error,
            }
            for item in list_styles()
        ]
        if args.json:
            print(json.dumps(rows))
        elif not rows:
            print(f"no styles: sideman styles add FOLDER copies one to {user_styles()}")
        else:
            for row in rows:
                remark = row["error"] or ("" if row["for_the_shipped_base"] else "needs another base: --checkpoint")
                print(f"{row['name']:<20} {'shipped' if row['shipped'] else 'yours':<8} {remark}".rstrip())
        return 0
    if args.action == "info":
        return _info(args)
    if args.action == "add":
        bases = [load_checkpoint(name) for name in ([args.checkpoint] if args.checkpoint is not None else SHIPPED)]
        folder = add_style(args.folder, args.name, bases)
    else:
        folder = remove_style(args.name)
    if args.json:
        print(json.dumps({"name": folder.name, "folder": str(folder)}))
    else:
        print(f"{'added' if args.action == 'add' else 'removed'} {folder.name}: {folder}")
    return 0


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman export`."""
    parser.add_argument(
        "--merge", metavar="STYLE", required=True, help="a style's name or folder, to merge into its base"
    )
    parser.add_argument("--base", metavar="CKPT", type=Path, help="the base it was made on [default: the shipped one]")
    parser.add_argument("-o", "--output", metavar="CKPT", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--bits", type=int, choices=(4, 32), default=4, help="32 keeps the sum as it is [4]")


def run_export(args: argparse.Namespace) -> int:
    """Writes base and style as one checkpoint."""
    from engine.model.checkpoint import load_checkpoint
    from engine.styles.merge import export_merged

    style = _style(args.merge)
    sha256 = export_merged(load_checkpoint(args.base), style, args.output, args.bits)
    print(f"{args.output}: {style.name} merged into its base, {_size(args.output)}, sha256 {sha256[:12]}...")
    return 0


def _info(args: argparse.Namespace) -> int:
    from engine.model.checkpoint import load_checkpoint

    style = _style(args.style)
    parameters = sum(a.size + b.size for a, b in style.tensors.values())
    fits = style.base_sha256 == load_checkpoint().sha256
    facts: dict[str, Any] = {
        "name": style.name,
        "base_sha256": style.base_sha256,
        "for_the_shipped_base": fits,
        "rank": style.rank,
        "alpha": style.alpha,
        "targets": list(style.targets),
        "parameters": parameters,
        **{key: value for key, value in style.facts.items() if key in ("controls", "sources", "metrics", "training")},
    }
    if args.json:
        print(json.dumps(facts, default=str))
        return 0
    print(f"{style.name}: rank {style.rank}, {parameters:,} parameters on {', '.join(style.targets)}")
    print(f"base: sha256 {style.base_sha256} ({'the shipped one' if fits else 'not the shipped one'})")
    for key in ("controls", "sources", "metrics", "training"):
        for line in _lines(style.facts.get(key)):
            print(f"{key}: {line}")
    return 0


def _lines(value: object) -> list[str]:
    """A stranger's facts, one printable line each."""
    rows = value if isinstance(value, list) else [value] if value is not None else []
    return [json.dumps(row, default=str)[:1000] for row in rows]


def _style(text: str) -> Any:
    """A style by its folder, where the text is a path, or by name."""
    from engine.styles.library import find_style
    from engine.styles.style_folder import load_style

    is_path = any(mark in text for mark in (os.sep, os.altsep, ".") if mark) or Path(text).is_dir()
    return load_style(text) if is_path else find_style(text)


def _size(folder: Path) -> str:
    """Of all files in a folder, as people say it."""
    size = sum(path.stat().st_size for path in folder.iterdir())
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
