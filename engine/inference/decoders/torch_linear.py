"""A matrix of the torch decoder: NF4 by bitsandbytes or float32, with the low-rank matrices of up to four styles."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.arrays import F32
from engine.errors import SidemanError
from engine.model.checkpoint import Checkpoint
from engine.model.nf4 import BLOCK

__all__ = ["Linear", "bitsandbytes_or_none"]


def bitsandbytes_or_none() -> Any:
    """Returns the module bitsandbytes, without the warnings of its own imports; None if it is not installed."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch deprecates what it imports
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return import_module("bitsandbytes")
        except ImportError:
            return None


class Linear:
    """x (n, in) -> (n, out), without bias. Sums are float32."""

    def __init__(
        self, name: str, checkpoint: Checkpoint, device: torch.device, style_weights: Tensor, four_bit: bool
    ) -> None:
        """style_weights: (4,) on the device, read at every call."""
        self._style_weights = style_weights
        self._adapters: dict[int, tuple[Tensor, Tensor]] = {}
        self._state: Any = None
        codes = checkpoint.stored.get(f"{name}.weight")
        if not (four_bit and codes is not None and codes.dtype == np.uint8):
            self._weight = torch.from_numpy(checkpoint.weights[f"{name}.weight"]).to(device)
            return
        bnb = bitsandbytes_or_none()
        if bnb is None:
            raise SidemanError("weights in NF4 need bitsandbytes: pip install 'sideman[train]'")
        self._matmul = bnb.matmul_4bit
        self._weight = torch.from_numpy(codes.reshape(-1, 1).copy()).to(device)
        absmax = checkpoint.stored[f"{name}.weight.absmax"]
        self._state = bnb.functional.QuantState(
            absmax=torch.from_numpy(absmax.reshape(-1).copy()).to(device), blocksize=BLOCK, quant_type="nf4",
            shape=torch.Size((len(codes), 2 * codes.shape[1])), dtype=torch.float32,
            code=bnb.functional.get_4bit_type("nf4", device=device),
        )  # fmt: skip

    def __call__(self, x: Tensor) -> Tensor:
        if self._state is None:
            y = F.linear(x, self._weight)
        elif len(x) <= 2:  # a row at a time it multiplies without unpacking the matrix
            y = torch.cat([self._matmul(row[None], self._weight.t(), quant_state=self._state) for row in x])
        else:
            y = self._matmul(x, self._weight.t(), quant_state=self._state)
        for slot, (a, b) in self._adapters.items():
            y = y + self._style_weights[slot] * (x @ a @ b)
        return y

    def set_adapter(self, slot: int, adapter: tuple[F32, F32, float] | None) -> None:
        """Sets the adapter of a slot: A (rank, in), B (out, rank) and their scale; None empties the slot."""
        self._adapters.pop(slot, None)
        if adapter is not None:
            a, b, scale = adapter
            device = self._weight.device
            self._adapters[slot] = (
                torch.from_numpy(np.ascontiguousarray(a.T)).to(device),
                torch.from_numpy(np.ascontiguousarray(b.T) * np.float32(scale)).to(device),
            )
