"""Files and folders appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from engine.atomic import atomic_write, check_file, check_folder
from engine.errors import SidemanError
from engine.platform.system import this_system


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    path.write_text("old")
    with contextlib.suppress(KeyboardInterrupt), atomic_write(path) as beside:
        beside.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["old.txt"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "style"
    for name in ("first", "second"):
        with atomic_write(path) as beside:
            beside.mkdir()
            (beside / name).write_text(name)
    assert [p.name for p in path.iterdir()] == ["second"]
    assert [p.name for p in tmp_path.iterdir()] == ["style"]


def test_a_link_is_followed_and_a_device_refused(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real.txt")
    with atomic_write(link) as beside:
        beside.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"
    with pytest.raises(SidemanError, match="device"), atomic_write("/dev/null"):
        pass


def test_a_body_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SidemanError, match="cannot be written"), atomic_write(tmp_path / "x.txt"):
        pass


@pytest.mark.parametrize("name", ["", "other.txt", "song.mid"])
def test_a_folder_with_anything_else_in_it_may_not_be_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    check_folder(tmp_path / "out", ["known"])
    (tmp_path / "out" / "known").touch()
    check_folder(tmp_path / "out", ["known"])
    if name:
        (tmp_path / "out" / name).touch()
        with pytest.raises(SidemanError, match=f"holds '{name}', which would be lost"):
            check_folder(tmp_path / "out", ["known"])


def test_a_file_is_no_folder_to_replace(tmp_path: Path) -> None:
    check_folder(tmp_path / "nothing yet", [])
    (tmp_path / "song.mid").touch()
    with pytest.raises(SidemanError, match="is a file"):
        check_folder(tmp_path / "song.mid", ["song.mid"])


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
def test_what_a_file_manager_leaves_in_a_folder_is_in_nobodys_way(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).touch()
    check_folder(tmp_path / "out", ["known"])


def test_where_no_folder_can_be_written_it_is_known_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_folder(tmp_path / "out", [])
    check_file(tmp_path / "out.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SidemanError, match=r"there is no folder .*create it first"):
        check_folder(tmp_path / "a" / "b", [])
    with pytest.raises(SidemanError, match=r"there is no folder .*create it first"):
        check_file(tmp_path / "a" / "b")
    with pytest.raises(SidemanError, match=r"is a folder: give the name of a file"):
        check_file(tmp_path)

    def touch(self: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "touch", touch)
    with pytest.raises(SidemanError, match=r"out: cannot be written \(Read-only file system\): choose another place"):
        check_folder(tmp_path / "out", [])
    with pytest.raises(SidemanError, match=r"out: cannot be written \(Read-only file system\): choose another place"):
        check_file(tmp_path / "out")


def test_a_full_disk_is_named_by_whatever_writes_tensors(tmp_path: Path) -> None:
    reason = r"x: cannot be written \(No space left on device .*\): choose another place"
    with pytest.raises(SidemanError, match=reason), atomic_write(tmp_path / "x"):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(SidemanError, match=r"there is no folder .*create it first"), atomic_write(tmp_path / "a" / "b"):
        pass


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_is_replaced_with_and_without_a_system_call_for_it(
    tmp_path: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchange:
        monkeypatch.setattr(type(this_system()), "swap", lambda self, one, other: False)
    for text in ("old", "new"):
        with atomic_write(tmp_path / "folder") as beside:
            beside.mkdir()
            (beside / "file").write_text(text)
    assert (tmp_path / "folder" / "file").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("letter", ["a", "한"])
def test_a_name_of_any_length_that_the_system_takes_is_taken_and_a_longer_one_refused(
    letter: str, tmp_path: Path
) -> None:
    longest = letter * ((255 - len(".mid")) // len(letter.encode())) + ".mid"
    check_file(tmp_path / longest)
    with atomic_write(tmp_path / longest) as beside:
        beside.write_bytes(b"music")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"music"]
    with pytest.raises(SidemanError, match="cannot be written"), atomic_write(tmp_path / (letter + longest)) as beside:
        beside.write_bytes(b"music")
    assert len(list(tmp_path.iterdir())) == 1
