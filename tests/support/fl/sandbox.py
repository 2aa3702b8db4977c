"""What a script may import and open inside FL Studio: the import hook and builtins of two versions.

fl2025: as fl2024, and whatever looks at a file fails as well, by whichever module it is tried.
fl2024: the standard library imports, but sockets, threads, processes and file changes fail when used.
fl21: Python 3.9 syntax and a white list of modules.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

WHITELIST = ("sys", "time", "math", "binascii", "_json", "_struct", "_thread", "builtins")
PYTHON = {"fl2025": (3, 12), "fl2024": (3, 12), "fl21": (3, 9)}
FILES = {
    "os": ("open", "stat", "lstat", "listdir", "scandir", "walk", "access", "getcwd", "chdir", "replace", "unlink"),
    "io": ("open", "open_code", "FileIO"),
    "pathlib": ("Path", "PosixPath", "WindowsPath"),
    "tempfile": ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp"),
    "shutil": ("copy", "copyfile", "copy2", "rmtree", "move"),
    "glob": ("glob", "iglob"),
}  # what reaches files


def _refused(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise SystemError(f"<slot wrapper '__init__' of '{name}' objects> returned NULL without setting an exception")

    return refuse


def _copy(name: str, **changes: object) -> types.ModuleType:
    """Copies the real module with some names replaced."""
    module = types.ModuleType(name)
    module.__dict__.update(importlib.import_module(name).__dict__)
    module.__dict__.update(changes)
    return module


def broken_modules() -> dict[str, types.ModuleType]:
    """Returns the modules that import on FL 2024 and fail when used."""
    thread = type("Thread", (), {"__init__": lambda *_, **__: None, "start": _refused("_thread")})
    return {
        "socket": _copy("socket", socket=_refused("_socket.socket"), create_connection=_refused("_socket.socket")),
        "threading": _copy("threading", Thread=thread, Timer=thread),
        "_thread": _copy("_thread", start_new_thread=_refused("_thread"), start_new=_refused("_thread")),
        "subprocess": _copy("subprocess", Popen=_refused("Popen"), run=_refused("Popen")),
        "os": _copy("os", mkdir=_refused("os"), makedirs=_refused("os"), rename=_refused("os"), remove=_refused("os")),
    }


def fileless_modules() -> dict[str, types.ModuleType]:
    """Returns what fails besides where a script may not even look at a file."""
    modules = broken_modules()
    for name, functions in FILES.items():
        real = modules.get(name) or _copy(name)
        real.__dict__.update({function: _refused(name) for function in functions})
        modules[name] = real
    return modules


class Sandbox:
    """Loads scripts from a folder into fresh namespaces, with FL's own modules and a stopped clock of ours."""

    def __init__(
        self,
        folder: Path,
        profile: str,
        own_modules: dict[str, types.ModuleType],
        print_line: Callable[..., None],
        open_own_folder: bool,
    ) -> None:
        self.loaded: dict[str, types.ModuleType] = {}
        self._folder = folder
        self._profile = profile
        self._open_own_folder = open_own_folder
        broken = {"fl2024": broken_modules, "fl2025": fileless_modules}.get(profile, dict)
        self._modules = broken() | own_modules
        self._modules["sys"] = types.ModuleType("sys")
        self._modules["sys"].__dict__.update(
            path=[str(folder)], version_info=PYTHON[profile], version="3.x (fake)", platform="win32", modules={}
        )
        self._builtins = dict(vars(builtins)) | {"__import__": self._import, "open": self._open, "print": print_line}

    def load(self, name: str) -> types.ModuleType:
        """Runs folder/name.py in a fresh namespace without __file__. ASCII and the profile's syntax only."""
        path = self._folder / f"{name}.py"
        source = path.read_bytes().decode("ascii")
        tree = ast.parse(source, feature_version=PYTHON[self._profile])
        if self._profile == "fl21":
            _refuse_new_annotations(tree, name)
        module = types.ModuleType(name)
        module.__dict__["__builtins__"] = self._builtins
        self.loaded[name] = module
        exec(compile(source, f"<{name}>", "exec", dont_inherit=True), module.__dict__)
        return module

    def _import(self, name: str, _: Any = None, __: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name in self._modules:
            return self._modules[name]
        if name in self.loaded:
            return self.loaded[name]
        if level == 0 and (self._folder / f"{name}.py").is_file():
            return self.load(name)
        if name.split(".", maxsplit=1)[0] == "ctypes":
            raise ImportError("DLL load failed while importing _ctypes")
        if self._profile == "fl21" and name not in WHITELIST:
            raise ModuleNotFoundError(f"No module named '{name}'")
        return builtins.__import__(name, None, None, fromlist, level)

    def _open(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self._profile == "fl2025":
            _refused("_io.FileIO")()
        inside = self._folder.resolve() in Path(file).resolve().parents
        if not (self._open_own_folder and inside and mode in ("r", "rb")):
            raise PermissionError(f"[Errno 13] Permission denied: {str(file)!r}")
        return builtins.open(file, mode, *args, **kwargs)


def _refuse_new_annotations(tree: ast.AST, name: str) -> None:
    """Python 3.9 evaluates annotations, and `int | None` fails there; ast alone does not see that."""
    for node in ast.walk(tree):
        annotations = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        for annotation in filter(None, annotations):
            if any(isinstance(part, ast.BinOp) for part in ast.walk(annotation)):
                raise TypeError(f"{name}: unsupported operand type(s) for |: 'type' and 'NoneType'")
