"""macOS, seen through a machine that is not there: its library, iCloud and OneDrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.atomic import atomic_write
from tests.support.platform.mac_machine import MacMachine


def test_the_time_constraint_is_asked_in_the_processors_own_ticks(tmp_path: Path) -> None:
    mac = MacMachine(tmp_path)
    assert mac.system.raise_priority("deadline")
    assert mac.system.raise_priority("session")
    assert mac.library.policies == [(24_000, 2_400, 12_000, 1), (240_000, 72_000, 192_000, 1)]


def test_a_refusal_is_an_answer(tmp_path: Path) -> None:
    mac = MacMachine(tmp_path, grants=False)
    assert not mac.system.raise_priority("deadline")
    del mac.library.pthread_self
    assert not mac.system.raise_priority("deadline")


def test_documents_may_be_at_home_in_icloud_or_in_onedrive(tmp_path: Path) -> None:
    drive = tmp_path / "Library/CloudStorage/OneDrive-Müller/Documents"
    drive.mkdir(parents=True)
    assert list(MacMachine(tmp_path).system.documents()) == [
        tmp_path / "Documents",
        tmp_path / "Library/Mobile Documents/com~apple~CloudDocs/Documents",
        drive,
    ]


def test_the_users_own_files_lie_in_application_support(tmp_path: Path) -> None:
    assert MacMachine(tmp_path).system.user_folder("config") == tmp_path / "Library/Application Support/Sideman"
    assert MacMachine(tmp_path).system.plugin_folder() == tmp_path / "Library/Audio/Plug-Ins/CLAP"


def test_folders_are_swapped_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mac = MacMachine(tmp_path)
    monkeypatch.setattr("engine.platform.system._chosen", mac.system)
    for content in ("old", "new"):
        with atomic_write(tmp_path / "style") as beside:
            beside.mkdir()
            (beside / "weights").write_text(content)
    assert (tmp_path / "style" / "weights").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["style"]
    monkeypatch.delattr("tests.support.platform.mac_machine.MacLibrary.renamex_np")
    assert not mac.system.swap(tmp_path / "style", tmp_path / "style")


def test_a_file_is_opened_by_the_users_own_program(tmp_path: Path) -> None:
    mac = MacMachine(tmp_path)
    opener = tmp_path / "bin" / "open"
    opener.parent.mkdir()
    opener.write_text('#!/bin/sh\n[ -f "$1" ]\n')
    opener.chmod(0o755)
    (tmp_path / "Solo Müller.mid").touch()
    assert not mac.system.open_file(tmp_path / "Solo Müller.mid"), "there is no such program"
    mac.environ["PATH"] = f"{opener.parent}:/bin:/usr/bin"
    assert mac.system.open_file(tmp_path / "Solo Müller.mid")
    assert not mac.system.open_file(tmp_path / "gone.mid")


def test_windows_services_are_none_of_a_macs(tmp_path: Path) -> None:
    system = MacMachine(tmp_path).system
    assert system.midi_services() == "none"
    assert system.registry_text("Software", "Anything") is None
    assert system.processor_s(1) is None
    assert system.slept_us() == 0
