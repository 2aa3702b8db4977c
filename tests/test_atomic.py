"""Files and folders appear whole or not at all."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from engine.atomic import atomic_write
from engine.errors import SidemanError


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
