"""The variants of benchmarks/study/bench_ablations: what each changes of the reference, a group to a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from engine.model.config import ModelConfig, SourceConfig, TrainingConfig
from engine.model.config_file import load_config
from engine.model.perceiver import Inputs
from engine.model.shapes import BAR_BINS, BEAT_BINS
from engine.training.trainer import Trainer
from engine.vocabulary import NO_CHORD, NUM_EVENT_IDS

__all__ = ["SMALL", "VARIANTS", "Form", "Variant", "decode_products", "form_of", "same", "untouched"]


@dataclass(frozen=True)
class Form:
    """What a reference is: network, training (with the shares of its sources), tokens of a run, where it runs."""

    model: ModelConfig
    training: TrainingConfig
    tokens: float
    device: str


SMALL = Form(
    ModelConfig(
        latent_dim=128, latent_len=128, num_layers=3, num_heads=4, ff_dim=384, dropout=0.0, max_seq_len=512,
        max_relative_distance=256,
    ),
    TrainingConfig(learning_rate=4e-3, batch_size=2, warmup_steps=40, mixed_precision="bf16", fall=0.45),
    1e6,
    "cpu",
)  # fmt: skip
LARGE_TOKENS = 20e6


def form_of(name: str) -> Form:
    """Returns the form of that name: "small" for a processor, else a config's for a GPU.

    Sources and the share of practice pieces are the shipped base's, the pieces those of edition 2.
    """
    base = load_config("base").training
    form = SMALL
    if name != "small":
        config = load_config(name)
        form = Form(config.model, config.training, LARGE_TOKENS, "auto")
    training = replace(form.training, sources=base.sources, practice=base.practice, practice_edition=2)
    return replace(form, training=training)


def decode_products(model: ModelConfig) -> int:
    """Returns how many products a decoder makes for a token: matrices, the band's attention and the head.

    Keys and values of the encode are tables, those of chords are kept.
    """
    d, layers, band = model.latent_dim, model.num_layers, model.latent_len
    encode = 2 * d * d + 2 * d * model.max_seq_len
    block = 4 * d * d + 2 * d * d + 2 * d * model.ff_dim + 2 * d * band
    decode = 4 * d * d + 2 * d * band
    return encode + layers * block + decode + d * NUM_EVENT_IDS


def of_width(factor: float) -> Callable[[ModelConfig], ModelConfig]:
    """Returns what makes a network wider or narrower, with as many blocks and hidden units as cost the same."""

    def change(model: ModelConfig) -> ModelConfig:
        width = round(factor * model.latent_dim / model.num_heads) * model.num_heads
        wide = replace(model, latent_dim=width, ff_dim=round(factor * model.ff_dim))
        depths = [replace(wide, num_layers=layers) for layers in range(1, 4 * model.num_layers)]
        near = min(depths, key=lambda m: abs(decode_products(m) - decode_products(model)))
        missing = decode_products(model) - decode_products(near)
        return replace(near, ff_dim=near.ff_dim + round(missing / (2 * width * near.num_layers)))

    return change


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


def no_chords(inputs: Inputs) -> Inputs:
    """The same windows under no chord at all."""
    now = torch.zeros_like(inputs.chord_now)
    return replace(inputs, chords=torch.full_like(inputs.chords, NO_CHORD), chord_now=now)


def no_beats(inputs: Inputs) -> Inputs:
    """The same windows with no beat known."""
    return replace(inputs, beat=torch.full_like(inputs.beat, BEAT_BINS), bar=torch.full_like(inputs.bar, BAR_BINS))


def hiding(change: Callable[[Inputs], Inputs]) -> Callable[[Trainer], None]:
    """Returns what changes all windows that a network hears, in training and when it is judged."""

    def hook(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return change(args[0]), *args[1:]

    def apply(trainer: Trainer) -> None:
        trainer.model.register_forward_pre_hook(hook)

    return apply


def without_source(name: str) -> Callable[[TrainingConfig], TrainingConfig]:
    """Returns what leaves a collection out of training; the others have its windows."""

    def change(training: TrainingConfig) -> TrainingConfig:
        kept = tuple(source for source in training.sources if source.name != name)
        return replace(training, sources=(*kept, SourceConfig(name, weight=0.0)))

    return change


T = TypeVar("T")


def same(value: T) -> T:
    """Returns what it is given."""
    return value


def untouched(_trainer: Trainer) -> None:
    """Leaves a trainer as it is."""


@dataclass(frozen=True)
class Variant:
    """One change: of the network's sizes, of training, or of the trainer with its network.

    without: part of the name of the collection that is left out, on whose works the gain is not counted.
    """

    group: str
    says: str
    model: Callable[[ModelConfig], ModelConfig] = same
    training: Callable[[TrainingConfig], TrainingConfig] = same
    trainer: Callable[[Trainer], None] = untouched
    without: str = ""


SOURCES = ("pianolatron", "cheriell", "GiantMIDI", "Mutopia", "Lieder", "POP909", "OpenEWLD")

VARIANTS = {
    "reference": Variant("reference", "the form as it is, all sources, a share of practice pieces of edition 2"),
    **{
        f"without {name}": Variant("sources", f"{name} left out", training=without_source(name), without=name)
        for name in SOURCES
    },
    "practice none": Variant("practice", "no practice pieces", training=lambda t: replace(t, practice=0.0)),
    "practice half": Variant("practice", "half of their share", training=lambda t: replace(t, practice=t.practice / 2)),
    "practice 1": Variant("practice", "of edition 1", training=lambda t: replace(t, practice_edition=1)),
    "gaps 0.1": Variant("gaps", "a tenth of the windows are gaps", training=lambda t: replace(t, gaps=0.1)),
    "latent_len 32": Variant("latent_len", "latents attend to 32", model=lambda m: replace(m, latent_len=32)),
    "latent_len 128": Variant("latent_len", "latents attend to 128", model=lambda m: replace(m, latent_len=128)),
    "latent_len 256": Variant("latent_len", "latents attend to 256", model=lambda m: replace(m, latent_len=256)),
    "deep": Variant("shape", "0.75 of the width, deeper at the same decode cost", model=of_width(0.75)),
    "wide": Variant("shape", "1.25 of the width, shallower at the same decode cost", model=of_width(1.25)),
    "heads / 2": Variant("shape", "half of the heads", model=lambda m: replace(m, num_heads=m.num_heads // 2)),
    "heads x 2": Variant("shape", "twice the heads", model=lambda m: replace(m, num_heads=m.num_heads * 2)),
    "dropout 0": Variant("dropout", "none", model=lambda m: replace(m, dropout=0.0)),
    "dropout 0.1": Variant("dropout", "a tenth", model=lambda m: replace(m, dropout=0.1)),
    "absolute": Variant("positions", "learned absolute positions, no relative terms", trainer=absolute_positions),
    "nowhere": Variant("positions", "neither", trainer=no_relative),
    "no chords": Variant("known", "chords hidden, here and there", trainer=hiding(no_chords)),
    "no beats": Variant("known", "beats hidden, here and there", trainer=hiding(no_beats)),
}
