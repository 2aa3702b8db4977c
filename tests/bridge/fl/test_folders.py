"""FL Studio's user data folder is found in fake trees of Windows, macOS and Wine, moved or not, in several versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.fl.folders import FlInstallError, find_user_folders, settings_folders
from engine.platform.face import System
from engine.platform.linux import Linux
from tests.support.platform.mac_machine import MacMachine
from tests.support.platform.windows_machine import FL, SHELL, WindowsMachine

DOCUMENTS = [
    ("Windows", "Documents"),
    ("Windows", "OneDrive/Documents"),
    ("Windows", "OneDrive - Müller GmbH/Documents"),
    ("macOS", "Documents"),
    ("macOS", "Library/Mobile Documents/com~apple~CloudDocs/Documents"),
    ("macOS", "Library/CloudStorage/OneDrive-Müller/Documents"),
    ("Linux", "Documents"),
    ("Linux", ".wine/drive_c/users/anna/Documents"),
]


def use(monkeypatch: pytest.MonkeyPatch, system: System) -> None:
    monkeypatch.setattr("engine.platform.system._chosen", system)


def systems(home: Path) -> dict[str, System]:
    return {"Windows": WindowsMachine(home).system, "macOS": MacMachine(home).system, "Linux": Linux({}, lambda: home)}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WindowsMachine:
    there = WindowsMachine(tmp_path)
    use(monkeypatch, there.system)
    return there


def make_fl(documents: Path, version: str = "FL Studio") -> Path:
    folder = documents / "Image-Line" / version
    (folder / "Settings").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(("system", "documents"), DOCUMENTS)
def test_the_user_folder_is_found_where_documents_lie(
    system: str, documents: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, systems(tmp_path)[system])
    assert find_user_folders() == []
    folder = make_fl(tmp_path / documents)
    assert find_user_folders() == [folder]


def test_one_folder_by_two_names_is_one(machine: WindowsMachine, tmp_path: Path) -> None:
    first, second = make_fl(tmp_path / "Documents"), make_fl(tmp_path / "OneDrive" / "Documents")
    (tmp_path / "OneDrive - link").symlink_to(tmp_path / "OneDrive")
    assert find_user_folders() == [first, second]


def test_versions_with_folders_of_their_own_are_all_found_and_other_products_are_not(
    machine: WindowsMachine, tmp_path: Path
) -> None:
    main, beta = make_fl(tmp_path / "Documents"), make_fl(tmp_path / "Documents", "FL Studio 2025 beta")
    (tmp_path / "Documents" / "Image-Line" / "FL Studio Mobile").mkdir()
    assert find_user_folders() == [main, beta]


def test_windows_is_asked_where_documents_were_moved_to(machine: WindowsMachine, tmp_path: Path) -> None:
    moved = make_fl(tmp_path / "D" / "Eigene Dokumente")
    machine.registry[SHELL] = str(tmp_path / "D" / "Eigene Dokumente")
    assert find_user_folders() == [moved]


def test_fl_is_asked_first_where_its_data_was_moved_to(machine: WindowsMachine, tmp_path: Path) -> None:
    old, new = make_fl(tmp_path / "Documents"), make_fl(tmp_path / "D" / "Music")
    machine.registry |= {FL: str(new.parent), SHELL: str(old.parent.parent)}
    assert find_user_folders() == [new, old]
    machine.registry.clear()
    machine.registry[(*FL[:2], "Install path")] = "C:/Program Files/Image-Line"
    assert find_user_folders() == [old]


@pytest.mark.parametrize("given", [".", "Settings/Hardware", "..", "../.."])
def test_any_folder_on_the_way_is_understood(given: str, tmp_path: Path) -> None:
    folder = make_fl(tmp_path)
    (folder / "Settings" / "Hardware").mkdir()
    assert settings_folders(folder / given if given.startswith("S") else (folder / given).resolve()) == [
        folder / "Settings"
    ]


def test_a_folder_of_something_else_is_refused_with_the_remedy(tmp_path: Path) -> None:
    unknown_home = Path("~nobody_of_that_name/FL Studio")
    for path, reason in (
        (tmp_path, "no Settings folder"), (tmp_path / "nowhere", "is not a folder"), (unknown_home, "is not a folder")
    ):  # fmt: skip
        with pytest.raises(FlInstallError, match=reason) as caught:
            settings_folders(path)
        assert "User data folder: give it with --dir" in str(caught.value)
