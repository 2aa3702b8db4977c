"""Branch 4, "production transformer": a plain decoder over our event tokens, with the chords among them.

GPT-2's form (learned absolute positions, pre-norm) at the size of the others. A chord stands in the stream before the
first event under it; its own id is given, never predicted. Its adapters are QLoRA's: the base in NF4, LoRA beside it.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.comparison.layers import Block, Cache, draw
from benchmarks.comparison.music import CLIP_S, Asked
from engine.arrays import I64
from engine.data.eval_windows import cut_eval_windows, eval_windows
from engine.data.shards.shards import Shard
from engine.data.window_sampler import WindowSampler
from engine.data.windows import collate
from engine.model.perceiver import Inputs
from engine.notes import Notes
from engine.tokens import decode_notes
from engine.vocabulary import BOS, NO_CHORD, NOTE_OFF, NUM_EVENT_IDS, STEP_S, TIME_SHIFT, VELOCITY, VOCAB_SIZE

__all__ = ["Plain", "held_out", "interleaved", "play", "sampler", "training_loss"]

DIM, LAYERS, HEADS, FF, CONTEXT, BATCH = 192, 6, 4, 768, 512, 8
IGNORED = -100
RATE = 3e-3


class Plain(nn.Module):
    """(B, L) ids -> (B, L, 400) logits of the next event."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(VOCAB_SIZE, DIM), nn.Embedding(CONTEXT, DIM)
        nn.init.normal_(self.embedding.weight, std=0.02)
        nn.init.normal_(self.position.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(DIM, HEADS, FF) for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, NUM_EVENT_IDS, bias=False)

    def forward(self, ids: Tensor, cache: Cache | None = None, at: int = 0) -> Tensor:
        x = self.embedding(ids) + self.position.weight[at : at + ids.shape[1]]
        for layer, block in enumerate(self.blocks):
            x = block(x, cache=cache, layer=layer)
        logits: Tensor = self.head(self.norm(x))
        return logits


def interleaved(tokens: I64, targets: I64, chord_ids: I64) -> tuple[I64, I64]:
    """(L,) inputs, their targets and the chord in force after each -> (CONTEXT,) ids and targets, chords put in.

    A chord that comes into force after token p stands between p and its target: it is what predicts it.
    """
    ids, wanted, now = [], [], -1
    for token, target, chord in zip(tokens.tolist(), targets.tolist(), chord_ids.tolist(), strict=True):
        ids.append(token)
        if chord != now:
            wanted.append(IGNORED)
            ids.append(chord)
            now = chord
        wanted.append(target)
    ids, wanted = ids[:CONTEXT], wanted[:CONTEXT]
    short = CONTEXT - len(ids)
    return np.array(ids + [NO_CHORD] * short), np.array(wanted + [IGNORED] * short)


def _batch(inputs: Inputs, targets: Tensor, first: list[int] | None = None) -> tuple[Tensor, Tensor]:
    """Puts the chords of windows into their streams; targets before `first` of a window are ignored."""
    chords = torch.gather(inputs.chords, 1, inputs.chord_now).numpy()
    rows = []
    for row in range(len(chords)):
        wanted = targets[row].numpy().copy()
        wanted[wanted >= NUM_EVENT_IDS] = IGNORED
        wanted[wanted == BOS - 1] = IGNORED  # padding
        if first is not None:
            wanted[: first[row]] = IGNORED
        rows.append(interleaved(inputs.tokens[row].numpy(), wanted, chords[row]))
    return tuple(torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))  # type: ignore[return-value]


def sampler(shard: Shard) -> WindowSampler:
    """Returns windows shorter than the context, as chords take places in it."""
    return WindowSampler.of(shard, CONTEXT - 48, BATCH, seed=0)


def training_loss(model: nn.Module, windows: WindowSampler, number: int) -> Tensor:
    """Returns the mean nats a token of batch `number`."""
    ids, targets = _batch(*windows.batch(number))
    return F.cross_entropy(model(ids).flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


@torch.no_grad()
def held_out(model: nn.Module, shard: Shard, most: int) -> float:
    """Returns nats a note over evenly spread windows; each token but a piece's first ones has half a window of past."""
    length = CONTEXT - 48
    windows = eval_windows(shard.pieces, length, most)
    contents = cut_eval_windows(windows, length)
    nats, notes = 0.0, 0
    for window in windows:
        inputs, targets = collate([next(contents)], length)
        targets[:, window.stop :] = BOS - 1
        ids, wanted = _batch(inputs, targets, [window.first])
        surprise = F.cross_entropy(model(ids)[0], wanted[0], ignore_index=IGNORED, reduction="sum")
        nats += float(surprise)
        notes += int(((wanted >= 0) & (wanted < NOTE_OFF)).sum())
    return nats / max(1, notes)


@torch.no_grad()
def play(model: nn.Module, asked: Asked, seed: int) -> Notes:
    """Plays the chart's first seconds from nothing, token by token, with a cache of keys and values."""
    generator = torch.Generator().manual_seed(seed)
    cache: Cache = []
    sounding: set[int] = set()
    tokens: list[int] = []
    step, at, chord = 0, 0, -1
    waiting = [BOS]
    while step * STEP_S < CLIP_S and at < CONTEXT - 1:
        now = int(np.searchsorted(asked.starts_s, step * STEP_S + 1e-6, side="right")) - 1
        if now != chord:
            chord = now
            waiting.append(int(asked.ids[now]))
        for token in waiting:
            logits = model(torch.tensor([[token]]), cache, at)[0, -1]
            at += 1
        logits[388:] = -torch.inf
        logits[[*sounding]] = -torch.inf
        logits[[NOTE_OFF + p for p in range(128) if p not in sounding]] = -torch.inf
        token = draw(logits, generator)
        tokens.append(token)
        waiting = [token]
        if token < NOTE_OFF:
            sounding.add(token)
        elif token < TIME_SHIFT:
            sounding.discard(token - NOTE_OFF)
        elif token < VELOCITY:
            step += token - TIME_SHIFT + 1
    return decode_notes(np.array(tokens, dtype=np.uint16)) if tokens else decode_notes(np.zeros(0, dtype=np.uint16))
