"""Fine-tunes a base to a handful of pieces: an adapter by default, the whole network where asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import yaml

from engine.atomic import check_folder
from engine.data.shards.shards import SPLITS, Shard, load_shard
from engine.errors import DataError, SidemanError
from engine.model.checkpoint import Checkpoint, check_new, load_checkpoint, save_checkpoint
from engine.styles.style import check_name
from engine.styles.style_folder import STYLE_FILES, check_fits, save_style
from engine.training.card import read_sources
from engine.training.evaluate import Score
from engine.training.finetune.recipe import Recipe
from engine.training.finetune.run import OTHER_WINDOWS, Run
from engine.training.finetune.takes import keep_back
from engine.training.finetune.time_limit import Budget
from engine.training.schedule import News

__all__ = ["Finetuned", "News", "Recipe", "finetune"]

HELD_BACK = 6  # every sixth training piece is kept back where the data has no held-out side


@dataclass(frozen=True)
class Finetuned:
    """The result. Scores are nats a token; `others` is None where no other data was given."""

    output: Path
    updates: int  # after which the best adapter was measured
    seconds: float
    held_out: tuple[float, float]  # base, style
    others: tuple[float, float] | None  # base, style
    facts: dict[str, Any]
    shortened: tuple[str, ...] = ()  # what was left out for want of time, in words

    @property
    def gain(self) -> float:
        """The share by which the base's held-out loss has fallen."""
        return 1 - self.held_out[1] / self.held_out[0]


def finetune(
    base: Path | None,
    data: Path,
    name: str,
    out: Path,
    recipe: Recipe,
    keep: Path | None = None,
    report: Callable[[News], None] = lambda news: None,
    started: float | None = None,
) -> Finetuned:
    """Learns from data's training side until its held-out side stops gaining; writes the best state at `out`.

    base: a checkpoint, None for the shipped one. out: a style folder, or a checkpoint folder where recipe.form is
    "full". keep: other prepared data, of which a share is mixed in, and on which the loss is measured before and after.
    started: of time.monotonic(), from which recipe.max_minutes count; None: from now. SidemanError: whatever of this
    cannot be used.
    """
    budget = Budget(time.monotonic() if started is None else started, recipe.max_minutes)
    check_name(name)
    if recipe.form == "full":
        check_new(out)
    else:
        check_folder(out, STYLE_FILES)
    if recipe.device.startswith("cuda") and not torch.cuda.is_available():
        raise SidemanError(f"--device {recipe.device}: torch sees no such device here: use --device cpu")
    checkpoint = load_checkpoint(base)
    if recipe.form != "full":
        check_fits(checkpoint.model, recipe.qlora)
    train, unheard, judged, side = _sides(data)
    others = load_shard(keep / "valid.safetensors") if keep is not None else None
    keep_train = load_shard(keep / "train.safetensors") if keep is not None and recipe.kept_share > 0 else None

    run = Run(checkpoint, recipe, name, train, unheard, keep_train, budget)
    measured = {"held_out": run.judge(judged)}
    if others is not None and others.pieces:
        measured["others"] = run.judge(others, OTHER_WINDOWS)
    run.learn(report)
    run.emphasise()
    scores = {
        key: run.judge_again(windows, following)
        for following, (key, windows) in zip(reversed(range(len(measured))), measured.items(), strict=True)
    }
    facts = _facts(checkpoint, data, recipe, run, f"{len(judged.pieces)} pieces, {side}", scores)
    if recipe.form == "full":
        save_checkpoint(out, checkpoint.config, run.weights(), _card(name, facts))
    else:
        save_style(out, replace(run.style(), facts=facts))
    pairs = {key: (first.nats_per_token, last.nats_per_token) for key, (first, last) in scores.items()}
    return Finetuned(
        out, run.best_update, budget.used_s, pairs["held_out"], pairs.get("others"), facts, budget.shortened
    )


def _sides(data: Path) -> tuple[Shard, Shard, Shard, str]:
    """Prepared data as what to learn from, what says when to stop, what is measured at the end, and where that is from.

    The last is the test side, or the held-out side where that is empty. A handful of pieces, split by chance, may leave
    both empty: then every sixth training piece is kept back, for without unheard pieces nobody could say when to stop.
    DataError: too few pieces.
    """
    train, held_out, test = (load_shard(data / f"{side}.safetensors") for side in SPLITS)
    if held_out.pieces and test.pieces:
        return train, held_out, test, "the test side, which nothing was chosen by"
    if held_out.pieces or test.pieces:
        unheard = held_out if held_out.pieces else test
        return train, unheard, unheard, "the held-out side, which also said when to stop"
    if len(train.pieces) < 2:
        raise DataError(
            f"{data}: one piece is not enough, for some must stay unheard: prepare two or more, ten are good"
        )
    rest, kept_back = keep_back(data, train, HELD_BACK)
    return rest, kept_back, kept_back, "kept back from the training side; they also said when to stop"


def _facts(
    checkpoint: Checkpoint, data: Path, recipe: Recipe, run: Run, held_out: str, scores: dict[str, tuple[Score, Score]]
) -> dict[str, Any]:
    """Returns what style.yaml says beside the name."""
    sources = read_sources(data)
    metrics: dict[str, Any] = {"held_out_is": held_out}
    for key, (before, after) in scores.items():
        metrics[key] = {
            "tokens": before.tokens,
            "base_nats_per_token": round(before.nats_per_token, 4),
            "style_nats_per_token": round(after.nats_per_token, 4),
            "change_percent": round(100 * (after.nats / before.nats - 1), 2),
        }
    if run.worth is not None:
        metrics["chords_are_worth"] = {
            key: {"base_nats": round(run.worth[0].chords[key], 4), "style_nats": round(run.worth[1].chords[key], 4)}
            for key in run.worth[0].chords
        }
    return {
        "base": {"sha256": checkpoint.sha256, "name": checkpoint.path.name},
        "sources": [
            {"collection": collection, "licence": licence, "files": files, "hours": round(hours, 2)}
            for (collection, licence), (files, hours) in sorted(sources.items())
        ],
        **run.facts,
        "metrics": metrics,
        "training": {
            "form": recipe.form,
            "updates": run.best_update,
            "tokens_an_update": recipe.update_tokens,
            "optimiser": "paged 8-bit AdamW" if recipe.device.startswith("cuda") else "AdamW",
            "learning_rate": recipe.peak_rate,
            "keep_share": recipe.kept_share if run.others is not None else 0.0,
            "practice_share": recipe.practice_share,
            "told_manner": run.manner,
            "own_playing": run.windows.learns_returns,
            "emphasis": run.emphasis,
            "seed": recipe.seed,
            "minutes": round(run.budget.used_s / 60, 1),
        },
    }


def _card(name: str, facts: dict[str, Any]) -> str:
    """Returns the card of a base that was fine-tuned as a whole."""
    return f"# Sideman base, fine-tuned: {name}\n\n```yaml\n{yaml.safe_dump(facts, sort_keys=False)}```\n"
