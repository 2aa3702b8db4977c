"""Chromium, driven by Playwright, for the tests of the panel. Where there is none, they skip and say why."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest

from tests.support import waiting

__all__ = ["CONNECTED", "PATIENCE_S", "Visitor", "chromium", "running_browser", "until", "visit"]

PATIENCE_S = 30.0  # a busy machine is slow; what never comes is the failure
CONNECTED = "!!window.sideman && sideman.live.link.isOpen && sideman.values.link.isOpen"

Visitor: TypeAlias = Any
"""A page of Playwright's, with the list `complaints` of its script's failures."""

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Returns the browser's path. Skips where there is none; SIDEMAN_BROWSER names another."""
    named = os.environ.get("SIDEMAN_BROWSER")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium here: apt-get install chromium, or SIDEMAN_BROWSER=PATH")
    return found


@contextmanager
def running_browser() -> Iterator[Any]:
    """A browser without a window; new_page() of it is one visitor."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    path = chromium()
    with sync_api.sync_playwright() as playwright:
        # Sound without a click, since nobody is there to click; no sandbox, since CI runs as root.
        arguments = ["--autoplay-policy=no-user-gesture-required", "--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def visit(browser: Any, port: int, width: int = 1280, height: int = 900, **options: Any) -> Visitor:
    """Opens the panel of the engine whose OSCQuery is served on that port, and waits until it is connected."""
    page = browser.new_page(viewport={"width": width, "height": height}, **options)
    page.set_default_timeout(2000 * PATIENCE_S)  # milliseconds; a click waits until the page has dealt with it
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"http://127.0.0.1:{port}/panel/")
    until(lambda: page.evaluate(CONNECTED), "the page is connected")
    return page


def until(true: Callable[[], object], what: str) -> None:
    """Waits until it is so. AssertionError: names what never came."""
    waiting.until(true, f"never: {what}", PATIENCE_S)
