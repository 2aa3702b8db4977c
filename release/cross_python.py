"""What a cross-compiler needs of the Python of another system: its headers, and on Windows an import library."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

__all__ = ["export_names", "import_library", "python_headers"]

# Headers are the same on all systems but for this one. Windows' own is hand-written too, and longer: this is what
# Python.h asks of it with a GNU-like compiler on 64 bits.
WINDOWS_PYCONFIG = """\
#ifndef Py_CONFIG_H
#define Py_CONFIG_H
#include <io.h>
#define MS_WIN32
#define MS_WINDOWS
#define MS_WIN64
#define NT_THREADS
#define Py_ENABLE_SHARED 1
#define HAVE_DECLSPEC_DLL
#define PLATFORM "win32"
#define Py_WINVER 0x0602
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_DOUBLE 8
#define SIZEOF_FLOAT 4
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_TIME_T 8
#define SIZEOF_FPOS_T 8
#define SIZEOF_OFF_T 4
#define SIZEOF_HKEY 8
#define SIZEOF_WCHAR_T 2
#define SIZEOF__BOOL 1
#define ALIGNOF_SIZE_T 8
#define ALIGNOF_MAX_ALIGN_T 16
#define HAVE_LONG_LONG 1
#define HAVE_STDDEF_H 1
#define HAVE_STDINT_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_FCNTL_H 1
#define HAVE_ERRNO_H 1
#define HAVE_WCHAR_H 1
#define STDC_HEADERS 1
#define WITH_THREAD 1
#define WITH_DOC_STRINGS 1
#define WITH_FREELISTS 1
#endif
"""


def python_headers(folder: Path, system: str) -> Path:
    """The headers of this Python in `folder`, as they are on that system of 64 bits (CMake's name of it)."""
    headers = Path(sysconfig.get_paths()["include"])
    copy = folder / "include"
    shutil.copytree(headers, copy, dirs_exist_ok=True)
    multiarch, version = (
        sysconfig.get_config_var("MULTIARCH"),
        f"python{sys.version_info.major}.{sys.version_info.minor}",
    )
    debians = Path("/usr/include", str(multiarch), version, "pyconfig.h")  # what it has here asks for the processor
    if headers == Path("/usr/include", version) and debians.is_file():
        shutil.copy2(debians, copy / "pyconfig.h")
    if system == "Windows":  # macOS has sizes and headers like Linux', as far as an extension module sees them
        (copy / "pyconfig.h").write_text(WINDOWS_PYCONFIG, encoding="ascii")
    return copy


def import_library(folder: Path, zig: Path) -> Path:
    """python3XX.lib: the names that python3XX.dll exports, made from those of this Python."""
    name = f"python{sys.version_info.major}{sys.version_info.minor}"
    lines = [f"    {symbol}{'' if kind == 'T' else ' DATA'}" for symbol, kind in sorted(export_names().items())]
    definitions = folder / f"{name}.def"
    definitions.write_text("\n".join([f"LIBRARY {name}.dll", "EXPORTS", *lines]) + "\n", encoding="ascii")
    library = folder / f"{name}.lib"
    subprocess.run(
        [zig, "dlltool", "-m", "i386:x86-64", "-d", definitions, "-D", f"{name}.dll", "-l", library], check=True
    )
    return library


@cache
def export_names() -> dict[str, str]:
    """The C interface of this Python: name -> "T" for a function, another letter for data."""
    shared = Path(sysconfig.get_config_var("LIBDIR") or "") / str(sysconfig.get_config_var("LDLIBRARY"))
    binary = shared if shared.suffix == ".so" and shared.is_file() else Path(sys.executable).resolve()
    listed = subprocess.run(
        ["nm", "--dynamic", "--defined-only", binary], capture_output=True, text=True, check=True
    ).stdout
    found = (line.split() for line in listed.splitlines())
    return {name: kind for _, kind, name in found if name.startswith(("Py", "_Py"))}
