"""Held-out likelihood: nats a token, nats a note, bits a second, beside a 5-gram's on the same tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from engine.checkpoint import Checkpoint
from engine.data.shards import Shard, token_steps
from engine.data.windows import collate, eval_windows
from engine.model.perceiver import PerceiverMusicTransformer
from engine.training.ngram import NgramModel
from engine.vocabulary import NOTE_OFF, NOTE_ON, PAD, STEP_S

__all__ = ["Score", "evaluate", "load_model", "ngram_scores", "token_nats"]


@dataclass
class Score:
    """Sums over some pieces; the properties are what is reported."""

    nats: float = 0.0
    tokens: int = 0
    notes: int = 0
    seconds: float = 0.0

    def add(self, nats: float, tokens: int, notes: int, seconds: float) -> None:
        self.nats += nats
        self.tokens += tokens
        self.notes += notes
        self.seconds += seconds

    @property
    def nats_per_token(self) -> float:
        return self.nats / max(self.tokens, 1)

    @property
    def nats_per_note(self) -> float:
        return self.nats / max(self.notes, 1)

    @property
    def bits_per_second(self) -> float:
        return self.nats / math.log(2) / max(self.seconds, 1e-9)


def load_model(checkpoint: Checkpoint, device: str = "cpu") -> PerceiverMusicTransformer:
    """The training form of a checkpoint, in evaluation mode."""
    model = PerceiverMusicTransformer(checkpoint.model)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in checkpoint.weights.items()})
    return model.to(device).eval()


@torch.no_grad()
def token_nats(
    model: PerceiverMusicTransformer, shard: Shard, batch_size: int = 8, max_windows: int | None = None
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Per window (collection, scored target ids, their nats); chords and beats given, eight chords known ahead."""
    length = model.config.max_seq_len
    windows = list(eval_windows(shard.pieces, length))
    if max_windows is not None and len(windows) > max_windows:  # evenly spread, so that every piece has its share
        windows = [windows[i] for i in np.linspace(0, len(windows) - 1, max_windows).astype(int)]
    results = []
    for at in range(0, len(windows), batch_size):
        group = windows[at : at + batch_size]
        inputs, targets = collate([window for _, window, _ in group], length)
        logits = model(inputs)
        nats = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=PAD, reduction="none").numpy()
        for row, (piece, window, first) in enumerate(group):
            n = len(window["beat"])
            results.append((piece.collection, window["tokens"][first + 1 : n + 1], nats[row, first:n]))
    return results


def evaluate(
    model: PerceiverMusicTransformer, shard: Shard, batch_size: int = 8, max_windows: int | None = None
) -> dict[str, Score]:
    """Score by collection, and "all"."""
    scores = {"all": Score()}
    for collection, targets, nats in token_nats(model, shard, batch_size, max_windows):
        _add(scores, shard.collections[collection], targets, nats)
    return scores


def ngram_scores(
    train: Shard, shard: Shard, order: int = 5, progress: Callable[[str], None] = lambda text: None
) -> dict[str, Score]:
    """The same scores for an n-gram model counted on the training side."""
    progress(f"counting {order}-grams over {sum(len(p.tokens) for p in train.pieces):,} tokens")
    model = NgramModel([p.tokens for p in train.pieces], order)
    scores = {"all": Score()}
    for piece in shard.pieces:
        _add(scores, shard.collections[piece.collection], piece.tokens[1:].astype(np.int64), model.nats(piece.tokens))
    return scores


def _add(scores: dict[str, Score], collection: str, targets: np.ndarray, nats: np.ndarray) -> None:
    notes = int(((targets >= NOTE_ON) & (targets < NOTE_OFF)).sum())
    steps = token_steps(targets.astype(np.uint16))
    seconds = float(steps[-1]) * STEP_S if len(steps) else 0.0
    for name in ("all", collection):
        scores.setdefault(name, Score()).add(float(nats.sum(dtype=np.float64)), len(targets), notes, seconds)
