"""Laws of `sideman fl install | uninstall | probe`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.commands import fl as fl_command
from bridge.commands.fl import run
from bridge.fl import folders as fl_folders
from bridge.fl.install import SOURCE, FlInstallError, install, probe, script_files, uninstall
from tests.support.fl.host import FakeFL


def make_fl(documents: Path) -> Path:
    folder = documents / "Image-Line" / "FL Studio"
    (folder / "Settings").mkdir(parents=True)
    return folder


@pytest.fixture
def user_folder(tmp_path: Path) -> Path:
    return make_fl(tmp_path / "Dokumente für Müsik")


def test_several_folders_are_all_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [make_fl(tmp_path / "Documents"), make_fl(tmp_path / "OneDrive" / "Documents")]
    monkeypatch.setattr(fl_folders, "find_user_folders", lambda: folders)
    install(None)
    assert all((folder / "Settings/Hardware/Sideman/device_Sideman.py").is_file() for folder in folders)


@pytest.mark.parametrize("profile", ["fl2024", "fl21"])
def test_what_is_installed_runs_in_fl(profile: str, user_folder: Path) -> None:
    written = install(user_folder)
    folder = user_folder / "Settings" / "Hardware" / "Sideman"
    assert sorted(written) == sorted(folder.iterdir())
    assert {path.name: path.read_bytes() for path in written} == script_files()
    assert {path.name for path in SOURCE.glob("*.py")} - {"device_SidemanProbe.py"} < script_files().keys()
    assert FakeFL(folder, profile).load().output == ["Sideman: init ok"]
    (probed,) = probe(user_folder)
    assert FakeFL(probed.parent, profile).load("device_SidemanProbe").disabled is None


@pytest.mark.parametrize("given", [".", "Settings/Hardware", "..", "../.."])
def test_any_folder_on_the_way_is_understood(given: str, user_folder: Path) -> None:
    (user_folder / "Settings" / "Hardware").mkdir()
    install(user_folder / given if given == "Settings/Hardware" else (user_folder / given).resolve())
    assert (user_folder / "Settings/Hardware/Sideman/device_Sideman.py").is_file()


def test_an_older_copy_is_replaced_as_a_whole(user_folder: Path) -> None:
    install(user_folder)
    folder = user_folder / "Settings" / "Hardware" / "Sideman"
    (folder / "__pycache__").mkdir()
    (folder / "device_Sideman.py").write_text("# name=Sideman\nold")
    written = install(user_folder)
    assert sorted(written) == sorted(folder.iterdir())
    assert [path.name for path in folder.parent.iterdir()] == ["Sideman"]


def test_the_users_own_map_of_knobs_outlives_an_install(user_folder: Path) -> None:
    install(user_folder)
    own = user_folder / "Settings" / "Hardware" / "Sideman" / "sideman_map.py"
    own.write_text('CONTROLS = {("cc", 74): "temperature"}\n')
    (own.parent / "sideman_wire.py").write_text("old")
    install(user_folder)
    assert own.read_text() == 'CONTROLS = {("cc", 74): "temperature"}\n'
    assert (own.parent / "sideman_wire.py").read_bytes() == script_files()["sideman_wire.py"]
    uninstall(user_folder)
    assert list(own.parent.iterdir()) == [own]
    install(user_folder)
    assert own.read_text() == 'CONTROLS = {("cc", 74): "temperature"}\n'
    assert (own.parent / "device_Sideman.py").is_file()


def test_whatever_else_lies_there_outlives_an_install_and_an_uninstall(user_folder: Path) -> None:
    install(user_folder)
    probe(user_folder)
    hardware = user_folder / "Settings" / "Hardware"
    own = {
        hardware / "Sideman" / "my notes.txt": "notes",
        hardware / "Sideman" / "sideman_mine.py": "a name like ours",
        hardware / "Sideman" / "device_SidemanMine.py": "a name like ours",
        hardware / "Sideman" / "maps" / "stage.py": "in a folder",
        hardware / "SidemanProbe" / "what it said.txt": "notes",
    }
    for path, text in own.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for action in (install, probe, install, uninstall):
        action(user_folder)
        assert {path: path.read_text() for path in own} == own
    assert sorted(path for path in hardware.rglob("*") if path.is_file()) == sorted(own)


@pytest.mark.parametrize("action", [install, uninstall])
def test_the_users_own_map_outlives_an_install_that_was_killed_between_its_renames(
    action: Callable[[Path], object], user_folder: Path
) -> None:
    install(user_folder)
    folder = user_folder / "Settings" / "Hardware" / "Sideman"
    (folder / "sideman_map.py").write_text("CONTROLS = {}\n")
    folder.rename(folder.with_name(".Sideman.old"))
    action(user_folder)
    assert (folder / "sideman_map.py").read_text() == "CONTROLS = {}\n"
    assert [path.name for path in folder.parent.iterdir()] == ["Sideman"]


def test_a_folder_of_somebody_else_is_left_alone(user_folder: Path) -> None:
    foreign = user_folder / "Settings" / "Hardware" / "Sideman" / "device_Other.py"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("# name=Other")
    with pytest.raises(FlInstallError, match="not ours"):
        install(user_folder)
    assert foreign.read_text() == "# name=Other"


def test_a_failed_swap_keeps_the_older_copy(user_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(user_folder)
    hardware = user_folder / "Settings" / "Hardware"
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == ".Sideman.new":
            raise PermissionError(13, "Access is denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(FlInstallError, match=r"Access is denied.*close FL Studio"):
        install(user_folder)
    assert [path.name for path in hardware.iterdir()] == ["Sideman"]
    assert (hardware / "Sideman" / "device_Sideman.py").is_file()


def test_uninstall_removes_what_install_wrote_and_nothing_else(user_folder: Path) -> None:
    hardware = user_folder / "Settings" / "Hardware"
    install(user_folder)
    probe(user_folder)
    own = hardware / "Sideman" / "my notes.txt"
    own.write_text("keep")
    assert len(uninstall(user_folder)) == len(script_files()) + 1
    assert [path.name for path in hardware.iterdir()] == ["Sideman"]
    assert list((hardware / "Sideman").iterdir()) == [own]
    with pytest.raises(FlInstallError, match="nothing is installed"):
        uninstall(user_folder)


@pytest.mark.parametrize(
    ("target", "text"), [("nowhere", "is not a folder"), ("empty", "no Settings folder"), (None, "was not found")]
)
def test_errors_are_one_line_with_the_remedy(
    target: str | None, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(fl_folders, "find_user_folders", lambda: [])
    for action in (install, uninstall, probe):
        with pytest.raises(FlInstallError, match=text) as caught:
            action(tmp_path / target if target else None)
        assert "--dir" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_the_command_says_which_clicks_remain(user_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    fl_command.add_arguments(parser)
    for action, text in (
        ("install", "controller type to `Sideman`"),
        ("probe", "`Sideman Probe`"),
        ("uninstall", "removed"),
    ):
        assert run(parser.parse_args([action, "--dir", str(user_folder)])) == 0
        assert text in capsys.readouterr().out
