"""The plug-in under a host and against an engine without manners (native/plugin/tests), watched by sanitizers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.native_build import build_native, run_program

CALLS = 10_000


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("sanitize", ["address", "thread"])
def test_ten_thousand_calls_in_any_order_do_no_harm(sanitize: str, tmp_path: Path) -> None:
    if os.environ.get("SIDEMAN_SOAK") != "1":
        pytest.skip("SIDEMAN_SOAK=1 runs it; it takes minutes to build")
    if shutil.which("cmake") is None or shutil.which("c++") is None or os.name != "posix":
        pytest.skip("`apt install cmake g++` brings what it takes")
    build_native(tmp_path / "build", "-DSIDEMAN_PLUGIN=ON", f"-DSIDEMAN_SANITIZE={sanitize}",
                 "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1",
                 targets=("bad_host",))  # fmt: skip
    for seed in range(3):
        said = run_program(tmp_path / "build/native/plugin/bad_host", str(CALLS), str(seed), tmp_path / "serve")
        assert "no complaint" in said
