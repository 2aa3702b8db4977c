"""Where a run trains and in which form: device, processes and precision through Accelerate, kernels by the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from engine.errors import ConfigError, SidemanError
from engine.model.perceiver import DENSE, PLAIN, Block, Inputs, PerceiverMusicTransformer
from engine.vocabulary import NO_CHORD

__all__ = ["DEVICES", "FastForm", "has_bfloat16_units", "make_accelerator", "pad_chords"]

DEVICES = ("auto", "cpu", "cuda", "mps")
CHORDS = 96  # of a window in the fast form, or a multiple: another shape would be compiled anew


def make_accelerator(device: str = "auto", mixed_precision: str = "no") -> Accelerator:
    """Makes an accelerator for one of DEVICES; auto: the GPU if there is one. `accelerate launch` joins processes.

    A processor without units for bfloat16 computes in float32 instead: torch would emulate bf16 there, at a seventh to
    a tenth of the speed. The accelerator's mixed_precision says which it is.

    SidemanError: there is no such device here. ConfigError: it cannot compute in that precision.
    """
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if has[name])
    if not has.get(device, False):
        here = ", ".join(name for name, there in has.items() if there)
        raise SidemanError(f"device {device}: torch {torch.__version__} finds none here: give one of {here}")
    if mixed_precision == "fp16" and device == "cpu":
        raise ConfigError("training.mixed_precision fp16: a CPU has no such arithmetic: use bf16 or no")
    if mixed_precision == "bf16" and device == "cpu" and not has_bfloat16_units():
        mixed_precision = "no"
    # Accelerate keeps one state for the whole process and refuses a second run in another precision.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
    return Accelerator(cpu=device == "cpu", mixed_precision=mixed_precision)


def has_bfloat16_units() -> bool:
    """Tells whether this processor multiplies bfloat16 itself, as far as this torch can say."""
    known: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch cannot say
    return any(known.get(unit, False) for unit in ("avx512_bf16", "amx_bf16", "bf16"))


class FastForm:
    """A network's arithmetic for a GPU: dense attention, and blocks compiled into few kernels.

    The same function to rounding; with it only whole windows, of one shape. backend: of torch.compile; None compiles
    nothing. What is compiled is shared by all blocks: one block, one encode attention and one decode attention.
    """

    def __init__(self, model: PerceiverMusicTransformer, backend: str | None = "inductor") -> None:
        self._model = model
        self._kernels, self._block = DENSE, Block.forward
        if backend is not None:
            compiled = partial(torch.compile, dynamic=False, backend=backend)
            self._kernels, self._block = DENSE._replace(attention=compiled(DENSE.attention)), compiled(Block.forward)
        self._use()

    def _use(self) -> None:
        self._model.kernels = self._kernels
        for module in self._model.blocks:
            block = cast(Block, module)
            block.kernels = DENSE  # compiled as a part of the block
            block.forward = partial(self._block, block)  # type: ignore[method-assign]

    @contextmanager
    def plain(self) -> Iterator[None]:
        """The network in its plain form: for windows of other shapes, and parts of windows."""
        self._model.kernels = PLAIN
        for module in self._model.blocks:
            block = cast(Block, module)
            block.kernels = PLAIN
            del block.forward
        try:
            yield
        finally:
            self._use()


def pad_chords(inputs: Inputs) -> Inputs:
    """The windows with as many chords as the fast form is compiled for; those added are hidden."""
    missing = -inputs.chords.shape[1] % CHORDS
    return replace(inputs, chords=F.pad(inputs.chords, (0, missing), value=NO_CHORD)) if missing else inputs
