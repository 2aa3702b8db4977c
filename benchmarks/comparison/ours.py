"""Branch 3, ours: the network that Sideman ships, at the size of `tiny`, and the same session that plays it."""

from __future__ import annotations

from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.comparison.music import CLIP_S, Asked
from engine.chords import Chart
from engine.data.shards.shards import Shard
from engine.data.window_sampler import WindowSampler
from engine.evaluation.charts import CHARTS
from engine.evaluation.excerpts import within
from engine.model.checkpoint import Checkpoint, save_checkpoint
from engine.model.config_file import load_config
from engine.model.perceiver import PerceiverMusicTransformer
from engine.notes import Notes
from engine.solo.improvise import improvise
from engine.training.evaluate import evaluate
from engine.vocabulary import PAD

__all__ = ["fresh", "held_out", "play", "sampler", "save", "training_loss"]

CONFIG = "tiny"
BATCH = 8
RATE = 3e-3


def fresh() -> PerceiverMusicTransformer:
    """Makes the network with fresh weights."""
    return PerceiverMusicTransformer(load_config(CONFIG).model)


def sampler(shard: Shard) -> WindowSampler:
    """Returns windows with their chords and beats."""
    return WindowSampler.of(shard, load_config(CONFIG).model.max_seq_len, BATCH, seed=0)


def training_loss(model: nn.Module, windows: WindowSampler, number: int) -> Tensor:
    """Returns the mean nats a token of batch `number`."""
    inputs, targets = windows.batch(number)
    logits = model(inputs, targets.shape[1])
    return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=PAD)


def held_out(model: PerceiverMusicTransformer, shard: Shard, most: int) -> float:
    """Returns nats a note, as `sideman evaluate` measures them."""
    return evaluate(model, shard, max_windows=most)["all"].nats_per_note


def save(folder: Path, model: PerceiverMusicTransformer) -> None:
    """Writes a checkpoint, its matrices in NF4."""
    weights = {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}
    save_checkpoint(folder, load_config(CONFIG), weights, "A contestant of benchmarks/bench_comparison.py.\n")


def play(checkpoint: Checkpoint, asked: Asked, seed: int, backend: str = "auto") -> Notes:
    """Returns the first CLIP_S of what `sideman generate` plays over the chart; it computes whole bars."""
    row = CHARTS[asked.number]
    chart: Chart = row.fill(bars_of(asked))
    solo = improvise(checkpoint, chart, tempo_bpm=row.tempo_bpm, seed=seed, backend=backend, ending=False)
    return within(solo.notes, 0.0, CLIP_S)


def bars_of(asked: Asked) -> int:
    """Returns how many whole bars last as long as a clip or longer."""
    row = CHARTS[asked.number]
    return int(CLIP_S / (row.beats_per_bar * 60.0 / row.tempo_bpm)) + 1
