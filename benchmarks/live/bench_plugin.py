"""The plug-in in its host: what instances at rest cost, and how long a chord waits for its first note.

    python -m benchmarks.live.bench_plugin [--instances 32] [--seconds 60] [--chords 100]

The engine is a `sideman serve` of its own with the shipped base. At rest every instance is handed 512 frames at 48 kHz
as they are due; processor time (user and system) is that of this process' other threads (the link), of process()
itself, less what the same number of empty calls through ctypes takes, and of the engine. The wait is in frames of the
host's clock: from a chord's keys to the first strike that follows, in real time. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from ctypes import byref, pointer
from pathlib import Path
from typing import Any

import numpy as np

import native
from benchmarks.common.process import processor_s
from benchmarks.common.result import say_result
from tests.support.plugin import clap_abi as abi
from tests.support.plugin.host import ClapHost, Library

FRAMES, RATE = 512, 48_000.0
PATIENCE_S = 120.0
CHORDS = ((50, 53, 57, 60), (55, 59, 62, 65), (48, 52, 55, 59), (57, 60, 64, 67))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--chords", type=int, default=100)
    args = parser.parse_args()
    path = native.plugin_file()
    if path is None:
        sys.exit("the plug-in was not built: pip install .")
    library = Library(path)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIDEMAN_SERVE"] = str(Path(folder) / "serve")
        engine = subprocess.Popen([sys.executable, "-m", "bridge.cli", "serve"], stdout=subprocess.DEVNULL)
        try:
            waits_ms = key_to_note_ms(library, args.chords)
            link, process, served = at_rest(library, engine.pid, args.instances, args.seconds)
        finally:
            engine.terminate()
            engine.wait(20)
    rest = {"link": link, "process()": process, "engine": served, "all": link + process + served}
    print(f"{args.instances} instances at rest, % of a core over {args.seconds:.0f} s of processor time:")
    print("  " + "   ".join(f"{name} {100 * share:.2f}" for name, share in rest.items()))
    p50, p99 = np.percentile(waits_ms, [50, 99])
    bound_ms = 2 * FRAMES / RATE * 1e3 + 40.0
    print(f"keys to first note, {len(waits_ms)} chords: p50 {p50:.1f} ms, p99 {p99:.1f} ms (bound {bound_ms:.1f} ms)")
    say_result(
        "plugin",
        {"instances": args.instances, "link": link, "process": process, "engine": served,
         "key_to_note_p50_ms": p50, "key_to_note_p99_ms": p99},
    )  # fmt: skip


def ready_host(library: Library) -> ClapHost:
    host = ClapHost(library, rate=RATE)
    host.activate()
    give_up = time.monotonic() + PATIENCE_S
    while host.text("Engine") != "ready":
        if time.monotonic() > give_up:
            sys.exit(f"the engine does not come: {host.text('Engine')}")
        time.sleep(0.05)
    return host


def key_to_note_ms(library: Library, chords: int) -> list[float]:
    """Of every chord that was answered; each begins at rest."""
    host = ready_host(library)
    waits_ms = []
    host.play(1.0)
    for number in range(chords):
        host.played.clear()
        at = host.frame
        host.press(*CHORDS[number % len(CHORDS)])
        host.play(0.7)
        onsets = host.onsets()
        if onsets:
            waits_ms.append((onsets[0].frame - at) / RATE * 1e3)
        host.release(*CHORDS[number % len(CHORDS)])
        host.play(2.2 + 0.013 * (number % 7))
    host.deactivate()
    host.destroy()
    if len(waits_ms) < chords:
        print(f"{chords - len(waits_ms)} of {chords} chords were not answered within 0.7 s")
    return waits_ms


def at_rest(library: Library, engine: int, count: int, seconds: float) -> tuple[float, float, float]:
    """Shares of a core: the link's thread, process(), the engine."""
    hosts = [ready_host(library) for _ in range(count)]
    calls = [bare_call(host) for host in hosts]
    run(calls, 6.0)  # until all have come to rest
    before = time.process_time(), time.thread_time(), processor_s(engine), time.monotonic()
    blocks = run(calls, seconds)
    wall_s = time.monotonic() - before[3]
    main_s, all_s = time.thread_time() - before[1], time.process_time() - before[0]
    empty_s = time.thread_time()
    latency = hosts[0].extension("clap.latency", Latency).get
    for _ in range(blocks):
        for host in hosts:
            latency(host.plugin)
    empty_s = time.thread_time() - empty_s
    served_s = processor_s(engine) - before[2]
    for host in hosts:
        host.deactivate()
        host.destroy()
    return (all_s - main_s) / wall_s, max(0.0, main_s - empty_s) / wall_s, served_s / wall_s


class Latency(ctypes.Structure):
    _fields_ = (("get", ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.POINTER(abi.Plugin))),)


def bare_call(host: ClapHost) -> tuple[Any, Any, Any]:
    """process(), and what it is handed every time: a host that stands still, and no events."""
    transport = host._transport(0)
    block = abi.Process(-1, FRAMES, pointer(transport), None, None, 0, 0, None, None)
    return host.plugin.contents.process, host.plugin, (block, byref(block), transport)


def run(calls: list[tuple[Any, Any, Any]], seconds: float) -> int:
    """Hands every instance blocks as they are due; how many."""
    began, blocks = time.monotonic(), 0
    while blocks * FRAMES / RATE < seconds:
        for process, plugin, block in calls:
            process(plugin, block[1])
        blocks += 1
        time.sleep(max(0.0, began + blocks * FRAMES / RATE - time.monotonic()))
    return blocks


if __name__ == "__main__":
    main()
