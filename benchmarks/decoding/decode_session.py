"""The whole of a session on the shipped base, for bench_decode: a solo, tokens beside busy processes, a start."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import native
from benchmarks.decoding.decode_contestants import ours
from engine.chords import parse_chord
from engine.inference.session import Session
from engine.inference.stream import Stream
from engine.inference.streams import ROLLBACK_TOKENS
from engine.model.checkpoint import load_checkpoint
from engine.platform.system import this_system

__all__ = ["beside_busy_processes", "busy_processes", "solos", "start_up"]

SOLO_S = 300.0


def _solo(backend: str, python_loop: bool = False, chord_strength: float = 1.0) -> dict[str, float]:
    """Improvises over a ii-V-I; returns tokens, CPU seconds a minute of music, and seconds of music a CPU second."""
    session = Session(load_checkpoint(), seed=1, backend=backend)
    if python_loop:
        session._stream = Stream(session._decoder, 1, ROLLBACK_TOKENS, session._checkpoint.model.controls)
    session.set_params(chord_strength=chord_strength)
    session.set_tempo(120)
    chords = [parse_chord(symbol) for symbol in ("Dm7", "G7", "Cmaj7", "Cmaj7")]
    session.set_chords([(2.0 * bar, chords[bar % 4]) for bar in range(int(SOLO_S / 2) + 1)])
    start = time.thread_time()
    events = session.generate(SOLO_S)
    cpu_s = time.thread_time() - start
    tokens = session._stream.length
    return {
        "notes": sum(event.kind == "on" for event in events), "tokens": tokens, "ms_per_token": 1e3 * cpu_s / tokens,
        "cpu_s_per_minute": 60 * cpu_s / SOLO_S, "times_real_time": SOLO_S / cpu_s,
    }  # fmt: skip


def solos() -> dict[str, dict[str, float]]:
    """Plays five minutes with knobs at their defaults on one thread, by the compiled token loop and by Python's.

    guided: with a chord_strength for which the stream without chords is computed, too.
    """
    rows = {"numpy": _solo("numpy")}
    if native.VARIANT == "compiled":
        rows["native decoder, loop in Python"] = _solo("native", python_loop=True)
        rows["native, guided"] = _solo("native", chord_strength=1.2)
        rows["native"] = _solo("native")
    return rows


@contextmanager
def busy_processes() -> Iterator[None]:
    """Runs two processes that never rest."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def beside_busy_processes(seconds: float) -> dict[str, dict[str, float]]:
    """Returns wall milliseconds of single tokens of the shipped base's size: alone, and beside two busy processes, as
    an ordinary thread and with the priority of sideman play's session thread, where the system grants it.

    It rests between bursts of tokens, as a player does: Linux holds back a real-time thread that fills a second."""
    step = ours("tiny", "int8", True)
    rows = {}

    def row(name: str) -> None:
        step()
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            time.sleep(0.005)
            for _ in range(20):
                start = time.perf_counter()
                step()
                times.append((time.perf_counter() - start) * 1e3)
        p50, p99 = np.percentile(times, [50, 99])
        rows[name] = {"p50": float(p50), "p99": float(p99), "max": max(times), "p99_by_p50": float(p99 / p50)}

    row("alone")
    with busy_processes():
        row("two busy processes")
        if not this_system().raise_priority("session"):
            print("the system grants no real-time priority")
        else:
            row("two busy processes, real-time priority")
            if hasattr(os, "sched_setscheduler"):
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return rows


def start_up() -> tuple[float, float]:
    """Returns seconds from a fresh process to the first bar of music on disk, and its peak resident MB.

    Files are compiled once, before: users have the bytecode that pip wrote, whatever the environment here says.
    """
    code = (
        "import sys; from engine.solo.command import main\n"
        "sys.argv = ['engine', '--chords', 'C', '-o', sys.argv[1]]; main()\n"
        "from benchmarks.common.process import peak_mb; print(peak_mb(), file=sys.stderr)"
    )
    with tempfile.TemporaryDirectory() as folder:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        command = [sys.executable, "-c", code, str(Path(folder) / "one.mid")]
        for _ in range(2):
            start = time.perf_counter()
            run = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
            seconds = time.perf_counter() - start
    return seconds, float(run.stderr)
