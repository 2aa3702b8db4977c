"""From the install to the first sound out of the page: README's one command with `--panel`, and no MIDI on the machine.

    python -m benchmarks.live.bench_first_sound [--sideman PATH] [--install]

Starts `sideman play --panel serve`, opens the page in a real Chromium, turns its sound on, holds four keys of the
computer's, and waits until the sideman is heard. --install: installs this checkout into a virtual environment of its
own first, which is not counted, and empties Sideman's folders. Prints the seconds of each step, then one JSON line;
exits with 1 beyond 30 s.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from benchmarks.common.result import say_result
from tests.support.live.processes import free_udp_port

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT_S: Final = 30.0
KEYS: Final = "adgj"  # C major 7
HEARS_YOU: Final = "sideman.piano.loudness() > 0.001"
HEARS_SIDEMAN: Final = (
    "[...sideman.live.notes.values()].some(({ state }) => state === 'sounds') && sideman.piano.loudness() > 0.001"
)


def install(folder: Path) -> str:
    """Makes a virtual environment with this checkout in it; returns the path of its `sideman`."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    bin_folder = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([bin_folder / "python", "-m", "pip", "install", "-q", str(ROOT)], check=True)
    return str(bin_folder / "sideman")


def first_sound(sideman: str, environment: dict[str, str]) -> dict[str, float]:
    """Returns the seconds from the command to each step."""
    port = free_udp_port()
    began_s = time.monotonic()
    command = [sideman, "play", "--panel", "serve", "--osc-port", str(port)]
    play = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    steps: dict[str, float] = {}

    def step(name: str) -> None:
        steps[name] = round(time.monotonic() - began_s, 2)

    try:
        assert play.stdout is not None
        if not any("Ctrl-C stops" in line for line in play.stdout):
            raise SystemExit(f"bench_first_sound: the engine ended with {play.wait()}")
        step("engine_s")
        with sync_playwright() as playwright:
            path = os.environ.get("SIDEMAN_BROWSER") or shutil.which("chromium")
            arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/panel/")

            def until(true: str) -> None:  # the page's own policy lets no script of ours wait in it
                while not page.evaluate(true):
                    if time.monotonic() - began_s > 4 * LIMIT_S:
                        raise SystemExit(f"bench_first_sound: never: {true}")
                    time.sleep(0.01)

            until("!!window.sideman && sideman.live.link.isOpen")
            step("page_s")
            page.locator("#sound").click()
            for key in KEYS:
                page.keyboard.down(key)
            until(HEARS_YOU)
            step("your_note_s")
            until(HEARS_SIDEMAN)
            step("sideman_s")
            browser.close()
    finally:
        play.terminate()
        play.wait()
    return steps


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sideman", default=shutil.which("sideman") or "sideman")
    parser.add_argument("--install", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = {variable: str(folder / variable) for variable in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        without_midi = {"SIDEMAN_MIDI": "jack", "JACK_DEFAULT_SERVER": "none-of-this-name", "PYTHONUNBUFFERED": "1"}
        began_s = time.monotonic()
        sideman = install(folder) if args.install else args.sideman
        if args.install:
            print(f"installed in {time.monotonic() - began_s:.0f} s, not counted")
        steps = first_sound(sideman, {**os.environ, **empty, **without_midi})
    for what, at_s in steps.items():
        print(f"{what:>12} {at_s:6.2f}")
    say_result("first_sound", {**steps, "installed": args.install})
    return 0 if max(steps.values()) < LIMIT_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
