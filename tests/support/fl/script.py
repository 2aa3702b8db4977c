"""The whole script and the probe in one folder, the modules that an install makes among them."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from bridge.fl.install import SOURCE, script_files


def whole_script() -> Path:
    """Makes the folder; it goes when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="sideman-script-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copy(SOURCE / "device_SidemanProbe.py", folder)
    for name, content in script_files().items():
        (folder / name).write_bytes(content)
    return folder
