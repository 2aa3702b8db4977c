"""Makes what safetensors says of a disk the operating system's error that it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

__all__ = ["disk_errors"]


@contextmanager
def disk_errors() -> Iterator[None]:
    """Around save_file inside atomic_write, which names the file and the remedy of an OSError, and of nothing else."""
    try:
        yield
    except SafetensorError as error:
        raise OSError(str(error).removeprefix("Error while serializing: ").removeprefix("I/O error: ")) from None
