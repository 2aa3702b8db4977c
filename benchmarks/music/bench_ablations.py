"""What each part of the network and of the data mix is worth: a small model for each, trained and judged the same.

    python -m benchmarks.music.bench_ablations DATA [--updates 400] [--only NAME ...]

Every variant changes one thing of the reference, learns from the same batches (as far as the change lets them be the
same) and is judged on the same held-out windows. Differences under 0.01 nats a token are within what another seed
changes (`seed` measures it). Small models and few updates: what helps here is what is learnt fast.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common.result import say_result
from engine.data.shards.shards import Shard, load_shard
from engine.data.sources import match_weights
from engine.data.window_sampler import WindowSampler
from engine.model.config import Config, ModelConfig, TrainingConfig
from engine.training.evaluate import evaluate
from engine.training.trainer import Trainer
from engine.vocabulary import NO_CHORD

MODEL = ModelConfig(
    latent_dim=128, latent_len=128, num_layers=3, num_heads=4, ff_dim=384, dropout=0.0, max_seq_len=256,
    max_relative_distance=128,
)  # fmt: skip
TRAINING = TrainingConfig(learning_rate=2e-3, batch_size=8, epochs=1, warmup_steps=40)
PRACTICE = "practice"  # the collection that we made: not counted in the mean


def absolute_positions(trainer: Trainer) -> None:
    """Learned positions on the queries, and so on every latent, instead of relative terms (Vaswani et al. 2017).

    The encode attention's keys stay a table of the ids, as the streaming form needs them.
    """
    no_relative(trainer)
    model = trainer.model
    positions = nn.Parameter(0.02 * torch.randn(model.config.max_seq_len, model.config.latent_dim))
    trainer.optimisers[1].add_param_group({"params": [positions]})

    def add(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output + positions[: output.shape[1]]

    model.beat_emb.register_forward_hook(add)  # one of the query's summands


def no_relative(trainer: Trainer) -> None:
    """All relative terms of attention over tokens are zero and stay it."""
    for name, parameter in trainer.model.named_parameters():
        if name.endswith("_attn.relative") and "chord_attn" not in name:
            parameter.requires_grad_(False).zero_()


def without_chords(shard: Shard) -> Shard:
    """The same music under no chord at all."""
    ids, steps = np.array([NO_CHORD], np.int64), np.zeros(1, np.int64)
    return replace(shard, pieces=[replace(piece, chord_ids=ids, chord_steps=steps) for piece in shard.pieces])


def without_beats(shard: Shard) -> Shard:
    """The same music with no beat known."""
    steps, in_bar = np.zeros(0), np.zeros(0, np.int64)
    return replace(shard, pieces=[replace(piece, beat_steps=steps, beat_in_bar=in_bar) for piece in shard.pieces])


@dataclass(frozen=True)
class Variant:
    """One change: of the model's sizes, the data's weights, the trainer, what the sampler hides, the held-out side."""

    says: str
    model: dict[str, int] = field(default_factory=dict)
    practice: float = 1.0
    seed: int = 0
    change: Callable[[Trainer], None] = lambda trainer: None
    hide: dict[str, float] = field(default_factory=dict)
    held_out: Callable[[Shard], Shard] = lambda shard: shard


VARIANTS = {
    "reference": Variant("128 x 3, band 128, window 256, relative distances to 128"),
    "seed": Variant("the reference from another seed", seed=1),
    "absolute": Variant("learned absolute positions, no relative terms", change=absolute_positions),
    "nowhere": Variant("neither", change=no_relative),
    "near": Variant("relative distances to 32", model={"max_relative_distance": 32}),
    "full": Variant("latents attend to the whole window", model={"latent_len": 256, "max_relative_distance": 256}),
    "band 32": Variant("latents attend to 32", model={"latent_len": 32}),
    "band 64": Variant("latents attend to 64", model={"latent_len": 64}),
    "no chords": Variant("chords hidden, here and there", hide={"chord_dropout": 1.0}, held_out=without_chords),
    "no beats": Variant("beats hidden, here and there", hide={"beat_dropout": 1.0}, held_out=without_beats),
    "practice 0": Variant("no practice corpus", practice=0.0),
    "practice 1/3": Variant("a third of the practice corpus", practice=1 / 3),
    "practice 3": Variant("three times the practice corpus", practice=3.0),
}


def run(variant: Variant, train: Shard, valid: Shard, updates: int, windows: int) -> dict[str, float]:
    """Trains and judges; nats a token by collection, their mean without the practice corpus, and seconds an update."""
    config = Config(model=replace(MODEL, **variant.model), training=TRAINING)
    mix = match_weights({PRACTICE: variant.practice}, train.collections)
    trainer = Trainer(config, updates, variant.seed)
    variant.change(trainer)
    sampler = WindowSampler.of(train, MODEL.max_seq_len, TRAINING.batch_size, variant.seed, mix)
    for name, share in variant.hide.items():
        setattr(sampler, name, share)
    started_s = time.monotonic()
    for _ in range(updates):
        trainer.step(sampler)
    update_s = (time.monotonic() - started_s) / updates
    with trainer.averaged() as model:
        scores = evaluate(model, variant.held_out(valid), max_windows=windows)
    nats = {name: score.nats_per_token for name, score in scores.items() if name != "all"}
    real = [(score.nats, score.tokens) for name, score in scores.items() if name not in ("all", PRACTICE)]
    return {"mean": sum(n for n, _ in real) / sum(t for _, t in real), **nats, "update_s": update_s}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures what each part is worth.")
    parser.add_argument("data", type=Path, help="a prepared folder, with the practice corpus")
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--windows", type=int, default=600, help="held-out ones [600]")
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), metavar="NAME", default=list(VARIANTS))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train, valid = load_shard(args.data / "train.safetensors"), load_shard(args.data / "valid.safetensors")

    rows: dict[str, dict[str, float]] = {}
    for name in args.only:
        rows[name] = row = run(VARIANTS[name], train, valid, args.updates, args.windows)
        if len(rows) == 1:
            columns = [key for key in row if key not in ("mean", "update_s")]
            print(f"{'':<14}{'mean':>8}" + "".join(f"{key[:11]:>12}" for key in columns) + f"{'ms/update':>11}")
        line = f"{name:<14}{row['mean']:>8.3f}" + "".join(f"{row.get(key, float('nan')):>12.3f}" for key in columns)
        print(f"{line}{1000 * row['update_s']:>11.0f}  {VARIANTS[name].says}", flush=True)
    tokens = args.updates * TRAINING.batch_size * MODEL.max_seq_len
    rounded = {name: {key: round(value, 4) for key, value in row.items()} for name, row in rows.items()}
    say_result("ablations", {"tokens": tokens, "nats_per_token": rounded})


if __name__ == "__main__":
    main()
