"""The C++ library and its tests as Windows programs: compiled by mingw-w64, run under Wine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.native_build import ROOT, build_native, run_program

COMPILER = shutil.which("x86_64-w64-mingw32-g++-posix")
WINE = next((path for name in ("wine64", "/usr/lib/wine/wine64", "wine") if (path := shutil.which(name))), None)
TESTS = ("law_tests", "allocation_tests", "thread_tests")

pytestmark = [
    pytest.mark.builds,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        COMPILER is None or WINE is None or shutil.which("cmake") is None,
        reason="no mingw-w64 or no Wine: `apt install cmake doctest-dev g++-mingw-w64-x86-64-posix wine64` brings them",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The compiled tests, in a folder whose name no code page of the West can say."""
    build = tmp_path_factory.mktemp("windows")
    build_native(build, f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'native/cross/mingw-w64.cmake'}", "-DCMAKE_BUILD_TYPE=Release",
                 "-DCMAKE_CXX_FLAGS_RELEASE=-O1", targets=TESTS)  # fmt: skip
    place = tmp_path_factory.mktemp("音楽 Müller")
    for name in TESTS:
        shutil.copy2(build / "native" / "tests" / f"{name}.exe", place)
    yield place
    server = next((path for name in ("wineserver", "/usr/lib/wine/wineserver") if (path := shutil.which(name))), None)
    if server is not None:
        subprocess.run([server, "--kill"], env=environment(place), check=False)


@pytest.mark.parametrize("name", TESTS)
def test_the_laws_hold_on_windows(folder: Path, name: str) -> None:
    """Decoder, kernels, sampler, tokenizer, stream, rings, scheduler, and that playing allocates nothing."""
    said = run_program(str(WINE), f"{name}.exe", folder=folder, env=environment(folder))
    assert "Status: SUCCESS!" in said


def test_lateness_is_measured_and_said(folder: Path) -> None:
    """The figures are Wine's: they say that the timer's road is taken, not how a Windows keeps time."""
    said = run_program(
        str(WINE), "thread_tests.exe", "--no-skip", "--test-case=lateness", folder=folder, env=environment(folder)
    )
    assert "timer: late by p50" in said


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "WINEPREFIX": str(folder / "wine"), "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8"}
