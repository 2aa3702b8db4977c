"""Four ways to an AI pianist on the same data, machine and budget: docs/COMPARISON.md is what this prints.

    python -m benchmarks.bench_comparison DATA [--style STYLE_DATA] [--minutes 10] [--work FOLDER] [--plot PNG]

DATA and STYLE_DATA are folders that `sideman prepare` wrote. Each contestant learns for so many minutes of processor
time on one thread, in a process of its own, then plays six charts in a fresh one; an adapter gets a third of the time.
--work keeps weights and figures, and what stands there is not done again: --only NAME runs one at a time. What stands
there of other data, style or minutes is refused. Prints a Markdown table, then one JSON line. Needs the train extra.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common.process import in_fresh_process
from benchmarks.common.result import say_result
from benchmarks.comparison.run_one import NAMES
from benchmarks.comparison.table import TITLES, draw, rows

ALSO_PLAYED = {"scg": ["scg without its rule"], "ours": ["ours in torch"]}


def run_one(arguments: list[str], kept: Path, made_of: dict[str, Any]) -> dict[str, Any]:
    """Runs one process and returns its figures; where it ran before, reads them from `kept`.

    made_of: what the figures depend on, kept beside them. SystemExit: those in `kept` are of something else.
    """
    if not kept.is_file():
        figures = in_fresh_process("benchmarks.comparison.run_one", arguments)
        kept.write_text(json.dumps({"made_of": made_of, "figures": figures}), encoding="utf-8")
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    if found.get("made_of") != made_of:
        asked = ", ".join(f"{name} {value}" for name, value in made_of.items())
        raise SystemExit(f"{kept}: not of {asked}: give another --work, or remove {kept.parent}")
    figures = found["figures"]
    return figures


def contestant(name: str, options: argparse.Namespace, work: Path) -> dict[str, dict[str, Any]]:
    """Trains a contestant and lets it play; returns rows by the names under which it played."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    style = ["--style", str(options.style)] if options.style else []
    paths = {"data": options.data, "style": options.style}
    made_of = {key: path and str(path.resolve()) for key, path in paths.items()} | {"minutes": options.minutes}
    training = ["train", name, str(options.data), str(folder), "--minutes", str(options.minutes), *style]
    figures = run_one(training, folder / "train.json", made_of)
    played = {
        other: run_one(["play", other, str(folder)], folder / f"{other}.json", made_of)
        for other in (name, *ALSO_PLAYED.get(name, ()))
    }
    return {**played, name: {**figures, **played[name]}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Four ways to an AI pianist, compared.")
    parser.add_argument("data", metavar="DATA", type=Path)
    parser.add_argument("--style", metavar="DATA", type=Path, help="of about ten pieces, for the adapters")
    parser.add_argument("--minutes", metavar="M", type=float, default=10.0, help="of the processor, for each [10]")
    parser.add_argument("--only", metavar="NAME", choices=NAMES, nargs="+", default=list(NAMES))
    parser.add_argument("--work", metavar="FOLDER", type=Path, help="keep weights and figures there")
    parser.add_argument("--plot", metavar="PNG", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        results: dict[str, dict[str, Any]] = {}
        for name in options.only:
            results.update(contestant(name, options, options.work or Path(passing)))
    print(f"| | {' | '.join(TITLES.values())} |")
    print("|---|" + "---|" * len(TITLES))
    for row in rows(results):
        print(f"| {' | '.join(row)} |")
    if options.plot:
        draw(options.plot, results)
    print()
    say_result("comparison", {"minutes": options.minutes, "results": results})


if __name__ == "__main__":
    main()
