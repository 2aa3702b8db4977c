"""How to fine-tune: every choice of a run, checked before anything is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from engine.errors import ConfigError
from engine.model.config import QloraConfig
from engine.training.finetune.layers import Form

__all__ = ["KEEP_SHARE", "Recipe"]

LORA_RATE, FULL_RATE = 5e-4, 3e-4
KEEP_SHARE = 0.15  # of the updates, on other music where some is given


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune; the defaults make a style of ten songs in minutes on two cores."""

    qlora: QloraConfig = field(default_factory=QloraConfig)
    form: Form = "32-bit"
    updates: int = 100
    update_tokens: int = 1024  # that an update learns from
    learning_rate: float | None = None  # None: LORA_RATE or FULL_RATE
    warmup: int = 20
    patience: int = 4  # measurements without a gain before it stops; halfway there it goes back and on more slowly
    keep_share: float | None = None  # of the updates, on --keep's training side; None: KEEP_SHARE
    practice_share: float = 0.12  # of the updates, on practice pieces under their own chords
    returns: bool = True  # learn the way back from the model's own playing (not for "full": it is no adapter)
    gradient_checkpointing: bool = False
    device: str = "cpu"
    max_minutes: float = 12.0  # for everything; the rate falls in time, where the updates would take longer
    seed: int = 0

    def __post_init__(self) -> None:
        for option, value in (("updates", self.updates), ("update-tokens", self.update_tokens)):
            if value < 1:
                raise ConfigError(f"--{option} {value}: must be 1 or more")
        if not 0 < self.max_minutes < math.inf:
            raise ConfigError(f"--max-minutes {self.max_minutes:g}: must be above 0")
        if self.keep_share is not None and not 0 <= self.keep_share <= 0.5:
            raise ConfigError(f"--keep-share {self.keep_share:g} lies outside 0..0.5")
        if not 0 <= self.practice_share <= 0.4:
            raise ConfigError(f"the share of practice pieces {self.practice_share:g} lies outside 0..0.4")
        if self.learning_rate is not None and not 0 < self.learning_rate < 1:
            raise ConfigError(f"--learning-rate {self.learning_rate:g} lies outside 0..1")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"--seed {self.seed}: must be 0 or more, below 2^63")

    @property
    def peak_rate(self) -> float:
        return self.learning_rate or (FULL_RATE if self.form == "full" else LORA_RATE)

    @property
    def kept_share(self) -> float:
        return KEEP_SHARE if self.keep_share is None else self.keep_share
