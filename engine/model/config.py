"""Configurations: frozen dataclasses read from YAML by one loader that names unknown keys."""

from __future__ import annotations

import difflib
import math
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import yaml

from engine.errors import ConfigError
from engine.model.controls import Control
from engine.vocabulary import VOCAB_SIZE

__all__ = [
    "Config", "ModelConfig", "QloraConfig", "SourceConfig", "TrainingConfig", "load_config", "parse_config",
    "shipped_configs", "to_yaml",
]  # fmt: skip

T = TypeVar("T")

_KINDS = {bool: "true or false", tuple: "a list of names", str: "a word", int: "a whole number", float: "a number"}


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
        _require(self.alpha >= 1, f"qlora.alpha {self.alpha}: must be 1 or more")
        _require(0 <= self.dropout < 1, f"qlora.dropout {self.dropout}: must be in 0..1")
        strangers = set(self.target_modules) - set(QloraConfig.target_modules)
        _require(
            bool(self.target_modules) and not strangers,
            f"qlora.target_modules {list(self.target_modules)}: give some of {', '.join(QloraConfig.target_modules)}",
        )
        _require(self.rank >= 1, f"qlora.rank {self.rank}: must be 1 or more")
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
    latent_span: int = 0  # last positions of a window that have latents and a loss; 0: all of them
    practice: float = 0.0  # share of the windows that are cut from practice pieces composed for them
    practice_edition: int = 2  # 1: solos over charts, which the shipped base learnt; 2: whole performances
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
        _require(
            self.practice_edition in (1, 2), f"training.practice_edition {self.practice_edition}: there are 1 and 2"
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


def shipped_configs() -> list[str]:
    """Returns the names that load_config accepts without a path."""
    folder = resources.files("engine") / "configs"
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def load_config(name_or_path: str | Path) -> Config:
    """Loads a shipped config by name ("medium") or a YAML file by path.

    Raises ConfigError: no such config, broken YAML, an unknown key (the nearest one is named), a wrong type or range.
    """
    text = str(name_or_path)
    if text in shipped_configs():
        source = (resources.files("engine") / "configs" / f"{text}.yaml").read_text(encoding="utf-8")
    else:
        path = Path(name_or_path)
        if not path.is_file():
            raise ConfigError(f"no config {text!r}: give a YAML file or one of {', '.join(shipped_configs())}")
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text}: cannot be read as UTF-8 text ({error}): give a YAML file") from None
    return parse_config(source, text)


def parse_config(source: str, where: str) -> Config:
    """Reads a config from the text of a YAML file. ConfigError as of load_config; it begins with `where`."""
    try:
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: broken YAML: {' '.join(str(error).split())}") from None
    return _build(Config, {} if data is None else data, where=where)


def to_yaml(config: Config) -> str:
    """Returns the YAML that load_config reads back."""
    data = asdict(config)
    data["qlora"]["target_modules"] = list(data["qlora"]["target_modules"])
    for section, key in (("model", "controls"), ("training", "sources")):
        rows = data[section].pop(key)
        if rows:
            data[section][key] = [
                {
                    name: list(value) if isinstance(value, tuple) else value
                    for name, value in row.items()
                    if value != "" and value != ()
                }
                for row in rows
            ]
    return yaml.safe_dump(data, sort_keys=False)


def _build(cls: type[T], data: Any, where: str) -> T:
    """Builds a dataclass from a mapping, and nested dataclasses by their annotation."""
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected keys and values, got {type(data).__name__}")
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            raise ConfigError(f"{where}: unknown key {key!r}: did you mean {near[0]!r}?")
        kind = hints[key]
        if isinstance(kind, type) and is_dataclass(kind):
            values[key] = _build(kind, value if value is not None else {}, where=f"{where}: {key}")
        elif kind in (tuple[Control, ...], tuple[SourceConfig, ...]):
            if not isinstance(value, list):
                raise ConfigError(f"{where}: {key}: {value!r} is not a list of {key}")
            item_kind = get_args(kind)[0]
            values[key] = tuple(_build(item_kind, item, where=f"{where}: {key}") for item in value)
        elif kind == tuple[float, ...]:
            if not isinstance(value, list):
                raise ConfigError(f"{where}: {key}: {value!r} is not a list of numbers")
            values[key] = tuple(_convert(item, 0.0, f"{where}: {key}") for item in value)
        elif known[key].default is MISSING:
            values[key] = _convert(value, "", f"{where}: {key}")
        else:
            values[key] = _convert(value, known[key].default, f"{where}: {key}")
    for key in sorted(name for name, f in known.items() if f.default is f.default_factory is MISSING):
        if key not in values:
            raise ConfigError(f"{where}: {key} is missing")
    try:
        return cls(**values)
    except ConfigError as error:  # a value out of range names itself; the file is known here
        raise ConfigError(f"{where.partition(': ')[0]}: {error}") from None


def _convert(value: Any, default: Any, where: str) -> Any:
    """Converts a value to the type of the field's default; YAML gives `1e-3` as text, which is meant as a number."""
    assert default is not MISSING
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif isinstance(default, str):
        if isinstance(value, str):
            return value
        if isinstance(value, bool):  # YAML reads an unquoted `no` as false
            return "yes" if value else "no"
    elif not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if math.isfinite(number) and (isinstance(default, float) or number == int(number)):
            return type(default)(number)
    raise ConfigError(f"{where}: {value!r} is not {_KINDS[type(default)]}")
