"""Chooses the decoder that computes the logits: the compiled one where it was built, else numpy's; torch's if asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol, TypeVar

import native
from engine.arrays import F32, I64
from engine.errors import SidemanError
from engine.inference.decoders.native_decoder import native_decoder
from engine.inference.decoders.style_slots import Adapter
from engine.model.checkpoint import Checkpoint
from engine.model.shapes import count_parameters

__all__ = ["BACKENDS", "DEVICES", "StreamDecoder", "compiled_advice", "make_decoder", "speed_advice"]

BACKENDS = ("auto", "native", "numpy", "torch", "cuda")
DEVICES = {"auto": "auto", "cpu": "auto", "cuda": "cuda"}
"""What a user may ask for on the command line, and the backend it means."""

SLOW_KERNELS = ("numpy", "portable")
MAX_SLOW_PARAMETERS = 8_000_000  # a token of 22 million takes numpy 8 ms, where a dense chorus asks for 60 a second


Same = TypeVar("Same")


class StreamDecoder(Protocol):
    """What a session asks of a decoder; engine/inference/decoders/numpy_decoder documents each method."""

    @property
    def length(self) -> int: ...

    @property
    def streams(self) -> int: ...

    def step(
        self, token: int, beat: int, bar: int, chord_ids: I64, chord_rows: I64, levels: F32 | None = None
    ) -> F32: ...

    def rollback(self, tokens: int) -> None: ...

    def fork(self: Same, rollback: int) -> Same: ...

    def copy(self: Same, other: Same, same: int) -> None: ...

    def guide(self) -> None: ...

    @property
    def kernel(self) -> str: ...

    def set_style(self, slot: int, modules: Adapter) -> None: ...

    def set_style_weights(self, weights: Sequence[float]) -> None: ...


def make_decoder(
    checkpoint: Checkpoint, backend: str = "auto", rollback: int = 1024, streams: int = 2
) -> StreamDecoder:
    """Makes a decoder, whose `kernel` is an instruction set of this processor, "numpy", "torch cpu" or "torch cuda".

    auto: native where the extension was built (SIDEMAN_NATIVE=off: never), the processor has one of its instruction
    sets and it takes the checkpoint's sizes; else numpy. SIDEMAN_KERNEL=portable asks for native on any processor.
    torch and cuda are the same decoder in torch, on the processor and on an NVIDIA GPU.
    streams: 2, or 1 where nobody heeds the chords with another strength than 1 yet: the compiled decoder then takes two
    thirds of the time, until its guide() is called (see Stream.set_params).
    SidemanError: a backend nobody knows, native where there is none or it does not take the sizes, torch or cuda where
    torch is not installed or finds no GPU.
    """
    if backend not in BACKENDS:
        raise SidemanError(f"backend {backend!r}: choose one of {', '.join(BACKENDS)}")
    if backend in ("torch", "cuda"):
        try:
            from engine.inference.decoders.torch_decoder import TorchDecoder
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise SidemanError(
                f"backend {backend} needs torch: pip install 'sideman[train]', or leave it out"
            ) from None
        return TorchDecoder(checkpoint, rollback, "cpu" if backend == "torch" else "cuda", streams=streams)
    if backend == "numpy" or (backend == "auto" and not _native_pays()):
        return _numpy_decoder(checkpoint, rollback, streams)
    if native.VARIANT == "python":
        raise SidemanError("backend native: the extension was not built, or SIDEMAN_NATIVE=off: choose numpy")
    try:
        return native_decoder(checkpoint, rollback, streams=streams)
    except ValueError as error:
        if backend == "auto" and "SIDEMAN_KERNEL" not in str(error):
            return _numpy_decoder(checkpoint, rollback, streams)  # sizes that its kernels do not take: numpy takes any
        raise SidemanError(f"{checkpoint.path}: {error}") from None


def _numpy_decoder(checkpoint: Checkpoint, rollback: int, streams: int) -> StreamDecoder:
    from engine.inference.decoders.numpy_decoder import Decoder

    return Decoder(checkpoint, rollback, streams)


def compiled_advice() -> str:
    """Returns one line if the compiled part was not installed, "" if it was or if the user turned it off."""
    if native.VARIANT == "compiled" or os.environ.get("SIDEMAN_NATIVE") == "off":
        return ""
    return (
        "the compiled part is not here, so the same notes come slower: `pip install --upgrade pip`, then reinstall to "
        "get a wheel of this system, or have a C++ compiler build it"
    )


def speed_advice(checkpoint: Checkpoint, kernel: str) -> str:
    """Returns one line if a decoder's kernel is too slow to play a base of this size live, else ""."""
    if kernel not in SLOW_KERNELS or count_parameters(checkpoint.model) <= MAX_SLOW_PARAMETERS:
        return ""
    where = (
        "this processor has neither AVX2 nor NEON"
        if native.VARIANT == "compiled"
        else "the compiled decoder is not here"
    )
    return f"{where}, so {kernel} decodes, too slowly for this base to answer in time: take --checkpoint small"


def _native_pays() -> bool:
    """Whether the compiled decoder is faster than numpy: its portable kernel, without AVX2 or NEON, is not."""
    if native.VARIANT == "python":
        return False
    return native.kernels()[0] != "portable" or os.environ.get("SIDEMAN_KERNEL", "") != ""
