"""One run of fine-tuning: model, optimiser, schedule and the best state so far, all within one allowance of time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.data.shards.shards import PieceArrays, Shard
from engine.data.window_sampler import WindowSampler
from engine.errors import ConfigError
from engine.model.checkpoint import Checkpoint, Weights
from engine.styles.style import Style
from engine.training.evaluate import Score
from engine.training.finetune.checks import Checks, Judged, Worth
from engine.training.finetune.layers import add_lora, autocast, build, checkpoint_blocks, lora_tensors, optimiser
from engine.training.finetune.own_playing import Return, play_returns
from engine.training.finetune.recipe import Recipe
from engine.training.finetune.time_limit import Budget, Part
from engine.training.finetune.typical import likeliest_manner, typical_values
from engine.training.finetune.windows import StyleWindows, practice_windows, with_other_chords
from engine.training.schedule import Lowest, News, rate_share
from engine.vocabulary import PAD

__all__ = ["Run"]

AVERAGED = 0.94  # of the average of the adapter is left by an update: a few windows at a time pull to and fro
CHECKS = 5  # measurements of the unheard pieces in a run
SLOWER = 0.3  # of the rate, after a step back
JUDGED_WINDOWS = 16  # of max_seq_len tokens at most, for the figures in style.yaml
OTHER_WINDOWS = 24  # of the data to be kept
OTHER_CHORDS = 0.25  # windows of a batch that come again under other chords, one at least ...
OTHER_CHORDS_UPDATES = 0.4  # ... in so many of the updates, and in all of practice pieces, which are few
WORTH_WEIGHT = 0.6  # of what is missing of the chords' worth, beside the loss
WORTH_AIM = 1.0  # of what they were worth to the base
STRENGTHS = (0.85, 0.7, 0.5)  # by which a learnt adapter is multiplied, tried in this order
WORTH_TO_KEEP = 0.88  # of what chords are worth to the base: an adapter that leaves less is weakened
MANNER_SHARE = 0.05  # of the time left then, for finding the likeliest manner, ...
FIRST_SHARE = 0.08  # ... for each of the first measurements ...
WORTH_SHARE = 0.05  # ... and for measuring once what chords are worth: with less time fewer windows are measured
RECENT_UPDATES = 5  # of which the longest says how long the next may take
POOL_SHARE = 0.15  # of the time left, for the own playing that is made at a time


class Run:
    """Model, optimiser and windows of one style."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        recipe: Recipe,
        name: str,
        train: Shard,
        unheard: Shard,
        keep: Shard | None,
        budget: Budget,
    ) -> None:
        """unheard: what says when to stop. keep: other music, of which a share is mixed in."""
        torch.manual_seed(recipe.seed)
        self.checkpoint, self.name = checkpoint, name
        self.recipe, self.budget, self.length = recipe, budget, checkpoint.model.max_seq_len
        self.inner = build(checkpoint, recipe.form, recipe.device, recipe.qlora.double_quantization)
        if recipe.gradient_checkpointing:
            checkpoint_blocks(self.inner)
        controls, tokens = checkpoint.model.controls, recipe.update_tokens
        self.manner, windows = likeliest_manner(self.inner.eval(), train.pieces, controls, budget.allow(MANNER_SHARE))
        if windows == 0:
            budget.shorten("no manner was looked for")
        labels = {} if self.manner is None else {"manner": self.manner}
        # What of style.yaml a session goes by, also one that plays for this run.
        self.facts: dict[str, Any] = {"controls": typical_values(train.pieces, controls)}
        self.model: nn.Module = self.inner if recipe.form == "full" else add_lora(self.inner, recipe.qlora)
        self.learning = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimiser = optimiser(self.learning, recipe.device, recipe.peak_rate)
        self.checks = Checks(unheard, self.length)
        self._s_per_token = 0.0  # that a measurement takes
        self._worth, self._judging = Part(), list[Part]()  # what measuring took
        own = recipe.returns and recipe.form != "full"
        returns = self._returns if own else None
        self.windows = StyleWindows(train, self.length, tokens, recipe.seed, returns, controls, labels)
        self.practice = practice_windows(self.length, tokens, recipe.seed, controls)
        flow = self.windows.length
        self.others = (
            None
            if keep is None
            else WindowSampler.of(keep, flow, max(1, tokens // flow), recipe.seed + 1, controls=controls)
        )
        self.average = self._state()  # of what has been learnt: it is measured and kept, and learning goes on beside it
        self.emphasis = 1.0
        self.best_update, self.tokens_per_s, self.pace = 0, 0.0, 1.0
        self.worth: tuple[Worth, Worth] | None = None  # of chords, to the base and to the style

    def learn(self, report: Callable[[News], None]) -> None:
        """Makes updates until the plan, the patience or the time ends; leaves the best state in place."""
        recipe, budget = self.recipe, self.budget
        self.inner.eval()
        windows = self.checks.count
        self.checks.shorten(max(0.0, budget.allow(WORTH_SHARE)()) / max(1e-9, self._s_per_token))
        budget.measured(self.checks.count, windows, "while learning")
        # As often as emphasise() measures, and the loss once more, which is a quarter of it.
        with budget.comes_again(0.25 + (len(STRENGTHS) if recipe.form != "full" else 0)) as self._worth:
            base = self.checks.worth(self.inner)
        if recipe.form != "full":
            self.worth = (base, base)
        lowest, best_state, recent, busy_s = Lowest(base.held_out), self._state(), [], 0.0
        durations_s: deque[float] = deque(maxlen=RECENT_UPDATES)
        every, began_s = max(1, recipe.updates // CHECKS), budget.used_s
        for update in range(1, recipe.updates + 1):
            start_s = budget.used_s
            recent.append(self._update(update - 1, budget.share(began_s)))
            budget.updated()
            durations_s.append(budget.used_s - start_s)
            busy_s += durations_s[-1]
            if not math.isfinite(recent[-1]):
                raise ConfigError(f"the loss is {recent[-1]} after {update} updates: give a lower --learning-rate")
            out_of_time = budget.left_s <= max(durations_s)  # another one would not be done in time
            if update % every and update < recipe.updates and not out_of_time:
                continue
            learnt = self._state()
            self._restore(self.average)
            self.inner.eval()
            score = self.checks.loss(self.inner)
            self.tokens_per_s = update * recipe.update_tokens / busy_s
            left_s = min((budget.used_s - began_s) / update * (recipe.updates - update), max(0.0, budget.left_s))
            report(
                News(update, recipe.updates, float(np.mean(recent)), self.tokens_per_s, left_s, score, base.held_out)
            )
            recent = []
            if lowest.measured(score):
                best_state, self.best_update = self._state(), update
            elif lowest.since == recipe.patience // 2:
                learnt = best_state
                self.average = [value.clone() for value in best_state]
                self.pace *= SLOWER
            self._restore(learnt)
            if out_of_time or lowest.since >= recipe.patience:
                break
        self._restore(best_state)

    def emphasise(self) -> None:
        """Multiplies the adapter by the first of STRENGTHS that leaves chords WORTH_TO_KEEP, else by the last.

        At full strength its solos leave the beat, and a little less gains as much on unheard pieces; at half strength
        what is left is what all pianists share (docs/LOG.md). Where there is no time to measure one, it is taken
        unmeasured.
        """
        if self.recipe.form == "full" or self.worth is None:
            return
        base, budget = self.worth[0], self.budget
        matrices = [p for name, p in self.model.named_parameters() if ".lora_B." in name]
        learnt = [matrix.detach().clone() for matrix in matrices]
        for strength in STRENGTHS:
            with torch.no_grad():
                for matrix, value in zip(matrices, learnt, strict=True):
                    matrix.copy_(strength * value)
            self.emphasis = strength
            needed_s = budget.takes_s(self._worth) + sum(map(budget.takes_s, self._judging))
            if budget.length_s - budget.used_s < needed_s:
                budget.shorten(f"its strength of {strength:g} was not measured")
                self.worth = None
                break
            self.inner.eval()
            began_s = budget.used_s
            chosen = self.checks.worth(self.inner)
            self._worth = Part(budget.used_s - began_s)
            self.worth = (base, chosen)
            if chosen.kept(base) >= WORTH_TO_KEEP:
                break

    def style(self) -> Style:
        """Returns the adapter as it is now."""
        qlora = self.recipe.qlora
        tensors = lora_tensors(self.model)
        return Style(
            self.name, self.checkpoint.sha256, qlora.rank, qlora.alpha, qlora.target_modules, tensors, self.facts
        )

    def judge(self, shard: Shard, windows: int = JUDGED_WINDOWS) -> Judged:
        """Measures the loss before learning on an evenly spread sample of at most so many windows."""
        budget, judged = self.budget, Judged(shard, self.length, windows)
        windows = judged.count
        with budget.comes_again() as part, autocast(self.recipe.device):
            measured = judged.before(self.inner, budget.allow(FIRST_SHARE))
        self._judging.append(part)
        self._s_per_token = part.wall_s / (measured * self.length)
        budget.measured(measured, windows, "first")
        return judged

    def judge_again(self, judged: Judged, following: int = 0) -> tuple[Score, Score]:
        """Returns the loss before learning and the present one, over the same windows.

        following: so many more of them are to be done in the time that is left.
        """
        budget, windows = self.budget, judged.count
        with autocast(self.recipe.device):
            before, after, measured = judged.after(self.inner, budget.allow(1 / (following + 1)))
        budget.measured(measured, windows, "last")
        return before, after

    def weights(self) -> Weights:
        return {name: value.detach().float().cpu().numpy().copy() for name, value in self.inner.state_dict().items()}

    def _update(self, number: int, time_used: float = 0.0) -> float:
        """Makes one update, 0 the first; returns its loss in nats a token. time_used: the share of the time gone."""
        recipe = self.recipe
        rate = self.pace * recipe.peak_rate * rate_share(number, recipe.warmup, recipe.updates, time_used)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        self.inner.train()
        # Whole batches of one kind, so that a share needs no second sampler of windows.
        rng = np.random.default_rng((recipe.seed, number, 2))
        kind, of = rng.random(), "held_out"
        if kind < recipe.practice_share:
            (inputs, targets), of = self.practice.batch(number), "practice"
        elif kind < recipe.practice_share + recipe.kept_share and self.others is not None:
            inputs, targets = self.others.batch(number)
        else:
            inputs, targets = self.windows.batch(number)
        count = len(targets)
        rows: list[int] = []
        if self.worth is not None and (rng.random() < OTHER_CHORDS_UPDATES or of == "practice"):
            inputs, rows = with_other_chords(inputs, rng, OTHER_CHORDS)
        with autocast(recipe.device):
            logits = self.inner(inputs.to(recipe.device))
        targets = torch.cat([targets, targets[rows]]).to(recipe.device)
        nats = F.cross_entropy(logits.float().transpose(1, 2), targets, ignore_index=PAD, reduction="none")  # (B, L)
        loss = nats[:count].sum() / (targets[:count] != PAD).sum()
        whole = loss
        if rows:
            assert self.worth is not None
            worth = (nats[count:].sum() - nats[rows].sum()) / (targets[rows] != PAD).sum()
            whole = loss + WORTH_WEIGHT * F.relu(WORTH_AIM * self.worth[0].chords[of] - worth)
        whole.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learning, 1.0)
        self.optimiser.step()
        share = max(1.0 / (number + 1), 1.0 - AVERAGED)  # at first what was learnt so far counts alike
        with torch.no_grad():
            for average, parameter in zip(self.average, self.learning, strict=True):
                average.lerp_(parameter, share)
        return loss.item()

    def _returns(self, pieces: Sequence[PieceArrays], count: int, rng: np.random.Generator) -> list[Return]:
        until_s = self.budget.used_s + POOL_SHARE * self.budget.left_s
        return play_returns(self.checkpoint, self.style(), pieces, count, rng, lambda: self.budget.used_s > until_s)

    def _state(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.learning]

    def _restore(self, state: list[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.learning, state, strict=True):
                parameter.copy_(value)
