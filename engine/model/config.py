"""Configurations as frozen dataclasses, checked as they are made. engine/model/config_file reads them from YAML."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import ConfigError
from engine.model.controls import Control
from engine.vocabulary import VOCAB_SIZE

__all__ = ["MAX_ALPHA", "MAX_RANK", "Config", "ModelConfig", "QloraConfig", "SourceConfig", "TrainingConfig"]

MAX_RANK, MAX_ALPHA = 256, 10_000
"""Of a style, wherever it is made, kept or played. The compiled decoder has room for that rank (Decoder::kMaxRank)."""


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ConfigError(text)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network (docs/MODEL.md draws it)."""

    vocab_size: int = VOCAB_SIZE  # events, then chords: engine/vocabulary
    latent_dim: int = 512  # width of every stream
    latent_len: int = 256  # band of the latent self-attention, in tokens
    num_layers: int = 8  # process blocks
    num_heads: int = 8
    ff_dim: int = 2048
    dropout: float = 0.1
    max_seq_len: int = 2048  # tokens that a latent sees through the encode attention
    max_relative_distance: int = 512  # learned distances; farther tokens share the last
    controls: tuple[Control, ...] = ()  # what a query can be asked, in the order of the embedding's rows

    def __post_init__(self) -> None:
        _require(self.vocab_size == VOCAB_SIZE, f"model.vocab_size {self.vocab_size}: the token table has {VOCAB_SIZE}")
        for key in ("latent_dim", "latent_len", "num_layers", "num_heads", "ff_dim", "max_seq_len"):
            _require(getattr(self, key) >= 1, f"model.{key} {getattr(self, key)}: must be 1 or more")
        _require(
            self.latent_dim % self.num_heads == 0,
            f"model.latent_dim {self.latent_dim} is not divisible by model.num_heads {self.num_heads}",
        )
        _require(0 <= self.dropout < 1, f"model.dropout {self.dropout}: must be in 0..1")
        _require(
            self.latent_len <= self.max_seq_len,
            f"model.latent_len {self.latent_len} exceeds model.max_seq_len {self.max_seq_len}",
        )
        _require(
            1 <= self.max_relative_distance <= self.max_seq_len,
            f"model.max_relative_distance {self.max_relative_distance}: must be in 1..max_seq_len {self.max_seq_len}",
        )
        names = [control.name for control in self.controls]
        _require(len(set(names)) == len(names), f"model.controls {names}: a name stands there twice")


@dataclass(frozen=True)
class QloraConfig:
    """The adapter of a style."""

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.1
    quantization_bits: int = 4
    quant_type: str = "nf4"
    double_quantization: bool = True
    target_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "out_proj")

    def __post_init__(self) -> None:
        _require(1 <= self.alpha <= MAX_ALPHA, f"qlora.alpha {self.alpha}: must be in 1..{MAX_ALPHA}")
        _require(0 <= self.dropout < 1, f"qlora.dropout {self.dropout}: must be in 0..1")
        strangers = set(self.target_modules) - set(QloraConfig.target_modules)
        _require(
            bool(self.target_modules) and not strangers,
            f"qlora.target_modules {list(self.target_modules)}: give some of {', '.join(QloraConfig.target_modules)}",
        )
        _require(1 <= self.rank <= MAX_RANK, f"qlora.rank {self.rank}: must be in 1..{MAX_RANK}")
        _require(self.quantization_bits in (4, 16), f"qlora.quantization_bits {self.quantization_bits}: 4 or 16")
        _require(self.quant_type == "nf4", f"qlora.quant_type {self.quant_type!r}: only nf4 is implemented")


@dataclass(frozen=True)
class SourceConfig:
    """What training makes of one collection of a data folder."""

    name: str  # part of one collection's name
    weight: float = 1.0  # a token of it is drawn so many times as often
    manner: str = ""  # how windows are told that it plays, a label of the control "manner"; empty: they are not

    def __post_init__(self) -> None:
        _require(bool(self.name), "a source without a name: give part of a collection's name")
        _require(self.weight >= 0, f"source {self.name!r}: weight {self.weight}: must be 0 or more")


@dataclass(frozen=True)
class TrainingConfig:
    """How the base is trained."""

    learning_rate: float = 1e-3  # of AdamW and, scaled to the same update size, of Muon
    batch_size: int = 4  # windows of max_seq_len tokens in a step
    epochs: float = 1.0  # passes over the un-augmented tokens
    warmup_steps: int = 200
    gradient_accumulation: int = 1
    mixed_precision: str = "no"  # no, bf16, or fp16 on a GPU
    fall: float = 0.0  # last share of the updates, in which the rate falls evenly to 0; 0: a cosine all the way
    ema: float = 0.0  # decay of the average over updates that is measured and saved; 0: the last update's weights
    quantisation_aware: bool = False  # updates feel the rounding to NF4 that a checkpoint does to the matrices
    latent_span: int = 0  # last positions of a window that have latents and a loss; 0: all of them
    practice: float = 0.0  # share of the windows that are cut from practice pieces composed for them
    gaps: float = 0.0  # share of the windows that are gaps, told in the order in which a fill hears them
    practice_edition: int = 2  # 1: solos over charts, which the shipped base learnt; 2: whole performances; 0: both
    sources: tuple[SourceConfig, ...] = ()  # of collections that are not as all others

    def __post_init__(self) -> None:
        _require(self.learning_rate > 0, f"training.learning_rate {self.learning_rate}: must be above 0")
        for key in ("batch_size", "gradient_accumulation"):
            _require(getattr(self, key) >= 1, f"training.{key} {getattr(self, key)}: must be 1 or more")
        _require(self.epochs > 0, f"training.epochs {self.epochs}: must be above 0")
        _require(0 <= self.fall <= 1, f"training.fall {self.fall}: must be in 0..1")
        _require(0 <= self.ema < 1, f"training.ema {self.ema}: must be in 0..1")
        _require(self.latent_span >= 0, f"training.latent_span {self.latent_span}: must be 0 or more")
        _require(0 <= self.practice <= 1, f"training.practice {self.practice}: must be in 0..1")
        _require(0 <= self.gaps < 1, f"training.gaps {self.gaps}: must be in 0..1, and below 1: music goes on, too")
        _require(
            not (self.gaps and self.latent_span),
            f"training.gaps {self.gaps} with a latent_span: windows of gaps are short, and would have no loss",
        )
        _require(
            self.practice_edition in (0, 1, 2),
            f"training.practice_edition {self.practice_edition}: there are 1 and 2, and 0 for both",
        )
        names = [source.name for source in self.sources]
        _require(len(set(names)) == len(names), f"training.sources {names}: a name stands there twice")
        _require(self.warmup_steps >= 0, f"training.warmup_steps {self.warmup_steps}: must be 0 or more")
        _require(
            self.mixed_precision in ("no", "bf16", "fp16"),
            f"training.mixed_precision {self.mixed_precision!r}: no, bf16 or fp16",
        )


@dataclass(frozen=True)
class Config:
    """One YAML file."""

    model: ModelConfig = field(default_factory=ModelConfig)
    qlora: QloraConfig = field(default_factory=QloraConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        span, least, most = self.training.latent_span, self.model.latent_len, self.model.max_seq_len
        _require(
            span == 0 or least <= span <= most,
            f"training.latent_span {span}: must be 0 or in model.latent_len {least}..model.max_seq_len {most}",
        )
