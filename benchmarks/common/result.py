"""The last line of every benchmark: one JSON object, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from benchmarks.common.machine import describe

__all__ = ["say_result"]


def say_result(benchmark: str, figures: Mapping[str, object]) -> None:
    """Prints what was measured, after the benchmark's name and the machine that it ran on."""
    print(json.dumps({"benchmark": benchmark, "machine": describe(), **figures}))
