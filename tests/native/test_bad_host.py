"""The plug-in under a host and against an engine without manners (native/plugin/tests), watched by sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import native

ROOT = Path(native.__file__).parent.parent
CALLS = 10_000


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("sanitize", ["address", "thread"])
def test_ten_thousand_calls_in_any_order_do_no_harm(sanitize: str, tmp_path: Path) -> None:
    if os.environ.get("SIDEMAN_SOAK") != "1":
        pytest.skip("SIDEMAN_SOAK=1 runs it; it takes minutes to build")
    if shutil.which("cmake") is None or shutil.which("c++") is None or os.name != "posix":
        pytest.skip("`apt install cmake g++` brings what it takes")
    run("cmake", "-S", ROOT, "-B", tmp_path / "build", "-DSIDEMAN_TESTS=ON", "-DSIDEMAN_PLUGIN=ON",
        f"-DSIDEMAN_SANITIZE={sanitize}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
        "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1")  # fmt: skip
    run("cmake", "--build", tmp_path / "build", "--target", "bad_host", "--parallel", "2")
    for seed in range(3):
        said = run(tmp_path / "build/native/plugin/bad_host", str(CALLS), str(seed), tmp_path / "serve")
        assert "no complaint" in said


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
