"""Logits -> the next token. This file is the specification; native/src/sampler must give the same bits.

All arithmetic is in doubles, sums run left to right in the order stated, exp is the C library's.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from itertools import groupby, islice
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from native.layout import Layout
from native.sampler_params import SamplerParams
from native.twins.philox import uniform

__all__ = ["REPETITION_WINDOW", "Sampler"]

REPETITION_WINDOW = 64  # tokens

Kind = Literal["note_on", "note_off", "short_shift", "full_shift", "velocity", "other"]


class _State(NamedTuple):
    """What the grammar knows; replaced, never changed, so that a saved one stays exact."""

    sounding: dict[int, int]  # pitch -> the step count when it was last struck
    step_count: int  # TIME_SHIFTs so far
    velocity_given: bool
    last: Kind


class Sampler:
    """Draws event tokens under a grammar that keeps every stream playable.

    The draw after n advanced tokens uses the n-th number of the seed (Philox), so a stream depends on the seed and on
    the logits alone, and rolling back is exact. One thread at a time.
    """

    def __init__(self, layout: Layout, seed: int, rollback: int = 4096) -> None:
        """seed: 0..2**64-1; rollback: how many tokens rollback() can reach back."""
        if not 0 <= rollback <= 1 << 24:
            raise ValueError(f"rollback {rollback} lies outside 0..16777216")
        self._layout = layout
        self.set_seed(seed)
        self._params = SamplerParams()
        self._state = _State({}, 0, False, "other")
        self._history: deque[tuple[int, _State]] = deque(maxlen=rollback + REPETITION_WINDOW)  # token, state before
        self._rollback = rollback
        self._reachable = 0
        self._length = 0

    @property
    def length(self) -> int:
        """Tokens advanced so far, less those rolled back."""
        return self._length

    @property
    def reachable(self) -> int:
        """Tokens that rollback() can undo."""
        return self._reachable

    def set_params(self, params: SamplerParams) -> None:
        """Apply from the next sample() on."""
        self._params = params

    def sounding(self) -> list[int]:
        """Pitches now sounding, ascending."""
        return sorted(self._state.sounding)

    def sample(self, logits: npt.NDArray[np.float32], step_index: int | None = None) -> int:
        """Draw the next token from (num_ids,) logits without advancing.

        step_index: the number of the random draw, `length` by default. ValueError for another shape, or where the
        logits of the legal tokens hold NaN, +inf or nothing but -inf.
        """
        weights = self._weights(logits)
        total = 0.0
        for _, weight in weights:
            total += weight
        target = uniform(self._seed, self._length if step_index is None else step_index) * total
        reached = 0.0
        for token, weight in weights:
            reached += weight
            if reached > target:
                return token
        return max(token for token, weight in weights if weight > 0.0)  # target was rounded up to total

    def distribution(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The probabilities that sample() draws from: (num_ids,) logits -> (num_ids,) float64. Same errors."""
        weights = self._weights(logits)
        total = 0.0
        for _, weight in weights:
            total += weight
        probabilities = np.zeros(self._layout.num_ids)
        for token, weight in weights:
            probabilities[token] = weight / total
        return probabilities

    def _weights(self, logits: npt.NDArray[np.float32]) -> list[tuple[int, float]]:
        """(token, unnormalised probability) of every token left to draw from, by id."""
        layout, params = self._layout, self._params
        if np.shape(logits) != (layout.num_ids,):
            raise ValueError(f"logits have shape {np.shape(logits)}: pass ({layout.num_ids},), one an event id")
        values: list[float] = np.asarray(logits, dtype=np.float32).astype(np.float64).tolist()

        scores: dict[int, float] = {}
        recent = self._recent_pitches()
        for token in np.flatnonzero(self.allowed()).tolist():
            score = values[token]
            if layout.note_on <= token < layout.note_on + 128 and token - layout.note_on in recent:
                score = score / params.repetition if score > 0.0 else score * params.repetition
            scores[token] = score

        if any(math.isnan(score) for score in scores.values()) or math.isinf(max(scores.values())):
            raise ValueError("logits of the legal tokens hold NaN, +inf or nothing but -inf: check the decoder")
        if not params.keep_timing:
            return self._chosen(scores)

        # What comes next, when, which note ends and how hard a key is struck stay as the model has them: waits are
        # spread over a hundred tokens, and whatever favours likely tokens would favour all others over a wait, and
        # short waits over long ones; and of loud and soft it would leave only what lies between.
        best = max(scores.values())
        weights: list[tuple[int, float]] = []
        for kind, tokens in groupby(scores, key=self._kind_group):
            group = {token: scores[token] for token in tokens}
            own = [(token, math.exp(score - best)) for token, score in group.items()]
            if kind != "note_on" or math.isinf(max(group.values())):
                weights.extend(own)
                continue
            mass = 0.0
            for _, weight in own:
                mass += weight
            chosen, total = self._chosen(group), 0.0
            for _, weight in chosen:
                total += weight
            weights.extend((token, weight * (mass / total)) for token, weight in chosen)
        return weights

    def _chosen(self, scores: dict[int, float]) -> list[tuple[int, float]]:
        """Temperature, top-k, top-p, min-p: (token, unnormalised probability) of what they leave, by id."""
        params = self._params
        scores = {token: score / params.temperature for token, score in scores.items()}
        best = max(scores.values())
        kept = list(scores)  # always by id
        if 0 < params.top_k < len(kept):
            kept = sorted(sorted(kept, key=lambda token: (-scores[token], token))[: params.top_k])

        weights = {token: math.exp(scores[token] - best) for token in kept}

        if params.top_p < 1.0:
            total = 0.0
            for token in kept:
                total += weights[token]
            nucleus, mass = [], 0.0
            for token in sorted(kept, key=lambda token: (-scores[token], token)):
                nucleus.append(token)
                mass += weights[token]
                if mass >= params.top_p * total:
                    break
            kept = sorted(nucleus)

        if params.min_p > 0.0:  # the best weight is exp(0) = 1
            kept = [token for token in kept if weights[token] >= params.min_p]
        return [(token, weights[token]) for token in kept]

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Tokens the grammar and the user's masks permit next: (num_ids,) bool, at least one True.

        - NOTE_ON: a silent pitch inside register and scale that is not kept clear, once a VELOCITY was given, while
          polyphony has room.
        - NOTE_OFF: a sounding pitch that was not struck in this very step.
        - VELOCITY: where some NOTE_ON could follow; after it nothing but NOTE_ON.
        - TIME_SHIFT: not after a shift shorter than the longest (two such are one); but it is the last resort where
          nothing else is legal.
        - PAD, BOS, EOS, PEDAL and reserved ids: never.
        """
        layout, params, state = self._layout, self._params, self._state
        mask = np.zeros(layout.num_ids, dtype=bool)
        strikable = [
            pitch
            for pitch in range(params.register_low, params.register_high + 1)
            if params.scale_mask >> (pitch % 12) & 1
            and not params.clear_low <= pitch <= params.clear_high
            and pitch not in state.sounding
        ]
        if len(state.sounding) >= params.polyphony:
            strikable = []
        if state.velocity_given:
            mask[[layout.note_on + pitch for pitch in strikable]] = True
        if state.last != "velocity":
            ended = [pitch for pitch, struck in state.sounding.items() if struck != state.step_count]
            mask[[layout.note_off + pitch for pitch in ended]] = True
            if strikable:
                mask[layout.velocity : layout.velocity + layout.num_velocities] = True
        if state.last not in ("velocity", "short_shift") or not mask.any():
            mask[layout.time_shift : layout.time_shift + layout.num_shifts] = True
        return mask

    def advance(self, token: int) -> None:
        """Append a token, sampled or fed; it need not be legal. ValueError outside 0..num_ids-1."""
        layout, before = self._layout, self._state
        if not 0 <= token < layout.num_ids:
            raise ValueError(f"token {token} lies outside 0..{layout.num_ids - 1}")
        kind = self._kind(token)
        sounding, step_count, velocity_given = before.sounding, before.step_count, before.velocity_given
        if kind == "note_on":
            sounding = {**sounding, token - layout.note_on: step_count}
        elif kind == "note_off":
            pitch = token - layout.note_off
            sounding = {key: struck for key, struck in sounding.items() if key != pitch}
        elif kind in ("short_shift", "full_shift"):
            step_count += 1
        elif kind == "velocity":
            velocity_given = True
        self._history.append((token, before))
        self._state = _State(sounding, step_count, velocity_given, kind)
        self._length += 1
        self._reachable = min(self._reachable + 1, self._rollback)

    def rollback(self, n_tokens: int) -> None:
        """Undo the last n_tokens; what follows is as if they had never been. ValueError beyond what is remembered."""
        if not 0 <= n_tokens <= self._reachable:
            raise ValueError(f"cannot roll back {n_tokens} tokens: {self._reachable} are remembered")
        for _ in range(n_tokens):
            _, self._state = self._history.pop()
        self._length -= n_tokens
        self._reachable -= n_tokens

    def fork(self, seed: int, rollback: int) -> Sampler:
        """One with the same past, and random numbers of its own from here on. Errors as the constructor's."""
        other = Sampler(self._layout, seed, rollback)
        other.copy(self)
        return other

    def copy(self, other: Sampler) -> None:
        """Becomes what another one of the same layout is, but keeps its seed; reaches back as far as it can."""
        self._params, self._state, self._length = other._params, other._state, other._length
        self._history = deque(other._history, maxlen=self._history.maxlen)
        self._reachable = min(other._reachable, self._rollback)

    def set_seed(self, seed: int) -> None:
        """Draws the numbers of another seed from here on. ValueError: it lies outside 0..2**64-1."""
        seed = operator.index(seed)  # numpy's whole numbers would overflow where Python's do not
        if not 0 <= seed < 1 << 64:
            raise ValueError(f"seed {seed} lies outside 0..2**64-1")
        self._seed = seed

    def _kind(self, token: int) -> Kind:
        layout = self._layout
        if layout.note_on <= token < layout.note_on + 128:
            return "note_on"
        if layout.note_off <= token < layout.note_off + 128:
            return "note_off"
        if layout.time_shift <= token < layout.time_shift + layout.num_shifts:
            return "full_shift" if token == layout.time_shift + layout.num_shifts - 1 else "short_shift"
        if layout.velocity <= token < layout.velocity + layout.num_velocities:
            return "velocity"
        return "other"

    def _kind_group(self, token: int) -> str:
        return self._kind(token).removeprefix("short_").removeprefix("full_")

    def _recent_pitches(self) -> set[int]:
        first = self._layout.note_on
        window = islice(reversed(self._history), REPETITION_WINDOW)
        return {token - first for token, _ in window if first <= token < first + 128}
