"""Chromium, driven by Playwright, for the tests of the panel. Where there is none, they skip and say why."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["chromium", "running_browser"]

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser's path. Skips where there is none; SIDEMAN_BROWSER names another."""
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
