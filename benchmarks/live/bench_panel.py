"""The page of `sideman play --panel`, left open: frames, processor time, memory and dropped connections.

    python -m benchmarks.live.bench_panel [--minutes 60] [--width 1280]

A real engine plays round a chart, a real Chromium (playwright, headless, so usually without a GPU) shows it. Prints a
row for each interval, then one JSON line. main: the page's own thread; roll: the worker that draws the roll; browser:
all threads of all its processes, these two and those that put the picture together. Frames are those that reach the
screen, counted for some seconds after each interval.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from benchmarks.common.process import processor_s
from benchmarks.common.result import say_result
from tests.support.live.processes import free_udp_port

CHART: Final = "[A] |: Dm7 | G7 | Em7 | A7 :| [B] Gm7 | C7 | Fmaj7 | Fm6 | Em7 | A7b9 | Dm7 | G7"
ROWS: Final = 12
COUNTED_S: Final = 3.0  # for frames
DRAWN: Final = "Display::DrawAndSwap"
COUNT_DROPS: Final = """() => {
  window.drops = 0;
  for (const link of [sideman.live.link, sideman.values.link]) link.closed.listen(() => window.drops++);
}"""


class Process:
    """Reads from /proc what one process has used."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def cpu_s(self) -> float:
        """Returns seconds of processor time so far."""
        return processor_s(self._pid)

    def memory_mb(self) -> float:
        """Returns the resident memory in MB."""
        return int(Path(f"/proc/{self._pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Browser:
    """The processor time of the browser's threads: of all that this process has started but the engine and its own."""

    def __init__(self, engine: int) -> None:
        self._schedules: dict[str, list[Path]] = {}  # by the name of a thread
        children = {os.getpid()}
        stats = {int(path.parent.name): path for path in Path("/proc").glob("[0-9]*/stat")}
        stats.pop(engine, None)
        grown = True
        while grown:
            new = {pid for pid, path in stats.items() if pid not in children and parent(path) in children}
            children |= new
            grown = bool(new)
        for pid in children - {os.getpid()}:
            for task in Path(f"/proc/{pid}/task").glob("*"):
                name = (task / "comm").read_text().strip()
                self._schedules.setdefault(name, []).append(task / "schedstat")

    def cpu_s(self, begins: str = "") -> float:
        """Returns the seconds of processor time so far, of the threads whose names begin so."""
        found = (paths for name, paths in self._schedules.items() if name.startswith(begins))
        return sum(spent_s(path) for paths in found for path in paths)


def spent_s(schedule: Path) -> float:
    """Returns a thread's seconds of processor time; 0 where it has gone."""
    try:
        return int(schedule.read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def parent(stat: Path) -> int:
    """Returns the parent of a process; 0 where it has just gone."""
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def start_engine() -> tuple[subprocess.Popen[str], int]:
    """Starts `sideman play --panel serve` on a free port; returns once it plays."""
    port = free_udp_port()
    command = [sys.executable, "-m", "bridge.cli", "play", "--chords", CHART, "--tempo", "132", "--seed", "5",
               "--panel", "serve", "--osc-port", str(port)]  # fmt: skip
    play = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert play.stdout is not None
    for line in play.stdout:
        if "Ctrl-C stops" in line:
            return play, port
    raise SystemExit(f"bench_panel: the engine ended with {play.wait()}")


def look(devtools: Any, page: Any, engine: Process, browser: Browser) -> dict[str, float]:
    """Reads counters of the page and the engine; all but the memory count from their start."""
    metrics = {entry["name"]: entry["value"] for entry in devtools.send("Performance.getMetrics")["metrics"]}
    return {
        "at_s": time.monotonic(),
        "main_s": metrics["TaskDuration"],
        "script_s": metrics["ScriptDuration"],
        "roll_s": browser.cpu_s("DedicatedWorker"),
        "browser_s": browser.cpu_s(),
        "engine_s": engine.cpu_s(),
        "heap_mb": metrics["JSHeapUsedSize"] / 1e6,
        "nodes": metrics["Nodes"],
        "engine_mb": engine.memory_mb(),
        "drops": page.evaluate("window.drops"),
    }


def between(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Returns rates over an interval."""
    s = after["at_s"] - before["at_s"]
    return {
        f"{who}_percent": round(100 * (after[f"{who}_s"] - before[f"{who}_s"]) / s, 1)
        for who in ("main", "script", "roll", "browser", "engine")
    }


def kept(now: dict[str, float]) -> dict[str, float]:
    """Returns the memory in use and the connections dropped so far."""
    return {name: round(now[name], 1) for name in ("heap_mb", "nodes", "engine_mb", "drops")}


def middle(rows: list[dict[str, float]]) -> dict[str, float]:
    """Returns the medians of the rates, and the last of the rest."""
    rates = {
        name: statistics.median(row[name] for row in rows) for name in rows[0] if name.endswith(("percent", "per_s"))
    }
    return {**rows[-1], **{name: round(rate, 1) for name, rate in rates.items()}}


def frames_per_s(browser: Any) -> float:
    """Returns how many pictures a second reach the screen now."""
    browser.start_tracing(categories=["viz"])
    time.sleep(COUNTED_S)
    told = json.loads(browser.stop_tracing())
    drawn: list[float] = [
        event["ts"] for event in told["traceEvents"] if event["name"] == DRAWN and event["ph"] in "BX"
    ]
    assert len(drawn) > 1, f"no picture in {COUNTED_S:.0f} s"
    return (len(drawn) - 1) / (max(drawn) - min(drawn)) * 1e6


def main() -> int:
    """Measures, prints the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--width", type=int, default=1280)
    args = parser.parse_args()
    path = os.environ.get("SIDEMAN_BROWSER") or shutil.which("chromium")
    play, port = start_engine()
    rows = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": args.width, "height": 900})
            page.goto(f"http://127.0.0.1:{port}/panel/")
            while not page.evaluate("!!window.sideman && sideman.live.link.isOpen && sideman.values.link.isOpen"):
                page.wait_for_timeout(50)
            page.evaluate(COUNT_DROPS)
            devtools = page.context.new_cdp_session(page)
            devtools.send("Performance.enable", {"timeDomain": "threadTicks"})  # processor time, not wall time
            page.wait_for_timeout(5000)
            engine = Process(play.pid)
            threads = Browser(play.pid)
            for number in range(ROWS):
                before = look(devtools, page, engine, threads)
                page.wait_for_timeout(args.minutes * 60e3 / ROWS)
                after = look(devtools, page, engine, threads)
                devtools.send("HeapProfiler.collectGarbage")
                rows.append({"frames_per_s": round(frames_per_s(browser), 1), **between(before, after)})
                rows[-1].update(kept(look(devtools, page, engine, threads)))
                if number == 0:
                    print("  ".join(rows[0]))
                print("  ".join(f"{value:>{len(name)}}" for name, value in rows[-1].items()), flush=True)
            browser.close()
    finally:
        play.terminate()
        play.wait()
    say_result(
        "panel",
        {
            "minutes": args.minutes,
            "width": args.width,
            **middle(rows),
            "heap_mb_first": rows[0]["heap_mb"],
            "engine_mb_first": rows[0]["engine_mb"],
        },
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
