"""Holds weights as a checkpoint's file stores them, and unpacks them to float32 on demand.

A base in NF4 takes an eighth of its float32 form. The compiled decoder reads the codes as they are; everybody else asks
by name and gets a fresh float32 array, so the caller decides what stays in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.model import nf4

__all__ = ["ABSMAX", "MAX_WEIGHT", "StoredWeights"]

ABSMAX = ".absmax"  # the scales of the NF4 codes NAME are called NAME.absmax
MAX_WEIGHT = 1e4  # far beyond any trained one; larger numbers overflow somewhere on the way to the logits
_SIGN = 0x7FFF  # all bits of a float16 but its sign


class StoredWeights(Mapping[str, npt.NDArray[np.float32]]):
    """Parameter name -> float32 array, made anew at every look. stored: a file's tensors.

    ValueError: codes without scales, scales without codes, or a tensor that holds no numbers.
    """

    def __init__(self, stored: Mapping[str, npt.NDArray[Any]]) -> None:
        self._stored = stored
        self._names = [name for name in stored if not name.endswith(ABSMAX)]
        for name in stored.keys() - set(self._names):
            if name.removesuffix(ABSMAX) not in stored:
                raise ValueError(f"{name} has no codes")
        for name in self._names:
            if self._is_nf4(name):
                nf4.check(stored[name], stored[name + ABSMAX])
            elif not np.issubdtype(stored[name].dtype, np.floating):
                raise ValueError(f"{name} is {stored[name].dtype} without scales")

    def __getitem__(self, name: str) -> npt.NDArray[np.float32]:
        tensor = self._stored[name]
        return nf4.dequantise(tensor, self._stored[name + ABSMAX]) if self._is_nf4(name) else tensor.astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def shape(self, name: str) -> tuple[int, ...]:
        """Returns the shape of a parameter without unpacking it."""
        shape = self._stored[name].shape
        return (shape[0], 2 * shape[1]) if self._is_nf4(name) else shape

    def holds_numbers(self, name: str) -> bool:
        """Whether no number is NaN, infinite or beyond MAX_WEIGHT."""
        tensor = self._stored[name + ABSMAX if self._is_nf4(name) else name]
        if tensor.dtype == np.float16:  # as integers: numpy computes with halves slowly
            return bool(((tensor.view(np.uint16) & _SIGN) <= np.float16(MAX_WEIGHT).view(np.uint16)).all())
        return bool((np.abs(tensor) <= MAX_WEIGHT).all())  # false for NaN, too

    def _is_nf4(self, name: str) -> bool:
        return name + ABSMAX in self._stored
