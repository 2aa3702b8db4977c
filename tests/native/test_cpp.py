"""The C++ library's own tests (native/tests), built without Python: plain, and under sanitizers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.native_build import build_native, run_program

DOCTEST = any(Path(prefix, "include/doctest/doctest.h").exists() for prefix in ("/usr", "/usr/local", "/opt/homebrew"))


def _tool(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


MISSING = [
    name for name, found in (("cmake", _tool("cmake")), ("a C++ compiler", _tool("c++", "g++", "clang++")),
                             ("doctest", DOCTEST)) if not found
]  # fmt: skip


@pytest.mark.builds
@pytest.mark.parametrize(
    ("sanitize", "targets"),
    [
        pytest.param("", ("law_tests", "allocation_tests"), id="laws, and allocation only at load"),
        pytest.param("thread", ("thread_tests",), id="two threads under TSan"),
        pytest.param(
            "address", ("law_tests", "allocation_tests", "thread_tests"), id="all under ASan and UBSan",
            marks=pytest.mark.soak,
        ),
    ],
)  # fmt: skip
def test_cpp(sanitize: str, targets: tuple[str, ...], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("soak") and os.environ.get("SIDEMAN_SOAK") != "1":
        pytest.skip("SIDEMAN_SOAK=1 runs it; it takes two minutes")
    if MISSING:
        text = f"{', '.join(MISSING)} missing: `apt install cmake g++ doctest-dev` brings them"
        assert os.environ.get("SIDEMAN_NATIVE") != "require", text
        pytest.skip(text)
    build_native(tmp_path, f"-DSIDEMAN_SANITIZE={sanitize}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                 "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g0", targets=targets)  # fmt: skip
    for target in targets:
        run_program(tmp_path / "native" / "tests" / target)
