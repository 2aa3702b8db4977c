"""What a measurement ran on, and how it was timed."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["describe", "percentiles", "seconds_per_call"]


def describe() -> dict[str, object]:
    """Returns processor, cores, load and versions, for the last line of a benchmark."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
             ] if cpuinfo.exists() else []  # fmt: skip
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def seconds_per_call(call: Callable[[], object], budget_s: float = 0.5, repeats: int = 7) -> float:
    """Returns the median over `repeats` runs of the mean time of one call; all runs take about budget_s."""
    call()
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    count = max(1, int(budget_s / repeats / max(once, 1e-9)))
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            call()
        runs.append((time.perf_counter() - start) / count)
    return statistics.median(runs)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Returns p50, p99 and the largest of the values, and how many there are; of none the count alone."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return {"p50": statistics.median(ordered), "p99": p99, "max": ordered[-1], "count": len(ordered)}
