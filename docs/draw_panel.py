"""Makes the pictures of PANEL.md from the running page: `python docs/draw_panel.py`. Needs playwright and chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

DOCS: Final = Path(__file__).resolve().parent
CHART: Final = "[A] |: Dm7 | G7 | Em7 | A7 :| [B] Gm7 | C7 | Fmaj7 | Fm6 | Em7 | A7b9 | Dm7 | G7"
PLAY: Final = ["--chords", CHART, "--tempo", "132", "--seed", "5", "--mode", "comp", "--panel", "serve"]
LINE: Final = (
    "KeyD",
    "KeyG",
    "KeyH",
    "KeyK",
    "KeyH",
    "KeyF",
    "KeyG",
    "KeyD",
    "KeyS",
)  # a phrase on the computer's keys
BARS: Final = {"/sideman/density/bars": "5-8 0.8", "/sideman/variation": "2 3-4"}  # what is done with bars
PLANNED: Final = "[...sideman.live.notes.values()].filter(({ state }) => state === 'planned').length"
SECONDS: Final = 6.0  # of music in the picture
# name: width, height, theme, language
PICTURES: Final = {
    "panel_dark.png": (1280, 1240, "dark", "en-GB"),
    "panel_light.png": (1280, 1240, "light", "ko-KR"),
    "panel_phone.png": (390, 844, "dark", "en-GB"),
}


def main() -> int:
    """Plays, looks, and writes every picture."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bridge.cli", "play", *PLAY, "--osc-port", str(port)]
    play = subprocess.Popen(command, cwd=DOCS.parent, stdout=subprocess.PIPE, text=True)
    try:
        assert play.stdout is not None
        for line in play.stdout:
            print(line, end="")
            if "Ctrl-C stops" in line:
                break
        with sync_playwright() as playwright:
            path = os.environ.get("SIDEMAN_BROWSER") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            for name in PICTURES:
                draw(browser, f"http://127.0.0.1:{port}/panel/", name)
            browser.close()
    finally:
        play.terminate()
        play.wait(10)
    return 0


def draw(browser: Browser, address: str, name: str) -> None:
    """One picture, while a phrase is played into it."""
    width, height, theme, language = PICTURES[name]
    view = {"width": width, "height": height}
    page = browser.new_page(viewport=view, color_scheme=theme, locale=language, device_scale_factor=1.5)
    page.goto(address)
    while not page.evaluate("!!window.sideman && !!sideman.live.chart"):
        time.sleep(0.05)
    for command, text in BARS.items():
        page.evaluate("([command, text]) => sideman.values.command(command, text)", [command, text])
    began = time.monotonic()
    for code in LINE:
        page.keyboard.down(code)
        time.sleep(0.3)
        page.keyboard.up(code)
        time.sleep(max(SECONDS / len(LINE) - 0.3, 0))
    page.keyboard.down(LINE[0])
    while page.evaluate(PLANNED) < 4 and time.monotonic() - began < 30:
        time.sleep(0.05)
    page.screenshot(path=DOCS / name)
    print(f"{name}: after {time.monotonic() - began:.1f} s")
    page.close()


if __name__ == "__main__":
    sys.exit(main())
