"""Runs a script over the page's modules by node, with as much of a browser as they need (browser_pieces.js)."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from bridge.panel.site import FILES

__all__ = ["run_script"]

PIECES = Path(__file__).with_name("browser_pieces.js")


def run_script(script: str) -> Any:
    """Returns what a script returns, the body of an async function. Skips where there is no node.

    The exports of browser_pieces.js are at hand in it; `await load("live")` gives those of a module of the page.
    """
    if shutil.which("node") is None:
        pytest.skip("node is not installed: apt-get install nodejs")
    with tempfile.TemporaryDirectory() as folder:
        for path in [*FILES.glob("*.js"), PIECES]:
            shutil.copy(path, folder)
        Path(folder, "package.json").write_text('{"type": "module"}')
        Path(folder, "ask.js").write_text(
            "import { wait, soon, press, happens, FakeLink, strings, elements, box } from './browser_pieces.js';"
            "const load = (name) => import(`./${name}.js`);"
            f"const told = await (async () => {{ {script} }})();"
            "console.log(JSON.stringify(told)); process.exit(0);"
        )
        done = subprocess.run(["node", "ask.js"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
