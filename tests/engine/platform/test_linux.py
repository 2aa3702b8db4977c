"""Linux: real-time priority, folders, Wine's documents, sleep."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from engine.platform.face import Priority
from engine.platform.linux import Linux
from engine.platform.system import this_system

here = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks this machine's own kernel")


@here
@pytest.mark.parametrize("priority", ["deadline", "session"])
def test_priority_is_the_calling_threads_alone(priority: Priority) -> None:
    before = os.sched_getscheduler(0)
    seen: list[tuple[bool, int]] = []

    def ask() -> None:
        granted = this_system().raise_priority(priority)
        seen.append((granted, os.sched_getscheduler(0)))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    granted, after = seen[0]
    assert (after == os.SCHED_FIFO) == granted
    assert os.sched_getscheduler(0) == before


def test_a_refusal_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not you")

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    assert not Linux().raise_priority("deadline")
    monkeypatch.delattr(os, "sched_setscheduler")
    assert not Linux().raise_priority("deadline")


def test_folders_go_by_xdg(tmp_path: Path) -> None:
    system = Linux({"XDG_CONFIG_HOME": "/etc/anna"}, lambda: tmp_path)
    assert system.user_folder("config") == Path("/etc/anna/sideman")
    assert system.user_folder("data") == tmp_path / ".local/share/sideman"
    assert system.plugin_folder() == tmp_path / ".clap"


def test_a_screen_is_told_by_its_variables(tmp_path: Path) -> None:
    assert not Linux({"DISPLAY": ""}, lambda: tmp_path).has_screen()
    assert Linux({"WAYLAND_DISPLAY": "wayland-0"}, lambda: tmp_path).has_screen()


def test_documents_are_also_those_of_wine(tmp_path: Path) -> None:
    wine = tmp_path / ".wine/drive_c/users/anna/Documents"
    wine.mkdir(parents=True)
    assert list(Linux({}, lambda: tmp_path).documents()) == [tmp_path / "Documents", wine]
    assert list(Linux({"WINEPREFIX": str(tmp_path / "x")}, lambda: tmp_path).documents()) == [tmp_path / "Documents"]


@here
def test_the_system_tells_sleep_and_a_childs_time() -> None:
    system = Linux()
    assert system.slept_us() >= 0
    used_s = system.processor_s(os.getpid())
    assert used_s is not None
    assert used_s > 0
    assert system.processor_s(2**22 - 1) is None  # beyond the largest number of a process


def test_without_the_call_folders_are_not_swapped(tmp_path: Path) -> None:
    assert not Linux({}, lambda: tmp_path, lambda name: object()).swap(tmp_path / "a", tmp_path / "b")
