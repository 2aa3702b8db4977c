"""Decoding a token at a time, one thread: our decoders and their rivals on networks of one size, in one run.

Ours compute two streams (with and without the chords) unless the name says otherwise, rivals one, which flatters them.
An adapter of rank 8 is on where the name says so. Every cache is full: GPT-2 continues a prompt as long as our context.
Times are CPU time of the one thread, so that other programs on the machine count little; rounds alternate between the
contestants. Prints a table a size, then one JSON line.

Then the whole session on the shipped base: five minutes of solo over changes, knobs at their defaults, the same loop
compiled and in Python; and the wall time of single tokens beside two busy processes, as a DAW's player would feel it,
with real-time priority too where the system grants it.
Rivals need the train extra (torch, bitsandbytes, peft, transformers).
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import describe
from random_checkpoint import SIZES, chord_view, model_config, random_checkpoint, random_style

import native
from engine.checkpoint import load_checkpoint
from engine.chords import parse_chord
from engine.inference.decoder import Decoder
from engine.inference.session import Session
from engine.inference.stream import Stream
from engine.inference.streams import ROLLBACK_TOKENS

Stepper = Callable[[], object]


def ours(name: str, precision: str, adapter: bool, streams: int = 2, kernel: str | None = None) -> Stepper:
    from engine.inference.native_decoder import NativeDecoder

    decoder = NativeDecoder(random_checkpoint(name), 1024, precision, streams, kernel)
    if adapter:
        decoder.set_style(0, random_style(model_config(name)))
        decoder.set_style_weights([1.0, 0.0, 0.0, 0.0])
    view, band = chord_view(), model_config(name).latent_len
    decoder.feed(*(np.full(band, value) for value in (60, 0, 0)), *view)
    tokens = itertools.cycle(np.random.default_rng(0).integers(0, 388, 997).tolist())
    return lambda: decoder.step(next(tokens), 3, 2, *view)


def twin(name: str) -> Stepper:
    decoder = Decoder(random_checkpoint(name, dequantised=True))
    view, tokens = chord_view(), itertools.cycle(np.random.default_rng(0).integers(0, 388, 997).tolist())
    for _ in range(model_config(name).latent_len):
        decoder.step(next(tokens), 3, 2, *view)
    return lambda: decoder.step(next(tokens), 3, 2, *view)


def contestants(name: str, rivals: bool) -> dict[str, Stepper]:
    steppers: dict[str, Stepper] = {}
    if native.VARIANT == "compiled":
        steppers["native, adapter"] = ours(name, "int8", True)
        steppers["native"] = ours(name, "int8", False)
        steppers["native, adapter, one stream"] = ours(name, "int8", True, streams=1)
        steppers["native int16, adapter"] = ours(name, "int16", True)
        steppers["native exact, adapter"] = ours(name, "exact", True)
        if native.kernel() == "avx512":
            steppers["native without AVX-512, adapter"] = ours(name, "int8", True, kernel="avx2")
    if name in ("tiny", "256x6", "medium"):
        steppers["numpy"] = twin(name)
    if rivals:
        import torch
        from rivals import torch_stepper

        torch.set_num_threads(1)
        steppers["torch eager float32"] = torch_stepper(model_config(name), four_bit=False)
        steppers["bitsandbytes NF4 + PEFT"] = torch_stepper(model_config(name), four_bit=True)
    return steppers


def measure(steppers: dict[str, Stepper], rounds: int, budget_s: float) -> dict[str, np.ndarray]:
    """Contestant -> CPU milliseconds of single tokens."""
    times: dict[str, list[float]] = {key: [] for key in steppers}
    for _ in range(rounds):
        for key, step in steppers.items():
            step(), step()  # the caches hold another network
            end = time.thread_time() + budget_s
            while (start := time.thread_time()) < end:
                step()
                times[key].append((time.thread_time() - start) * 1e3)
    return {key: np.array(values) for key, values in times.items()}


def solo(backend: str, python_loop: bool = False, seconds: float = 300.0) -> dict[str, float]:
    """Improvises over a ii-V-I: tokens, CPU seconds a minute of music, seconds of music a CPU second."""
    session = Session(load_checkpoint(), seed=1, backend=backend)
    if python_loop:
        session._stream = Stream(session._decoder, 1, ROLLBACK_TOKENS)
        session.set_params()
    session.set_tempo(120)
    chords = [parse_chord(symbol) for symbol in ("Dm7", "G7", "Cmaj7", "Cmaj7")]
    session.set_chords([(2.0 * bar, chords[bar % 4]) for bar in range(int(seconds / 2) + 1)])
    start = time.thread_time()
    events = session.generate(seconds)
    cpu_s = time.thread_time() - start
    tokens = session._stream.length
    return {
        "notes": sum(event.kind == "on" for event in events), "tokens": tokens, "ms_per_token": 1e3 * cpu_s / tokens,
        "cpu_s_per_minute": 60 * cpu_s / seconds, "times_real_time": seconds / cpu_s,
    }  # fmt: skip


def solos() -> dict[str, dict[str, float]]:
    rows = {"numpy": solo("numpy")}
    if native.VARIANT == "compiled":
        rows["native decoder, loop in Python"] = solo("native", python_loop=True)
        rows["native"] = solo("native")
    return rows


def beside_busy_processes(seconds: float) -> dict[str, dict[str, float]]:
    """Wall milliseconds of single tokens of the shipped base's size, alone and beside two processes that never rest."""
    step = ours("tiny", "int8", True)
    rows = {}

    def row(name: str) -> None:
        step()
        times, end = [], time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            step()
            times.append((time.perf_counter() - start) * 1e3)
        p50, p99 = np.percentile(times, [50, 99])
        rows[name] = {"p50": float(p50), "p99": float(p99), "max": max(times)}

    row("alone")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        time.sleep(0.5)
        row("two busy processes")
        if hasattr(os, "sched_setscheduler"):
            try:
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            except PermissionError:
                print("the system grants no real-time priority")
            else:
                row("two busy processes, SCHED_FIFO")
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return rows


def start_up() -> tuple[float, float]:
    """(seconds from a fresh process to the first bar of music on disk, its peak resident MB)."""
    code = (
        "import resource, sys; from engine.generate_command import main\n"
        "sys.argv = ['engine', '--chords', 'C', '-o', sys.argv[1]]; main()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)"
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, "-c", code, str(Path(folder) / "one.mid")]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    return seconds, float(run.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=["tiny", "256x6", "medium"])
    parser.add_argument("--no-rivals", action="store_true", help="our decoders alone")
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    results: dict[str, dict[str, dict[str, float]]] = {}
    seconds, peak_mb = start_up()  # first: a process counts the memory of the one that started it
    for name in options.sizes:
        times = measure(contestants(name, not options.no_rivals), options.rounds, 0.3)
        if not options.no_rivals:
            from rivals import gpt2_loop

            loop = gpt2_loop(model_config(name), model_config(name).max_seq_len - 16, new=16)
            times["Hugging Face GPT-2 generate"] = np.array([next(loop) * 1e3 for _ in range(options.rounds)])
        rows = {key: {"min": ms.min(), "p50": np.median(ms), "p99": np.percentile(ms, 99)} for key, ms in times.items()}
        first = rows.get("native, adapter", rows[next(iter(rows))])["p50"]
        print(f"\n{name:<32} {'min':>8} {'p50':>8} {'p99':>8} {'tokens/s':>9} {'times':>6}   CPU ms a token")
        for key, row in rows.items():
            print(f"{key:<32} {row['min']:>8.3f} {row['p50']:>8.3f} {row['p99']:>8.3f} {1e3 / row['p50']:>9.0f} "
                  f"{row['p50'] / first:>6.1f}")  # fmt: skip
        results[name] = {key: {k: round(float(v), 4) for k, v in row.items()} for key, row in rows.items()}
    music = solos()
    print(
        f"\n{'solo on the shipped base':<32} {'tokens':>8} {'ms/token':>9} {'CPU s a minute':>15} {'x real time':>12}"
    )
    for key, row in music.items():
        print(f"{key:<32} {row['tokens']:>8.0f} {row['ms_per_token']:>9.3f} {row['cpu_s_per_minute']:>15.3f} "
              f"{row['times_real_time']:>12.0f}")  # fmt: skip
    latency = beside_busy_processes(4.0) if native.VARIANT == "compiled" else {}
    print(f"\n{'tiny, wall ms a token':<32} {'p50':>8} {'p99':>8} {'max':>8}")
    for key, row in latency.items():
        print(f"{key:<32} {row['p50']:>8.3f} {row['p99']:>8.3f} {row['max']:>8.3f}")
    print(f"\nfresh process to one bar on disk: {seconds:.2f} s, {peak_mb:.0f} MB")
    result: dict[str, object] = {"benchmark": "decode", "kernel": native.kernel(), "cpu_ms_per_token": results}
    result |= {"start_to_file_s": round(seconds, 3), "peak_mb": round(peak_mb)}
    for name, table in (("solo", music), ("wall_ms_per_token", latency)):
        result[name] = {key: {k: round(float(v), 3) for k, v in row.items()} for key, row in table.items()}
    print(json.dumps({**result, **describe()}))


if __name__ == "__main__":
    main()
