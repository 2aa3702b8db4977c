"""Chooses the token loop of a session: the compiled one with the compiled decoder, else its twin in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import native
from engine.arrays import F32, F64, I64
from engine.inference.backends import StreamDecoder, make_decoder
from engine.inference.stream_rules import stream_rules
from engine.model.checkpoint import Checkpoint
from engine.model.controls import Control
from engine.notes import Event
from engine.vocabulary import LAYOUT

__all__ = ["ROLLBACK_TOKENS", "TokenStream", "compiled_stream", "make_stream"]

ROLLBACK_TOKENS = 1024  # five seconds at 200 tokens a second, which is a very dense solo


Same = TypeVar("Same")


class TokenStream(Protocol):
    """What a session asks of its stream; engine/inference/stream documents each method."""

    @property
    def step(self) -> int: ...

    @property
    def until(self) -> int: ...

    @property
    def length(self) -> int: ...

    @property
    def log_probability(self) -> float: ...

    def sounding(self) -> list[int]: ...

    def set_params(self, params: native.SamplerParams, chord_strength: float) -> None: ...

    def set_chords(self, ids: I64, steps: I64, from_step: int) -> None: ...

    def set_leaning(self, leans: bool) -> None: ...

    def set_beat(self, bpm: float | None, beats_per_bar: int, origin_s: float) -> None: ...

    def set_levels(self, levels: F32) -> None: ...

    def set_targets(self, targets: F64) -> None: ...

    def set_phrase(self, origin_s: float | None) -> None: ...

    def set_form(
        self, returns: Sequence[tuple[float, float, float, int]], round_beats: float,
        loop: tuple[float, float] | None = None,
    ) -> None: ...  # fmt: skip

    def set_theme(self, strength: float) -> None: ...

    def set_ending(self, step: int | None) -> None: ...

    def refresh(self) -> None: ...

    def feed(self, events: Sequence[Event]) -> None: ...

    def mark(self, step: int, token: int) -> None: ...

    def generate(self, until: int, to_strike: bool = False) -> list[Event]: ...

    def rollback(self, to: int) -> None: ...

    def end(self) -> list[Event]: ...

    def logits(self) -> F32: ...

    def fork(self: Same, decoder: Any, seed: int, rollback: int) -> Same: ...  # its own twin's

    def copy(self: Same, other: Same, same: int) -> None: ...

    def set_seed(self, seed: int) -> None: ...

    def shift(self, steps: int) -> None: ...


def make_stream(checkpoint: Checkpoint, seed: int, backend: str = "auto") -> tuple[StreamDecoder, TokenStream]:
    """Makes a decoder, which also takes the styles, and the stream that drives it.

    Errors as make_decoder; ValueError: a
    seed outside 0..2**64-1.
    """
    decoder = make_decoder(checkpoint, backend, ROLLBACK_TOKENS + 1, streams=1)
    if native.VARIANT == "compiled" and isinstance(decoder, native.Decoder):
        return decoder, compiled_stream(decoder, seed, ROLLBACK_TOKENS, checkpoint.model.controls)
    from engine.inference.stream import Stream

    return decoder, Stream(decoder, seed, ROLLBACK_TOKENS, checkpoint.model.controls)


def compiled_stream(decoder: native.Decoder, seed: int, rollback: int, controls: Sequence[Control] = ()) -> TokenStream:
    """Makes the compiled loop around a compiled decoder, which must reach back one token more than `rollback`."""
    return native.Stream(decoder, LAYOUT, stream_rules(controls), seed, rollback)
