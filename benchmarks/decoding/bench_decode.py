"""Decoding a token at a time: our decoders and their rivals on networks of one size, in one run.

    python -m benchmarks.decoding.bench_decode [--sizes 256x6 medium] [--compile] [--busy] [--plot docs/decode.png]

Each contestant in its own rounds, which alternate; times are of the processor (p50, p99: so other programs count
little) and on the wall. --busy measures all once more beside two processes that never rest. Then the whole session on
the shipped base: five minutes of solo, tokens beside two busy processes, a fresh process to its first bar.
Prints tables, what was asked for beside what was reached, then one JSON line.
Rivals need the train extra (torch, bitsandbytes, peft) and transformers.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")

import argparse
import gc
from pathlib import Path

import numpy as np

import native
from benchmarks.common.figure import blank_figure, save_figure
from benchmarks.common.random_checkpoint import SIZES
from benchmarks.common.result import say_result
from benchmarks.decoding.decode_contestants import Contestant, own_contestants, rivals
from benchmarks.decoding.decode_session import beside_busy_processes, busy_processes, solos, start_up
from engine.arrays import F64

Rows = dict[str, dict[str, float]]
OURS = "native, adapter"
ASKED = {
    "256x6": {"torch eager float32": 15, "bitsandbytes NF4 + PEFT": 30, "Hugging Face GPT-2 generate": 20},
    "medium": {"torch eager float32": 10, "bitsandbytes NF4 + PEFT": 10, "Hugging Face GPT-2 generate": 10},
    "256m": {"torch eager float32": 6, "bitsandbytes NF4 + PEFT": 5, "Hugging Face GPT-2 generate": 7},
}
"""How many times as fast as each rival our decoder is to be, with two streams and an adapter on."""
ASKED_ON_AVX2 = {"medium": 10}  # times torch eager; 5 at other sizes
COLOURS = {"native": "#1b7f5c", "numpy": "#7ab8a2", "torch": "#c8702a", "bitsandbytes": "#a04848", "Hugging": "#5b6fa8"}


def measure(contestants: dict[str, Contestant], rounds: int, budget_s: float) -> dict[str, F64]:
    """Returns (n, 2) CPU and wall milliseconds of tokens for each contestant."""
    parts: dict[str, list[F64]] = {key: [] for key in contestants}
    for _ in range(rounds):
        for key, run in contestants.items():
            parts[key].append(run(budget_s))
    return {key: np.concatenate(arrays) for key, arrays in parts.items()}


def summary(times: dict[str, F64], tokens_a_minute: float) -> Rows:
    rows = {}
    for key, ms in times.items():
        cpu, wall = np.percentile(ms, [50, 99], axis=0).T
        rows[key] = {
            "cpu_p50": cpu[0], "cpu_p99": cpu[1], "wall_p50": wall[0], "wall_p99": wall[1],
            "tokens_s": 1e3 / wall[0], "cpu_s_a_minute": tokens_a_minute * cpu[0] / 1e3,
        }  # fmt: skip
    return rows


def show(title: str, rows: Rows) -> None:
    columns = ("cpu_p50", "cpu_p99", "wall_p50", "wall_p99", "tokens_s", "cpu_s_a_minute")
    print(f"\n{title:<34} " + " ".join(f"{column:>14}" for column in columns) + "  times")
    first = rows.get(OURS, next(iter(rows.values())))["cpu_p50"]
    for key, row in rows.items():
        numbers = " ".join(f"{row[column]:>14.{0 if column == 'tokens_s' else 3}f}" for column in columns)
        print(f"{key:<34} {numbers} {row['cpu_p50'] / first:>6.1f}", flush=True)


def asked(results: dict[str, Rows]) -> list[dict[str, object]]:
    """Returns what was asked for beside what was reached in this run."""
    rows: list[dict[str, object]] = []
    for size, wanted in ASKED.items():
        table = results.get(size, {})
        for rival, times in wanted.items():
            if OURS in table and rival in table:
                reached = table[rival]["cpu_p50"] / table[OURS]["cpu_p50"]
                rows.append({"size": size, "than": rival, "asked": times, "reached": round(reached, 1)})
        eager = table.get("torch eager float32")
        for own, than, times in (
            ("native, one stream", "torch eager float32, we with one stream, as it has", 10),
            ("native without AVX-512, adapter", "torch eager float32, we on AVX2", ASKED_ON_AVX2.get(size, 5)),
            ("native without AVX-512, one stream", "torch eager float32, we on AVX2 with one stream, as it has",
             ASKED_ON_AVX2.get(size, 5)),
        ):  # fmt: skip
            if eager and own in table:
                reached = eager["cpu_p50"] / table[own]["cpu_p50"]
                rows.append({"size": size, "than": than, "asked": times, "reached": round(reached, 1)})
    return rows


def draw(path: Path, results: dict[str, Rows]) -> None:
    """Draws bars of CPU milliseconds a token, one panel for each size."""
    figure = blank_figure(12.0, 4.2)
    for axes, (size, rows) in zip(np.atleast_1d(figure.subplots(1, len(results))), results.items(), strict=True):
        names = [name for name in rows if "two threads" not in name][::-1]
        values = [rows[name]["cpu_p50"] for name in names]
        colours = [next(c for key, c in COLOURS.items() if name.startswith(key)) for name in names]
        axes.barh(names, values, color=colours)
        for at, value in enumerate(values):
            axes.text(value * 1.08, at, f"{value:.2g}", va="center", fontsize=8)
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 1.5, max(values) * 2.5)
        axes.set_title(size, fontsize=10)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("CPU ms a token on one thread, logarithmic", fontsize=9)
    save_figure(path, figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=["tiny", "256x6", "medium"])
    parser.add_argument("--no-rivals", action="store_true", help="our decoders alone")
    parser.add_argument("--compile", action="store_true", help="torch.compile, too: a minute a size")
    parser.add_argument("--busy", action="store_true", help="once more beside two busy processes")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    seconds, peak_mb = start_up()
    music = solos()
    tokens_a_minute = max(row["tokens"] for row in music.values()) / 5
    results: dict[str, Rows] = {}
    busy: dict[str, Rows] = {}
    for name in options.sizes:
        contestants = own_contestants(name) | ({} if options.no_rivals else rivals(name, options.compile))
        results[name] = summary(measure(contestants, options.rounds, 0.3), tokens_a_minute)
        show(f"{name}, ms", results[name])
        if options.busy:
            with busy_processes():
                busy[name] = summary(measure(contestants, 2, 0.3), tokens_a_minute)
            show(f"{name}, two busy processes, ms", busy[name])
        del contestants
        gc.collect()
    print(
        f"\n{'solo on the shipped base':<34} {'tokens':>8} {'ms/token':>9} {'CPU s a minute':>15} {'x real time':>12}"
    )
    for key, row in music.items():
        print(f"{key:<34} {row['tokens']:>8.0f} {row['ms_per_token']:>9.3f} {row['cpu_s_per_minute']:>15.3f} "
              f"{row['times_real_time']:>12.0f}")  # fmt: skip
    latency = beside_busy_processes(4.0) if native.VARIANT == "compiled" else {}
    print(f"\n{'tiny, wall ms a token':<40} {'p50':>8} {'p99':>8} {'max':>8} {'p99/p50':>8}")
    for key, row in latency.items():
        print(f"{key:<40} {row['p50']:>8.3f} {row['p99']:>8.3f} {row['max']:>8.3f} {row['p99_by_p50']:>8.1f}")
    print(f"\nfresh process to one bar on disk: {seconds:.2f} s, {peak_mb:.0f} MB\n")
    reached = asked(results)
    for line in reached:
        print(f"{line['size']:<8} {line['reached']:>6} times as fast as {line['than']}; asked: {line['asked']}")
    if options.plot:
        draw(options.plot, results)
        print(options.plot)

    def rounded(tables: dict[str, Rows]) -> dict[str, Rows]:
        return {t: {key: {k: round(float(v), 4) for k, v in row.items()} for key, row in rows.items()} for t, rows in tables.items()}  # fmt: skip  # noqa: E501

    result: dict[str, object] = {"kernel": native.kernel(), "ms_per_token": rounded(results)}
    result |= {"beside_busy_processes": rounded(busy), "asked": reached}
    result |= {"start_to_file_s": round(seconds, 3), "peak_mb": round(peak_mb)}
    result |= rounded({"solo": music, "wall_ms_per_token": latency})
    say_result("decode", result)


if __name__ == "__main__":
    main()
