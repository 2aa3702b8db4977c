"""Live rivals in one run: processor time a note, and from a change to the note that heeds it; memory, start.

    python -m benchmarks.live.bench_rivals [--only NAME ...] [--notes 40] [--plot docs/rivals.png]

Each player in a process of its own, one after the other, on one thread. Beside torch and transformers (the train extra
and `pip install transformers`) it wants `pip install --no-deps notochord midigpt`, and Notochord's own needs; a rival
that is not installed is left out and named. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.common.figure import blank_figure, save_figure
from benchmarks.common.result import say_result
from benchmarks.live.rival_decoders import PLAYERS

COLUMNS = {
    "parameters": "{:,.0f}", "notes": "{:.0f}", "note_p50_ms": "{:.2f}", "note_p99_ms": "{:.2f}",
    "answers": "{:.0f}", "answer_p50_ms": "{:.1f}", "answer_p99_ms": "{:.1f}",
    "start_cpu_s": "{:.1f}", "peak_mb": "{:,.0f}",
}  # fmt: skip
ALLOWED_MS = 20.0  # what a player takes for "at once"


def run_one(name: str, options: argparse.Namespace) -> dict[str, Any] | str:
    """Runs one player; returns its figures, or why it could not play."""
    command = [sys.executable, "-m", "benchmarks.live.rival_decoders", name]
    counts = ["--notes", str(options.notes), "--answers", str(options.answers)]
    done = subprocess.run([*command, *counts], capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}"
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def draw(path: Path, rows: dict[str, dict[str, Any]]) -> None:
    """Draws two bars for each player, a note and an answer, on a logarithmic axis."""
    figure = blank_figure(8.0, 0.6 + 0.5 * len(rows))
    axes = figure.subplots()
    for number, (name, row) in enumerate(reversed(rows.items())):
        for shift, key, colour in ((0.18, "note_p50_ms", "#1b7f5c"), (-0.18, "answer_p50_ms", "#5b6fa8")):
            axes.barh(number + shift, row[key], height=0.34, color=colour)
            shown = f"{row[key]:,.0f}" if row[key] >= 100 else f"{row[key]:.3g}"
            axes.text(row[key] * 1.1, number + shift, f"{shown} ms", va="center", fontsize=8)
        axes.text(0.0, number, f"{name}  ", ha="right", va="center", fontsize=9, transform=axes.get_yaxis_transform())
    axes.axvline(ALLOWED_MS, color="#a04848", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yticks([])
    axes.set_xlabel("processor ms: a note (green), and from a change to the note that heeds it (blue)", fontsize=9)
    axes.set_xlim(right=8 * max(row["answer_p50_ms"] for row in rows.values()))
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Live rivals in one run.")
    parser.add_argument("--only", choices=PLAYERS, nargs="+", default=list(PLAYERS))
    parser.add_argument("--notes", type=int, default=40, help="timed notes of each [40]")
    parser.add_argument("--answers", type=int, default=12, help="timed answers of each [12]")
    parser.add_argument("--plot", metavar="PNG", type=Path)
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    absent: dict[str, str] = {}
    print(f"{'':<20} " + " ".join(f"{column:>14}" for column in COLUMNS))
    for name in options.only:
        found = run_one(name, options)
        if isinstance(found, str):
            absent[name] = found
            print(f"{name:<20} left out: {found}", flush=True)
            continue
        rows[name] = found
        print(f"{name:<20} " + " ".join(f"{form.format(found[key]):>14}" for key, form in COLUMNS.items()), flush=True)
    if options.plot and rows:
        draw(options.plot, rows)
    print()
    say_result("rivals", {"rows": rows, "absent": absent})


if __name__ == "__main__":
    main()
