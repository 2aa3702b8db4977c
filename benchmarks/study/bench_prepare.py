"""Files and notes a second, and memory, of `sideman prepare` on a folder: a tenth, a half and all of its files.

    python -m benchmarks.study.bench_prepare FOLDER [--workers N] [--repeats 3]

Prints a table, then one JSON line. Every run starts from nothing (no DATA.work); times are the least of the repeats,
cpu s is what all processes used together, memory is the largest resident set of the parent and of any one reader.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common.result import say_result
from engine.data.reading.corpus import find_sources, sidecars

ROOT = Path(__file__).resolve().parents[2]

# In a process of its own: a resident set's peak belongs to a process for good.
RUN = """
import json, resource, sys, time
from pathlib import Path
from benchmarks.common.process import held_mb, peak_mb
from engine.data.prepare import Settings, prepare
start = time.perf_counter()
report = prepare(Path(sys.argv[1]), Path(sys.argv[2]), Settings(workers=int(sys.argv[3]), report=sys.argv[4] == "1"))
seconds = time.perf_counter() - start
own, readers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"seconds": seconds, "notes": report.notes, "pieces": sum(report.pieces.values()),
                  "works": report.works, "refused": len(report.refused),
                  "parent_mb": peak_mb(), "reader_mb": held_mb(readers),
                  "cpu_s": sum(use.ru_utime + use.ru_stime for use in (own, readers))}))
"""


def linked(folder: Path, share: float, to: Path) -> int:
    """Links to every n-th file of the folder with what lies beside it; returns how many."""
    sources = find_sources(folder)
    chosen = sources[:: round(1 / share)] if share < 1 else sources
    for source in chosen:
        place = to / source.name
        place.parent.mkdir(parents=True, exist_ok=True)
        for file in (source.path, *sidecars(source.path)):
            link = place.parent / file.name
            if not link.exists():
                link.symlink_to(file.resolve())
    return len(chosen)


def measure(folder: Path, workers: int, repeats: int, report: bool = False) -> dict[str, float]:
    """Returns the fastest of some runs."""
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as place:
            command = [sys.executable, "-c", RUN, str(folder), f"{place}/data", str(workers), str(int(report))]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout))
    return min(runs, key=lambda run: run["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    heads = f"{'files':>6} {'seconds':>8} {'cpu s':>7} {'files/s':>8} {'notes/s':>9} {'parent MB':>9} {'reader MB':>9}"
    print(f"{'':12} {heads}")
    rows = []
    ten_share = 10 / len(find_sources(args.folder))
    for name, share, report in (
        ("ten, report", ten_share, True), ("a tenth", 0.1, False), ("a half", 0.5, False), ("all", 1.0, False),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory() as place:
            files = linked(args.folder, share, Path(place) / "midi")
            run = measure(Path(place) / "midi", args.workers, args.repeats, report)
        row = {
            "name": name,
            "files": files,
            "seconds": round(run["seconds"], 2),
            "cpu_s": round(run["cpu_s"], 2),
            "files_per_s": round(files / run["seconds"], 1),
            "notes_per_s": round(run["notes"] / run["seconds"]),
            "notes": run["notes"],
            "works": run["works"],
            "refused": run["refused"],
            "parent_mb": round(run["parent_mb"]),
            "reader_mb": round(run["reader_mb"]),
        }
        rows.append(row)
        print(f"{name:12} {files:6} {row['seconds']:8.2f} {row['cpu_s']:7.2f} {row['files_per_s']:8.1f} "
              f"{row['notes_per_s']:9,} {row['parent_mb']:9} {row['reader_mb']:9}", flush=True)  # fmt: skip
    print()
    say_result("prepare", {"workers": args.workers, "rows": rows})


if __name__ == "__main__":
    main()
