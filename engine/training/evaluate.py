"""Measures held-out likelihood: nats a token, nats a note, bits a second, beside a 5-gram's on the same tokens."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from engine.data.eval_windows import EvalWindow, cut_eval_windows, eval_windows
from engine.data.shards.shards import Shard, token_steps
from engine.data.windows import Window, collate
from engine.evaluation.ngram import NgramModel
from engine.model.checkpoint import Checkpoint
from engine.model.perceiver import PerceiverMusicTransformer
from engine.vocabulary import NOTE_OFF, PAD, STEP_S

__all__ = ["Score", "evaluate", "load_model", "ngram_scores", "sum_scores", "token_nats", "with_wrong_chords"]

DRAWINGS: Final = 2000  # of works, for how far a figure spreads


@dataclass
class Score:
    """Sums over some pieces; its properties are the figures reported. works: nats and tokens of each work in it."""

    nats: float = 0.0
    tokens: int = 0
    notes: int = 0
    seconds: float = 0.0
    works: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, work: str, nats: float, tokens: int, notes: int, seconds: float) -> None:
        before = self.works.get(work, (0.0, 0))
        self.works[work] = before[0] + nats, before[1] + tokens
        self.nats += nats
        self.tokens += tokens
        self.notes += notes
        self.seconds += seconds

    @property
    def nats_per_token(self) -> float:
        return self.nats / max(self.tokens, 1)

    @property
    def spread(self) -> tuple[float, float] | None:
        """Where nats_per_token lies in 95 of 100 drawings of as many works, with returns, from these; None: one work.

        The bootstrap (Efron 1979): windows of one work are alike, so that many windows of few works tell little.
        """
        if len(self.works) < 2:
            return None
        nats, tokens = np.array(list(self.works.values())).T
        drawn = np.random.default_rng(0).integers(len(nats), size=(DRAWINGS, len(nats)))
        low, high = np.quantile(nats[drawn].sum(1) / tokens[drawn].sum(1), (0.025, 0.975))
        return float(low), float(high)

    @property
    def nats_per_note(self) -> float:
        return self.nats / max(self.notes, 1)

    @property
    def bits_per_second(self) -> float:
        return self.nats / math.log(2) / max(self.seconds, 1e-9)


def load_model(checkpoint: Checkpoint) -> PerceiverMusicTransformer:
    """Loads the training form of a checkpoint, in evaluation mode."""
    model = PerceiverMusicTransformer(checkpoint.model)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in checkpoint.weights.items()})
    return model.eval()


def token_nats(
    model: PerceiverMusicTransformer, windows: list[EvalWindow], batch_size: int = 8, length: int | None = None
) -> Iterator[npt.NDArray[np.float32]]:
    """Yields the nats of each window's scored targets, in order; chords and beats are given, eight chords ahead.

    length: that the windows were made for; None: the model's max_seq_len. On a CPU every thread that torch may use
    takes batches of its own: two that share each batch wait for each other most of the time.
    """
    length, device = length or model.config.max_seq_len, model.head.weight.device
    contents = cut_eval_windows(windows, length)

    def nats(group: list[EvalWindow], cut: list[Window]) -> list[npt.NDArray[np.float32]]:
        with torch.no_grad():  # which holds for one thread
            inputs, targets = collate(cut, length)
            logits = model(inputs.to(device)).float().cpu()
            surprise = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=PAD, reduction="none").numpy()
        return [surprise[row, window.first : window.stop] for row, window in enumerate(group)]

    groups = [windows[at : at + batch_size] for at in range(0, len(windows), batch_size)]
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    if min(threads, len(groups)) < 2:
        for group in groups:
            yield from nats(group, [next(contents) for _ in group])
        return
    try:
        with ThreadPoolExecutor(threads, "sideman-batch", lambda: torch.set_num_threads(1)) as pool:
            waiting: deque[Future[list[npt.NDArray[np.float32]]]] = deque()
            for group in groups:  # few at a time: a corpus cut at once would fill the memory
                waiting.append(pool.submit(nats, group, [next(contents) for _ in group]))
                if len(waiting) > threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
    finally:
        torch.set_num_threads(threads)  # the threads' own number is the process's


def evaluate(
    model: PerceiverMusicTransformer,
    shard: Shard,
    batch_size: int = 8,
    max_windows: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    works: Sequence[str] | None = None,
) -> dict[str, Score]:
    """Returns scores by collection, and "all". progress is told how many windows are scored, and of how many.

    works: of each piece the work that it belongs to; None: each is one of its own.
    """
    windows = eval_windows(shard.pieces, model.config.max_seq_len, max_windows)

    def told() -> Iterator[npt.NDArray[np.float32]]:
        for done, nats in enumerate(token_nats(model, windows, batch_size), start=1):
            progress(done, len(windows))
            yield nats

    return sum_scores(shard, windows, told(), works)


def with_wrong_chords(shard: Shard) -> Shard:
    """Yields the same music with its chords in another order: what a model then loses is what it owes to the chords."""
    rng = np.random.default_rng(0)
    pieces = []
    for piece in shard.pieces:
        chord_ids = np.concatenate([piece.chord_ids[:1], rng.permutation(piece.chord_ids[1:])])
        pieces.append(replace(piece, chord_ids=chord_ids))
    return replace(shard, pieces=pieces)


def ngram_scores(model: NgramModel, shard: Shard, length: int, max_windows: int | None = None) -> dict[str, Score]:
    """Returns the same scores of the same tokens for n-grams. length: the max_seq_len of the model compared with."""
    windows = eval_windows(shard.pieces, length, max_windows)

    def nats() -> Iterator[npt.NDArray[np.float64]]:
        piece, surprise = None, np.zeros(0)
        for window in windows:
            if window.piece is not piece:
                piece, surprise = window.piece, model.nats(window.piece.tokens)
            yield surprise[window.targets.start - 1 : window.targets.stop - 1]

    return sum_scores(shard, windows, nats())


def sum_scores(
    shard: Shard, windows: list[EvalWindow], nats: Iterator[npt.NDArray[Any]], works: Sequence[str] | None = None
) -> dict[str, Score]:
    """Returns scores by collection, and "all", of windows whose targets' nats come in their order; works as above."""
    scores = {"all": Score()}
    for window, surprise in zip(windows, nats, strict=True):
        targets = window.piece.tokens[window.targets]
        notes = int((targets < NOTE_OFF).sum())
        seconds = float(token_steps(targets)[-1]) * STEP_S
        work, sum_nats = str(window.number) if works is None else works[window.number], surprise.sum(dtype=np.float64)
        for name in ("all", shard.collections[window.piece.collection]):
            scores.setdefault(name, Score()).add(work, float(sum_nats), len(targets), notes, seconds)
    return scores
