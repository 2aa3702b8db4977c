"""What a process of its own measured, and how much memory and processor time a process took."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["held_mb", "in_fresh_process", "peak_mb", "processor_s"]


def in_fresh_process(module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Any:
    """Runs `python -m module` and returns the JSON of the last line that it prints. CalledProcessError: it failed."""
    import subprocess  # a process that only asks for its own peak is timed, and need not load it

    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.strip().splitlines()[-1])


def peak_mb() -> float:
    """Returns the most memory that this process alone has held; on Linux ru_maxrss would begin with its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return held_mb(resource.getrusage(resource.RUSAGE_SELF))


def held_mb(usage: resource.struct_rusage) -> float:
    """Returns the most memory that the system tells of; macOS counts it in bytes, others in kB (getrusage(2))."""
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def processor_s(pid: int) -> float:
    """Returns the user and system seconds of a process so far, of all its threads. Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
