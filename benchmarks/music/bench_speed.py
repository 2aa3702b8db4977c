"""How many times faster than music a whole solo is played: the base and the shipped styles, on each kernel.

    python -m benchmarks.music.bench_speed [--minutes 2] [--seeds 3] [--styles ragtime ...]

Solos at 120 bpm over four chords with a bar each, as `sideman generate` plays them, on one core; "guided" with a
chord_strength of 1.2, for which the stream without chords is computed, too. Times are of the processor, so that other
programs count little. Every kernel that this processor has is measured in a process of its own, one after the other.
Prints a row for each kernel and style (means over the seeds, the slowest seed), then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from statistics import mean

import native
from benchmarks.common.result import say_result
from engine.chords import parse_chart
from engine.model.checkpoint import load_checkpoint
from engine.solo.improvise import improvise
from engine.styles.library import list_styles
from osc_protocol.table.parameters import DEFAULTS, Setting

BPM, BEATS_PER_BAR = 120.0, 4
CHORDS = "Dm7 | G7 | Cmaj7 | Am7"
GUIDED = 1.2


def measure(style: str, minutes: float, seeds: int) -> dict[str, float]:
    """Plays a style, "" for none, on the kernel of this process; returns seconds of music a second of the processor."""
    checkpoint = load_checkpoint()
    bars = round(minutes * BPM / BEATS_PER_BAR)
    chart = parse_chart(CHORDS).fill(bars)
    music_s = bars * BEATS_PER_BAR * 60 / BPM
    row: dict[str, float] = {}
    for name, strength in (("guided", GUIDED), ("default", DEFAULTS["chord_strength"])):
        params = (Setting("style", style), Setting("chord_strength", strength))
        speeds, notes = [], []
        for seed in range(1, seeds + 1):
            start_s = time.thread_time()
            solo = improvise(checkpoint, chart, tempo_bpm=BPM, seed=seed, params=params)
            speeds.append(music_s / (time.thread_time() - start_s))
            notes.append(len(solo.notes) / music_s)
        row |= {name: mean(speeds), f"{name}, slowest": min(speeds), f"{name}, notes/s": mean(notes)}
    return {name: round(value, 1) for name, value in row.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--styles", nargs="*", help="[all that are shipped]")
    parser.add_argument("--here", action="store_true", help="this process's kernel alone, as JSON")
    options = parser.parse_args()
    styles = options.styles
    if styles is None:
        styles = ["", *(style.name for style in list_styles() if style.shipped)]
    if options.here:
        print(json.dumps({style or "base": measure(style, options.minutes, options.seeds) for style in styles}))
        return
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for kernel in [name for name in native.kernels() if name != "portable"] or native.kernels():
        command = [sys.executable, "-m", "benchmarks.music.bench_speed", "--here", "--styles", *styles]
        command += ["--minutes", str(options.minutes), "--seeds", str(options.seeds)]
        run = subprocess.run(
            command, env=os.environ | {"SIDEMAN_KERNEL": kernel}, stdout=subprocess.PIPE, text=True, check=True
        )
        rows[kernel] = json.loads(run.stdout)
    columns = list(next(iter(next(iter(rows.values())).values())))
    print(f"{'kernel':<8} {'style':<12} " + " ".join(f"{name:>17}" for name in columns))
    for kernel, table in rows.items():
        for style, row in table.items():
            print(f"{kernel:<8} {style:<12} " + " ".join(f"{row[name]:>17.1f}" for name in columns))
    say_result("speed", {"minutes": options.minutes, "seeds": options.seeds, "times_real_time": rows})


if __name__ == "__main__":
    main()
