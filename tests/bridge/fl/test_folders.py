"""FL Studio's user data folder is found in fake trees of Windows, macOS and Wine, moved or not, in several versions."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.fl.folders import FlInstallError, find_user_folders, settings_folders

DOCUMENTS = [
    "Documents",
    "OneDrive/Documents",
    "OneDrive - Müller GmbH/Documents",
    "Library/Mobile Documents/com~apple~CloudDocs/Documents",
    ".wine/drive_c/users/anna/Documents",
]


def make_fl(documents: Path, version: str = "FL Studio") -> Path:
    folder = documents / "Image-Line" / version
    (folder / "Settings").mkdir(parents=True)
    return folder


def windows(monkeypatch: pytest.MonkeyPatch, registry: dict[tuple[str, str], str]) -> None:
    """A Windows with these texts in the user's registry."""
    winreg = types.ModuleType("winreg")

    @contextlib.contextmanager
    def open_key(root: int, key: str) -> Iterator[str]:
        if not any(key == there for there, _ in registry):
            raise FileNotFoundError(2, "The system cannot find the file specified")
        yield key

    def query(key: str, name: str) -> tuple[str, int]:
        if (key, name) not in registry:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return registry[key, name], 1

    winreg.__dict__.update(HKEY_CURRENT_USER=1, OpenKey=open_key, QueryValueEx=query)
    monkeypatch.setitem(sys.modules, "winreg", winreg)
    monkeypatch.setattr(sys, "platform", "win32")


FL_KEY, SHELL_KEY = (
    r"Software\Image-Line\Shared\Paths",
    r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders",
)


@pytest.mark.parametrize("documents", DOCUMENTS)
def test_the_user_folder_is_found_where_documents_lie(documents: str, tmp_path: Path) -> None:
    assert find_user_folders(tmp_path) == []
    folder = make_fl(tmp_path / documents)
    assert find_user_folders(tmp_path) == [folder]


def test_one_folder_by_two_names_is_one(tmp_path: Path) -> None:
    first, second = make_fl(tmp_path / "Documents"), make_fl(tmp_path / "OneDrive" / "Documents")
    (tmp_path / "OneDrive - link").symlink_to(tmp_path / "OneDrive")
    assert find_user_folders(tmp_path) == [first, second]


def test_versions_with_folders_of_their_own_are_all_found_and_other_products_are_not(tmp_path: Path) -> None:
    main, beta = make_fl(tmp_path / "Documents"), make_fl(tmp_path / "Documents", "FL Studio 2025 beta")
    (tmp_path / "Documents" / "Image-Line" / "FL Studio Mobile").mkdir()
    assert find_user_folders(tmp_path) == [main, beta]


def test_windows_is_asked_where_documents_were_moved_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = make_fl(tmp_path / "D" / "Eigene Dokumente")
    windows(monkeypatch, {(SHELL_KEY, "Personal"): str(tmp_path / "D" / "Eigene Dokumente")})
    assert find_user_folders(tmp_path) == [moved]


def test_fl_is_asked_first_where_its_data_was_moved_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_fl(tmp_path / "Documents"), make_fl(tmp_path / "D" / "Music")
    windows(monkeypatch, {(FL_KEY, "Shared data"): str(new.parent), (SHELL_KEY, "Personal"): str(old.parent.parent)})
    assert find_user_folders(tmp_path) == [new, old]
    windows(monkeypatch, {(FL_KEY, "Install path"): "C:/Program Files/Image-Line"})
    assert find_user_folders(tmp_path) == [old]


@pytest.mark.parametrize("given", [".", "Settings/Hardware", "..", "../.."])
def test_any_folder_on_the_way_is_understood(given: str, tmp_path: Path) -> None:
    folder = make_fl(tmp_path)
    (folder / "Settings" / "Hardware").mkdir()
    assert settings_folders(folder / given if given.startswith("S") else (folder / given).resolve()) == [
        folder / "Settings"
    ]


def test_a_folder_of_something_else_is_refused_with_the_remedy(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "no Settings folder"), (tmp_path / "nowhere", "is not a folder")):
        with pytest.raises(FlInstallError, match=reason) as caught:
            settings_folders(path)
        assert "User data folder: give it with --dir" in str(caught.value)
