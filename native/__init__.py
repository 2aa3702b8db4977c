"""The real-time part of Sideman: tokenizer, sampler, scheduler and input ring, in C++ with Python twins.

Both variants do the same, bit for bit (tests/native holds them to it). SIDEMAN_NATIVE picks one, once:

    auto      the compiled extension where it was built, else the twins (the default)
    require   the compiled extension; ImportError where it is missing
    off       the twins

    Layout, SamplerParams             plain data that both variants take
    Decoder, Stream                   the network and the token loop; compiled only
    StreamRules, Steering, Theme      plain data that the token loop takes
    encode, decode                    notes <-> event tokens
    Sampler                           logits -> next token: grammar, user masks, temperature, top-k, top-p, min-p, draw
    Scheduler                         MIDI events handed out at their deadlines, with cancel and silence
    MidiRing                          input callback -> session
    now_us, philox4x32                the one clock, the one random generator
    kernel, kernels                   the instruction set that the decoder uses, those that it could
    read_bandwidth                    the memory's limit, for benchmarks; compiled only
    plugin_file                       the CLAP plug-in, where it was built

Nobody outside imports native._core. The twins of Decoder and Stream live in engine/inference, since they know the
network; if VARIANT is "python", those two names are missing here and engine.inference.streams takes the twins.

docs/NATIVE.md says which thread owns what. A broken extension (as opposed to a missing one) is always an ImportError.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from native.layout import Layout
from native.sampler_params import SamplerParams
from native.stream_rules import Steering, StreamRules, Theme

__all__ = [
    "VARIANT", "Decoder", "Layout", "MidiEvent", "MidiRing", "Sampler", "SamplerParams", "Scheduler", "Steering",
    "Stream", "StreamRules", "Theme", "decode", "encode", "kernel", "kernels", "now_us", "philox4x32", "plugin_file",
    "read_bandwidth",
]  # fmt: skip

MidiEvent = tuple[int, int, int, int]
"""(due_us, status, data1, data2): a short MIDI message and its deadline on the clock of now_us()."""


def _choose_variant() -> Literal["compiled", "python"]:
    wish = os.environ.get("SIDEMAN_NATIVE", "auto")
    if wish not in ("auto", "require", "off"):
        raise ImportError(f"SIDEMAN_NATIVE={wish!r} is unknown: set it to auto, require or off")
    if wish == "off":
        return "python"
    if importlib.util.find_spec("native._core") is not None:
        return "compiled"
    if wish == "require":
        raise ImportError(
            "native._core was not built, and SIDEMAN_NATIVE=require asks for it: "
            "run `pip install -e .` in the source tree with a C++ compiler, or set SIDEMAN_NATIVE=auto"
        )
    return "python"


VARIANT: Final = _choose_variant()

# mypy reads _core.pyi for both; tests/native/test_face.py holds the twins to its signatures.
if TYPE_CHECKING or VARIANT == "compiled":
    from native._core import (
        Decoder,
        MidiRing,
        Sampler,
        Scheduler,
        Stream,
        decode,
        encode,
        kernel,
        kernels,
        now_us,
        philox4x32,
        read_bandwidth,
    )
else:
    from native.twins.clock import now_us
    from native.twins.kernel import kernel, kernels
    from native.twins.philox import philox4x32
    from native.twins.ring import MidiRing
    from native.twins.sampler import Sampler
    from native.twins.scheduler import Scheduler
    from native.twins.tokenizer import decode, encode


def plugin_file() -> Path | None:
    """Returns the CLAP plug-in that was built with the extension; None where there is none."""
    spec = importlib.util.find_spec("native._core")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("plugin") / "sideman.clap"
    return path if path.is_file() else None
