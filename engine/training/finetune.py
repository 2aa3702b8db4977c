"""Fine-tunes a base to a handful of pieces: QLoRA by default, 16-bit LoRA or the whole network where asked for."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

from engine.atomic import check_folder
from engine.checkpoint import CHECKPOINT_FILES, Checkpoint, Weights, load_checkpoint, save_checkpoint
from engine.config import QloraConfig
from engine.data.shards import SPLITS, PieceArrays, Shard, load_shard
from engine.data.windows import WindowSampler
from engine.errors import ConfigError, DataError, SidemanError
from engine.styles import STYLE_FILES, Style, check_name, save_style
from engine.training.card import read_sources
from engine.training.evaluate import Score, evaluate
from engine.training.finetune_layers import Form, add_lora, build, checkpoint_blocks, import_bitsandbytes, lora_tensors
from engine.training.finetune_windows import StyleWindows
from engine.training.own_playing import Return, play_returns
from engine.vocabulary import PAD

__all__ = ["Finetuned", "Recipe", "finetune"]

LORA_RATE, FULL_RATE = 2e-3, 3e-4
KEEP_SHARE = 0.15  # of the updates, on other music where some is given
HELD_BACK = 6  # every sixth training piece is kept back where the data has no held-out side
CHECKS = 8  # measurements of the held-out side in a run
SLOWER = 0.3  # of the rate, after a step back
CHECK_TOKENS = 24_576  # of the held-out side in each, evenly spread
OTHER_TOKENS = 49_152  # of the data to be kept
UPDATE_TOKENS = 2048  # that an update learns from, two windows at least
EMPHASES = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)  # by which a learnt adapter is multiplied
GAIN_TO_KEEP, SHARE_TO_KEEP = 0.055, 0.75  # of the base's loss, of the gain: emphasis leaves one of the two


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune; the defaults make a style of ten songs in minutes on two cores."""

    qlora: QloraConfig = field(default_factory=QloraConfig)
    form: Form = "nf4"
    updates: int = 240
    batch_size: int | None = None  # windows of max_seq_len tokens in an update; None: UPDATE_TOKENS
    learning_rate: float | None = None  # None: LORA_RATE or FULL_RATE
    warmup: int = 20
    patience: int = 4  # measurements without a gain before it stops; halfway there it goes back and on more slowly
    keep_share: float | None = None  # of the updates, on --keep's training side; None: KEEP_SHARE
    returns: bool = True  # learn the way back from the model's own playing (not for "full": it is no adapter)
    gradient_checkpointing: bool = False
    device: str = "cpu"
    max_minutes: float = 14.0  # the rate falls in time for them, where the updates would take longer
    seed: int = 0

    def __post_init__(self) -> None:
        for option, value in (("updates", self.updates), ("batch-size", self.batch_size)):
            if value is not None and value < 1:
                raise ConfigError(f"--{option} {value}: must be 1 or more")
        if not 0 < self.max_minutes < math.inf:
            raise ConfigError(f"--max-minutes {self.max_minutes:g}: must be above 0")
        if self.keep_share is not None and not 0 <= self.keep_share <= 0.9:
            raise ConfigError(f"--keep-share {self.keep_share:g} lies outside 0..0.9")
        if self.learning_rate is not None and not 0 < self.learning_rate < 1:
            raise ConfigError(f"--learning-rate {self.learning_rate:g} lies outside 0..1")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"--seed {self.seed}: must be 0 or more, below 2^63")

    @property
    def peak_rate(self) -> float:
        return self.learning_rate or (FULL_RATE if self.form == "full" else LORA_RATE)

    @property
    def kept_share(self) -> float:
        return KEEP_SHARE if self.keep_share is None else self.keep_share


@dataclass(frozen=True)
class News:
    """One line from a run."""

    update: int
    updates: int
    loss: float  # mean nats a token since the last line
    tokens_per_s: float
    left_s: float
    held_out: float  # nats a token, just measured
    base: float  # the base's on the same tokens

    def __str__(self) -> str:
        return (
            f"update {self.update}/{self.updates}  loss {self.loss:.3f}  held-out {self.held_out:.3f} "
            f"(base {self.base:.3f})  {self.tokens_per_s:,.0f} tokens/s  {self.left_s / 60:.1f} min left"
        )


@dataclass(frozen=True)
class Finetuned:
    """What came out. Scores are nats a token; `others` is empty where no other data was given."""

    output: Path
    updates: int  # after which the best adapter was measured
    seconds: float
    held_out: tuple[float, float]  # base, style
    others: tuple[float, float] | None  # base, style
    facts: dict[str, Any]

    @property
    def gain(self) -> float:
        """Share of the base's held-out loss that is gone."""
        return 1 - self.held_out[1] / self.held_out[0]


def finetune(
    base: Path | None,
    data: Path,
    name: str,
    out: Path,
    recipe: Recipe,
    keep: Path | None = None,
    report: Callable[[News], None] = lambda news: None,
) -> Finetuned:
    """Learns from data's training side until its held-out side stops gaining; writes the best state at `out`.

    base: a checkpoint, None for the shipped one. out: a style folder, or a checkpoint folder where recipe.form is
    "full". keep: other prepared data, of which a share is mixed in, and on which the loss is measured before and after.
    SidemanError: whatever of this cannot be used.
    """
    check_name(name)
    check_folder(out, CHECKPOINT_FILES if recipe.form == "full" else STYLE_FILES)
    if recipe.device.startswith("cuda") and not torch.cuda.is_available():
        raise SidemanError(f"--device {recipe.device}: torch sees no such device here: use --device cpu")
    checkpoint = load_checkpoint(base)
    train, held_out, judged, side = _sides(data)
    others = load_shard(keep / "valid.safetensors") if keep is not None else None
    keep_train = load_shard(keep / "train.safetensors") if keep is not None and recipe.kept_share > 0 else None

    run = _Run(checkpoint, recipe, name, train, keep_train)
    before = {"held_out": run.measure(judged)}
    if others is not None and others.pieces:
        before["others"] = run.measure(others, OTHER_TOKENS)
    run.learn(held_out, report)
    run.emphasise(held_out)
    scores = {"held_out": (before["held_out"], run.measure(judged))}
    if others is not None and others.pieces:
        scores["others"] = (before["others"], run.measure(others, OTHER_TOKENS))
    facts = _facts(checkpoint, data, recipe, run, f"{len(judged.pieces)} pieces, {side}", scores)
    if recipe.form == "full":
        save_checkpoint(out, checkpoint.config, run.weights(), _card(name, facts))
    else:
        save_style(out, replace(run.style(), facts=facts))
    pairs = {key: (first.nats_per_token, last.nats_per_token) for key, (first, last) in scores.items()}
    return Finetuned(out, run.best_update, run.seconds, pairs["held_out"], pairs.get("others"), facts)


class _Run:
    """Model, optimiser, schedule and the best state so far."""

    def __init__(self, checkpoint: Checkpoint, recipe: Recipe, name: str, train: Shard, keep: Shard | None) -> None:
        torch.manual_seed(recipe.seed)
        self.checkpoint, self.name = checkpoint, name
        self.recipe, self.length = recipe, checkpoint.model.max_seq_len
        self.batch_size = recipe.batch_size or max(2, UPDATE_TOKENS // self.length)
        self.inner = build(checkpoint, recipe.form, recipe.device, recipe.qlora.double_quantization)
        if recipe.gradient_checkpointing:
            checkpoint_blocks(self.inner)
        self.model: nn.Module = self.inner if recipe.form == "full" else add_lora(self.inner, recipe.qlora)
        self.learning = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimiser = _optimiser(self.learning, recipe)
        own = recipe.returns and recipe.form != "full"
        self.windows = StyleWindows(train, self.length, self.batch_size, recipe.seed, self._returns if own else None)
        self.others = None if keep is None else WindowSampler.of(keep, self.length, self.batch_size, recipe.seed + 1)
        self.emphasis = 1.0
        self.best_update, self.seconds, self.tokens_per_s, self.pace = 0, 0.0, 0.0, 1.0

    def learn(self, held_out: Shard, report: Callable[[News], None]) -> None:
        """Updates until the plan, the patience or the time is at its end; leaves the best state in place."""
        recipe, started = self.recipe, time.monotonic()
        base = best = self.measure(held_out, CHECK_TOKENS).nats_per_token
        best_state, stale, recent, busy_s = self._state(), 0, [], 0.0
        every = max(1, recipe.updates // CHECKS)
        for update in range(1, recipe.updates + 1):
            began = time.monotonic()
            recent.append(self._update(update - 1, (began - started) / (60 * recipe.max_minutes)))
            busy_s += time.monotonic() - began
            if not math.isfinite(recent[-1]):
                raise ConfigError(f"the loss is {recent[-1]} after {update} updates: give a lower --learning-rate")
            out_of_time = time.monotonic() - started > 60 * recipe.max_minutes
            if update % every and update < recipe.updates and not out_of_time:
                continue
            score = self.measure(held_out, CHECK_TOKENS).nats_per_token
            self.tokens_per_s = update * self.batch_size * self.length / busy_s
            left_s = min(
                (time.monotonic() - started) / update * (recipe.updates - update),
                60 * recipe.max_minutes - (time.monotonic() - started),
            )
            report(News(update, recipe.updates, float(np.mean(recent)), self.tokens_per_s, left_s, score, base))
            recent = []
            if score < best:
                best, best_state, self.best_update, stale = score, self._state(), update, 0
            else:
                stale += 1
                if stale == recipe.patience // 2:
                    self._restore(best_state)
                    self.pace *= SLOWER
            if out_of_time or stale >= recipe.patience:
                break
        self._restore(best_state)
        self.seconds = time.monotonic() - started

    def emphasise(self, held_out: Shard) -> None:
        """Multiplies the adapter by as much as leaves it a gain on unheard pieces (GAIN_TO_KEEP or SHARE_TO_KEEP).

        A style is learnt as what makes its pieces likely, yet drawn note by note it blurs into the base; overstated a
        little it is heard for what it is. An adapter without a gain stays as it is.
        """
        if self.recipe.form == "full":
            return
        matrices = [p for name, p in self.model.named_parameters() if ".lora_B." in name]
        learnt = [matrix.detach().clone() for matrix in matrices]

        def loss(emphasis: float) -> float:
            with torch.no_grad():
                for matrix, value in zip(matrices, learnt, strict=True):
                    matrix.copy_(emphasis * value)
            return self.measure(held_out, CHECK_TOKENS).nats_per_token

        base, plain = loss(0.0), loss(1.0)
        to_keep = min(GAIN_TO_KEEP * base, SHARE_TO_KEEP * (base - plain))
        for emphasis in EMPHASES[1:]:
            if plain >= base or base - loss(emphasis) < to_keep:
                break
            self.emphasis = emphasis
        loss(self.emphasis)

    def style(self) -> Style:
        """The adapter as it is now."""
        qlora = self.recipe.qlora
        tensors = lora_tensors(self.model)
        return Style(self.name, self.checkpoint.sha256, qlora.rank, qlora.alpha, qlora.target_modules, tensors)

    def measure(self, shard: Shard, tokens: int | None = None) -> Score:
        """The loss as things stand, on an evenly spread sample of about so many tokens where they are given."""
        self.inner.eval()
        windows = None if tokens is None else max(8, tokens // self.length)
        with _autocast(self.recipe.device):
            return evaluate(self.inner, shard, max_windows=windows)["all"]

    def weights(self) -> Weights:
        return {name: value.detach().float().cpu().numpy().copy() for name, value in self.inner.state_dict().items()}

    def _update(self, number: int, time_used: float = 0.0) -> float:
        """One update, 0 the first; its loss in nats a token. time_used: share of the time that it may take."""
        recipe = self.recipe
        rate = self.pace * recipe.peak_rate * _shape(number, recipe.warmup, recipe.updates, time_used)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        self.inner.train()
        # Whole batches of either kind, so that a share needs no second sampler of windows.
        rng = np.random.default_rng((recipe.seed, number, 2))
        kept = rng.random() < recipe.kept_share
        source = self.others if kept and self.others is not None else self.windows
        inputs, targets = source.batch(number)
        with _autocast(recipe.device):
            logits = self.inner(inputs.to(recipe.device))
        loss = F.cross_entropy(logits.float().transpose(1, 2), targets.to(recipe.device), ignore_index=PAD)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learning, 1.0)
        self.optimiser.step()
        return loss.item()

    def _returns(self, pieces: Sequence[PieceArrays], count: int, rng: np.random.Generator) -> list[Return]:
        return play_returns(self.checkpoint, self.style(), pieces, count, rng)

    def _state(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.learning]

    def _restore(self, state: list[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.learning, state, strict=True):
                parameter.copy_(value)


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
    kept_back = replace(train, pieces=[piece for i, piece in enumerate(train.pieces) if i % HELD_BACK == 1])
    rest = replace(train, pieces=[piece for i, piece in enumerate(train.pieces) if i % HELD_BACK != 1])
    return rest, kept_back, kept_back, "kept back from the training side; they also said when to stop"


def _optimiser(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """QLoRA's paged 8-bit AdamW on a GPU; plain AdamW on a CPU, which has nothing to page out of."""
    if recipe.device.startswith("cuda"):
        paged: torch.optim.Optimizer = import_bitsandbytes().optim.PagedAdamW8bit(
            parameters, lr=recipe.peak_rate, weight_decay=0.0
        )
        return paged
    return torch.optim.AdamW(parameters, lr=recipe.peak_rate, weight_decay=0.0)


def _shape(update: int, warmup: int, updates: int, time_used: float) -> float:
    """Share of the peak rate: linear warm-up, then a cosine down to a tenth, by updates or time, what ends sooner."""
    if update < warmup:
        return (update + 1) / warmup
    through = min(1.0, max((update - warmup) / max(1, updates - warmup), time_used))
    return 0.1 + 0.45 * (1 + math.cos(math.pi * through))


def _autocast(device: str) -> torch.autocast:
    """bfloat16 on a GPU; a CPU computes the few layers in float32."""
    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=device.startswith("cuda"))


def _facts(
    checkpoint: Checkpoint, data: Path, recipe: Recipe, run: _Run, held_out: str, scores: dict[str, tuple[Score, Score]]
) -> dict[str, Any]:
    """What style.yaml says beside the name."""
    sources = read_sources(data)
    metrics: dict[str, Any] = {"held_out_is": held_out}
    for key, (before, after) in scores.items():
        metrics[key] = {
            "tokens": before.tokens,
            "base_nats_per_token": round(before.nats_per_token, 4),
            "style_nats_per_token": round(after.nats_per_token, 4),
            "change_percent": round(100 * (after.nats / before.nats - 1), 2),
        }
    return {
        "base": {"sha256": checkpoint.sha256, "name": checkpoint.path.name},
        "sources": [
            {"collection": collection, "licence": licence, "files": files, "hours": round(hours, 2)}
            for (collection, licence), (files, hours) in sorted(sources.items())
        ],
        "metrics": metrics,
        "training": {
            "form": recipe.form,
            "updates": run.best_update,
            "tokens_an_update": run.batch_size * run.length,
            "optimiser": "paged 8-bit AdamW" if recipe.device.startswith("cuda") else "AdamW",
            "learning_rate": recipe.peak_rate,
            "keep_share": recipe.kept_share if run.others is not None else 0.0,
            "own_playing": run.windows.learns_returns,
            "emphasis": run.emphasis,
            "seed": recipe.seed,
            "minutes": round(run.seconds / 60, 1),
        },
    }


def _card(name: str, facts: dict[str, Any]) -> str:
    """The card of a base that was fine-tuned as a whole."""
    return f"# Sideman base, fine-tuned: {name}\n\n```yaml\n{yaml.safe_dump(facts, sort_keys=False)}```\n"
