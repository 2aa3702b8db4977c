"""Where a run trains: one device or several processes, in which precision, through Hugging Face Accelerate."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from engine.errors import ConfigError, SidemanError

__all__ = ["DEVICES", "make_accelerator"]

DEVICES = ("auto", "cpu", "cuda", "mps")


def make_accelerator(device: str = "auto", mixed_precision: str = "no") -> Accelerator:
    """One of DEVICES; auto: the GPU if there is one. Started by `accelerate launch`, it joins the other processes.

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
    # Accelerate keeps one state for the whole process and refuses a second run in another precision.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
    return Accelerator(cpu=device == "cpu", mixed_precision=mixed_precision)
