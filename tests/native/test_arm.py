"""The kernels for 64-bit ARM: compiled by Debian's cross compiler, run by qemu."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.native_build import ROOT, build_native, run_program

EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")

pytestmark = [
    pytest.mark.builds,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        EMULATOR is None or any(shutil.which(tool) is None for tool in ("aarch64-linux-gnu-g++", "cmake")),
        reason="no cross compiler or no qemu: `apt install cmake doctest-dev g++-aarch64-linux-gnu qemu-user-static` "
        "brings them",
    ),
]


@pytest.fixture(scope="module")
def laws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("arm")
    toolchain = ROOT / "native/cross/aarch64-linux.cmake"
    build_native(build, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-DCMAKE_BUILD_TYPE=Release",
                 "-DCMAKE_CXX_FLAGS_RELEASE=-O1", targets=("law_tests",))  # fmt: skip
    return build / "native" / "tests" / "law_tests"


@pytest.mark.parametrize(
    ("processor", "kernels"), [("max", "neondot neon portable"), ("cortex-a53", "neon portable")],
    ids=["with dot products", "without"],
)  # fmt: skip
def test_the_kernels_laws_hold_on_arm(laws: Path, processor: str, kernels: str) -> None:
    said = run_program(str(EMULATOR), "-cpu", processor, laws, "--source-file=*test_kernels*")
    assert "Status: SUCCESS!" in said
    assert f"kernels of this machine: {kernels}\n" in said
