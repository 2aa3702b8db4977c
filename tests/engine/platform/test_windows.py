"""Windows, seen through a machine that is not there: registry, moved folders, winmm, locks, long paths."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from bridge.recording.journal import Journal, in_use
from engine.atomic import atomic_write
from tests.support.platform.windows_machine import MIDI_SERVICE, SHELL, Library, WindowsMachine


@pytest.fixture
def machine(tmp_path: Path) -> WindowsMachine:
    return WindowsMachine(tmp_path / "Müller 音楽")


def test_documents_are_where_the_registry_says_with_its_variables_filled_in(machine: WindowsMachine) -> None:
    machine.environ["OneDrive"] = str(machine.home / "OneDrive - Müller GmbH")
    assert next(machine.system.documents()) == machine.home / "Documents"
    machine.registry[SHELL] = "%OneDrive%/Dokumente"
    assert list(machine.system.documents()) == [
        machine.home / "OneDrive - Müller GmbH" / "Dokumente",
        machine.home / "Documents",
        machine.home / "OneDrive - Müller GmbH" / "Documents",
    ]
    machine.registry[SHELL] = "%userprofile%/Docs and %NOBODY%"
    assert next(machine.system.documents()) == machine.home / "Docs and %NOBODY%"


def test_the_users_own_files_lie_in_the_local_data_folder_wherever_that_is(machine: WindowsMachine) -> None:
    assert machine.system.user_folder("config") == machine.home / "AppData" / "Local" / "Sideman"
    assert machine.system.plugin_folder() == machine.home / "AppData" / "Local" / "Programs" / "Common" / "CLAP"
    machine.environ["LOCALAPPDATA"] = "D:/Local"
    assert machine.system.user_folder("data") == Path("D:/Local/Sideman")


def test_priority_is_asked_of_the_scheduler_for_audio_and_the_timer_is_sharpened(machine: WindowsMachine) -> None:
    assert machine.system.raise_priority("deadline")
    assert machine.libraries["avrt"].calls == [("AvSetMmThreadCharacteristicsW", "Pro Audio", 0)]
    assert machine.libraries["winmm"].calls == [("timeBeginPeriod", 1)]
    # ProcessPowerThrottling of this process: speed and timer both under our control, both off; twelve bytes.
    process = ctypes.c_void_p(-1).value
    assert machine.libraries["kernel32"].calls == [("SetProcessInformation", process, 4, (1, 5, 0), 12)]


@pytest.mark.parametrize(
    "libraries",
    [{}, {"avrt": Library()}, {"avrt": Library(AvSetMmThreadCharacteristicsW=0), "winmm": Library(timeBeginPeriod=97)}],
)
def test_an_older_windows_or_a_refusal_is_an_answer(machine: WindowsMachine, libraries: dict[str, Library]) -> None:
    machine.libraries = libraries
    assert not machine.system.raise_priority("session")


def test_midi_services_are_told_from_their_command_and_their_service(machine: WindowsMachine) -> None:
    machine.home.mkdir()
    assert machine.system.midi_services() == "none"
    machine.registry[MIDI_SERVICE] = r"C:\Windows\System32\midisrv.exe"
    assert machine.system.midi_services() == "service"
    machine.add_midi_console()
    assert machine.system.midi_services() == "console"


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        (r"C:\Users\Anna\solo.mid", r"C:\Users\Anna\solo.mid"),
        ("C:\\" + "Ordner\\" * 40 + "ü.mid", "\\\\?\\C:\\" + "Ordner\\" * 40 + "ü.mid"),
        ("\\\\nas\\musik\\" + "x" * 250, "\\\\?\\UNC\\nas\\musik\\" + "x" * 250),
        ("\\\\?\\C:\\" + "x" * 250, "\\\\?\\C:\\" + "x" * 250),
        ("takes\\" + "x" * 250, "takes\\" + "x" * 250),  # a relative one has no such form
    ],
)
def test_a_long_path_gets_the_form_that_windows_takes_at_any_length(
    machine: WindowsMachine, path: str, taken: str
) -> None:
    assert str(machine.system.long_path(Path(path))) == taken


def test_a_file_that_a_scanner_holds_for_a_moment_is_replaced_all_the_same(
    machine: WindowsMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.platform.system._chosen", machine.system)
    held = [True] * 3
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if held:
            held.pop()
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with atomic_write(tmp_path / "Löß.mid") as beside:
        beside.write_text("music")
    assert (tmp_path / "Löß.mid").read_text() == "music"
    assert not held


def test_a_file_that_stays_held_is_an_error(machine: WindowsMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.platform.windows._PATIENCE_S", 0.05)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        machine.system.replace(Path("a"), Path("b"))


def test_a_folder_is_replaced_by_two_renames_where_no_call_swaps_them(
    machine: WindowsMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.platform.system._chosen", machine.system)
    for content in ("old", "new"):
        with atomic_write(tmp_path / "style") as beside:
            beside.mkdir()
            (beside / "weights").write_text(content)
    assert (tmp_path / "style" / "weights").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["style"]


def test_a_journal_that_a_session_writes_is_known_to_be_in_use(
    machine: WindowsMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.platform.system._chosen", machine.system)
    journal = Journal(tmp_path / "take.part", pytest.fail)
    try:
        assert in_use(tmp_path / "take.part")
        ((_, place),) = machine.locks
        assert 1 << 30 < place < 1 << 31, "where nothing is written, and the C library still counts"
        journal.add(1, "one")
    finally:
        journal.close()
    assert (tmp_path / "take.part").read_text() == '[1,"one"]\n'  # the lock's place is not where it writes
    machine.locks.clear()  # as closing the file does
    assert not in_use(tmp_path / "take.part")


def test_a_file_is_opened_by_the_users_own_program(machine: WindowsMachine) -> None:
    assert machine.system.open_file(Path("C:/solo.mid"))
    assert machine.opened == [Path("C:/solo.mid")]
    machine.opens = False
    assert not machine.system.open_file(Path("C:/solo.mid"))


def test_a_child_is_spared_ctrl_c(machine: WindowsMachine) -> None:
    assert machine.system.child_options() == {"creationflags": 0x200}


def test_what_windows_does_not_tell_is_not_made_up(machine: WindowsMachine) -> None:
    assert machine.system.processor_s(os.getpid()) is None
    assert machine.system.slept_us() == 0
    assert machine.system.registry_text(r"Software\Nobody", "Nothing") is None
    machine.system.bound_memory(1)  # there is no such limit: nothing happens to this process
    assert len(bytes(1 << 20)) == 1 << 20
