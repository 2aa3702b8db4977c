"""Where the plug-in is put, and that what is put there is one."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

import native
from bridge.cli import main
from bridge.plugin.install import install, place, uninstall
from engine.platform.system import this_system
from tests.support.plugin.host import ClapHost, Library

pytestmark = pytest.mark.skipif(native.plugin_file() is None, reason="the plug-in was not built")


def test_what_is_installed_is_loaded_and_says_who_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugin", "install", "--dir", str(tmp_path / "new" / "folder")]) == 0
    path = tmp_path / "new" / "folder" / "Sideman.clap"
    assert str(path) in capsys.readouterr().out
    library = Library(path)
    assert library.descriptor().id == b"sideman.sideman"
    host = ClapHost(library)
    host.destroy()
    assert main(["plugin", "uninstall", "--dir", str(path.parent)]) == 0
    assert not path.exists()
    assert main(["plugin", "uninstall", "--dir", str(path.parent)]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_installing_anew_replaces_what_was_there(tmp_path: Path) -> None:
    place(tmp_path).write_bytes(b"old")
    assert install(tmp_path).read_bytes() == Path(str(native.plugin_file())).read_bytes()


def test_on_a_mac_it_is_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(this_system()), "plugin_is_bundle", True)
    path = install(tmp_path)
    about = plistlib.loads((path / "Contents" / "Info.plist").read_bytes())
    assert (path / "Contents" / "MacOS" / about["CFBundleExecutable"]).is_file()
    install(tmp_path)
    assert uninstall(tmp_path) == path
    assert not path.exists()


def test_without_a_build_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(native, "plugin_file", lambda: None)
    assert main(["plugin", "install", "--dir", str(tmp_path)]) == 2
    assert "take a wheel" in capsys.readouterr().err
