"""The timing page shows the threads that there are, and its picture is as drawn."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "TIMING.md").read_text(encoding="utf-8")


def test_the_picture_is_as_drawn() -> None:
    spec = importlib.util.spec_from_file_location("draw_timing", ROOT / "docs" / "draw_timing.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    assert script.PICTURE.read_text(encoding="utf-8") == script.render(), "run `python docs/draw_timing.py`"


def test_every_thread_that_is_started_has_its_row() -> None:
    names = set()
    for folder in ("bridge", "osc_protocol"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "machine_check.py":  # the doctor's, while nothing plays
                names |= set(re.findall(r'name="sideman-([a-z-]+)"', path.read_text(encoding="utf-8")))
    assert len(names) > 8
    assert {name for name in names if f"`{name}`" not in PAGE} == set()


def test_every_file_that_the_page_names_is_there() -> None:
    for name in re.findall(r"`([a-z_/]+\.py)`", PAGE):
        assert (ROOT / "bridge" / name).is_file() or (ROOT / name).is_file(), name
