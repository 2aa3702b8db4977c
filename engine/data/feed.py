"""Batches made by processes beside the training, in the order in which it asks for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from engine.data.diet import Diet, TrainingWindows
from engine.data.reading import pool
from engine.model.perceiver import Inputs

__all__ = ["Feed", "default_workers"]

AHEAD = 4  # batches that each process keeps ready
MOST_WORKERS = 14  # what fed an H100: 480 k tokens/s


def default_workers(device: torch.device) -> int:
    """Returns how many processes feed a device: none a CPU, which has other things to do, else one a core."""
    return 0 if device.type == "cpu" else max(1, min(MOST_WORKERS, pool.default_workers() - 1))


class Feed:
    """Batches first, first + stride, ... of a diet, each once and in that order: the same for any number of processes.

    It has the face of TrainingWindows. workers: processes; 0: this one makes the batches. device: where they are put.
    """

    def __init__(
        self, diet: Diet, first: int, stride: int = 1, workers: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        self._next, self._stride, self._device = first, stride, torch.device(device)
        loader: DataLoader[Any] = DataLoader(
            _Batches(diet),
            batch_size=None,
            sampler=_Numbers(first, stride),
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            pin_memory=self._device.type == "cuda",
            collate_fn=_as_it_is,
        )
        self._loaded: Iterator[_Narrow] = iter(loader)  # the processes start here

    def batch(self, number: int) -> tuple[Inputs, Tensor]:
        """Returns the next batch, which must be `number`."""
        assert number == self._next, f"batch {number} was asked for where {self._next} comes"
        self._next += self._stride
        narrow = next(self._loaded)._asdict()
        levels, targets = narrow.pop("levels"), narrow.pop("targets")
        wide = {name: self._there(value).long() for name, value in narrow.items()}
        inputs = Inputs(**wide, levels=None if levels is None else self._there(levels).float())
        return inputs, self._there(targets).long()

    def _there(self, value: Tensor) -> Tensor:
        return value.to(self._device, non_blocking=True)


class _Narrow(NamedTuple):
    """A batch in the narrowest types, since the memory that processes share is small in containers."""

    tokens: Tensor
    beat: Tensor
    bar: Tensor
    chords: Tensor
    chord_now: Tensor
    chords_ahead: Tensor
    num_chords: Tensor
    levels: Tensor | None  # whole ones, as windows are told them
    targets: Tensor


class _Batches(Dataset[_Narrow]):
    """Batches by number. Each process opens the diet for itself, when it is first asked."""

    def __init__(self, diet: Diet) -> None:
        self._diet = diet
        self._windows: TrainingWindows | None = None

    def __getitem__(self, number: int) -> _Narrow:
        if self._windows is None:
            self._windows = self._diet.open()
        inputs, targets = self._windows.batch(number)
        columns = {name: value.to(torch.int16) for name, value in vars(inputs).items() if name != "levels"}
        levels = None if inputs.levels is None else inputs.levels.to(torch.int8)
        return _Narrow(**columns, levels=levels, targets=targets.to(torch.int16))


class _Numbers(Sampler[int]):
    """The numbers of the batches, without end."""

    def __init__(self, first: int, stride: int) -> None:
        self._first, self._stride = first, stride

    def __iter__(self) -> Iterator[int]:
        return itertools.count(self._first, self._stride)


def _as_it_is(batch: Any) -> Any:
    return batch
