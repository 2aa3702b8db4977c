"""What wheels are built for: one line a target."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["TARGETS", "Target"]


class Target(NamedTuple):
    """zig: its name for the machine, with the oldest C library it shall run on. system, processor: CMake's names.

    platform_tag: of the wheel. suffix: of the extension module, where {0} is the Python version such as 311.
    """

    zig: str
    system: str
    processor: str
    platform_tag: str
    suffix: str


TARGETS = {
    "linux-x86_64": Target(
        "x86_64-linux-gnu.2.17", "Linux", "x86_64", "manylinux_2_17_x86_64", ".cpython-{0}-x86_64-linux-gnu.so"
    ),
    "linux-aarch64": Target(
        "aarch64-linux-gnu.2.17", "Linux", "aarch64", "manylinux_2_17_aarch64", ".cpython-{0}-aarch64-linux-gnu.so"
    ),
    "windows-x64": Target("x86_64-windows-gnu", "Windows", "x86_64", "win_amd64", ".cp{0}-win_amd64.pyd"),
    "macos-arm64": Target("aarch64-macos.11.0", "Darwin", "arm64", "macosx_11_0_arm64", ".cpython-{0}-darwin.so"),
    "macos-x86_64": Target("x86_64-macos.11.0", "Darwin", "x86_64", "macosx_11_0_x86_64", ".cpython-{0}-darwin.so"),
}
