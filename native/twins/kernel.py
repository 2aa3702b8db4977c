"""The instruction set of the decoder, where there is no compiled one."""

from __future__ import annotations

__all__ = ["kernel", "kernels"]


def kernels() -> list[str]:
    """Kernel variants that this machine runs, the best first."""
    return ["numpy"]


def kernel() -> str:
    """The one that decoders use."""
    return "numpy"
