"""Whether compiled extension module and plug-in can be loaded on their system: the link map, read from the file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeAlias

import lief
from cross_python import export_names

__all__ = ["check_extension", "check_plugin"]

lief.logging.disable()  # it wonders at what zig leaves empty

ENTRY = "PyInit__core"
PLUGIN_ENTRY = "clap_entry"
WINDOWS_OWN = ("ws2_32.dll", "kernel32.dll", "msvcrt.dll", "ucrtbase.dll", "api-ms-win-", "ntdll.dll", "advapi32.dll")
LINUX_OWN = ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux")
OLD_GLIBC = (2, 17)
Library: TypeAlias = lief.PE.Binary | lief.ELF.Binary | lief.MachO.Binary
MAC_OWN = ("/usr/lib/libSystem.B.dylib", "/usr/lib/libc++.1.dylib")


def check_extension(path: Path, system: str) -> None:
    """Ends the program with a line where a symbol is missing, or a library is needed that not every machine has."""
    binary = read_library(path, system)
    if isinstance(binary, lief.PE.Binary):
        asked = {entry.name for library in binary.imports for entry in library.entries if is_python(library.name)}
    elif isinstance(binary, lief.ELF.Binary):
        undefined = {symbol.name for symbol in binary.dynamic_symbols if symbol.shndx == 0}
        asked = {name for name in undefined if name.startswith(("Py", "_Py"))}
    else:
        # What stands in no section of its own and names no library is looked up in the program that loads it: Python.
        asked = {
            binding.symbol.name.removeprefix("_")
            for binding in binary.bindings
            if binding.symbol is not None and not binding.has_library and not binding.symbol.numberof_sections
        }
    check_links(path, system, binary, ENTRY, may_ask_python=True)
    missing = sorted(asked - export_names().keys())
    if missing or not asked:
        sys.exit(f"{path}: asks Python for {', '.join(missing) or 'nothing at all'}, which it does not have")


def check_plugin(path: Path, system: str) -> None:
    """Ends the program with a line where the plug-in's entry is missing, or a library that not every machine has is
    needed. It asks nothing of Python.
    """
    check_links(path, system, read_library(path, system), PLUGIN_ENTRY, may_ask_python=False)


def read_library(path: Path, system: str) -> Library:
    """Reads a library. Ends the program with a line where it is none of ours."""
    binary = lief.parse(str(path))
    if not isinstance(binary, lief.PE.Binary | lief.ELF.Binary | lief.MachO.Binary):
        sys.exit(f"{path}: is no library of {system}")
    return binary


def check_links(path: Path, system: str, binary: Library, entry: str, *, may_ask_python: bool) -> None:
    """Ends the program with a line where a library does not export its entry, needs what not every machine has, or
    is not signed where it must be.
    """
    if isinstance(binary, lief.PE.Binary):
        entries = {exported.name for exported in binary.get_export().entries}
        libraries = [library.name for library in binary.imports]
        strangers = [name for name in libraries if not name.lower().startswith(WINDOWS_OWN)]
        if may_ask_python:
            strangers = [name for name in strangers if not is_python(name)]
    elif isinstance(binary, lief.ELF.Binary):
        entries = {symbol.name for symbol in binary.exported_symbols}
        strangers = [name for name in binary.libraries if not name.startswith(LINUX_OWN)]
        requirements = binary.symbols_version_requirement
        versions = {version.name for library in requirements for version in library.get_auxiliary_symbols()}
        strangers += sorted(name for name in versions if not is_old(name))
    else:
        entries = {symbol.name.removeprefix("_") for symbol in binary.exported_symbols}
        needed = {library.name for library in binary.libraries if Path(library.name).name != path.name}  # its own name
        strangers = sorted(name for name in needed if name not in MAC_OWN)
        if not binary.has_code_signature and binary.header.cpu_type == lief.MachO.Header.CPU_TYPE.ARM64:
            sys.exit(f"{path}: is not signed: Apple's own processors load no such file")
    if entry not in entries:
        sys.exit(f"{path}: does not export {entry}")
    if strangers:
        sys.exit(f"{path}: needs {', '.join(strangers)}, which not every {system} has")


def is_old(version: str) -> bool:
    """Whether a symbol's version, such as GLIBC_2.2.5, is one that every Linux since 2014 has."""
    name, _, number = version.partition("_")
    return name == "GLIBC" and tuple(map(int, number.split("."))) <= OLD_GLIBC


def is_python(library: str) -> bool:
    """Whether a DLL is Python's own."""
    return library.lower() == f"python{sys.version_info.major}{sys.version_info.minor}.dll"
