"""A journal loses nothing that the disk can take, says so once where it cannot, and is read whatever a kill left."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.recording import journal as journal_module
from bridge.recording.journal import Journal, in_use, read_entries
from tests.support.waiting import until

WRITER = """
import sys, time
from pathlib import Path
from bridge.recording import journal as journal_module
from bridge.recording.journal import Journal
journal = Journal(Path(sys.argv[1]), print, period_s=0.02)
for number in range(10**9):
    journal.add("line", number, bytes((0x90, 60, 80)))
    if number == 500:
        print("going", flush=True)
    time.sleep(0.0002)
"""


def test_lines_come_back_in_order_with_their_bytes_as_text(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, pytest.fail)
    journal.add("in", 5, b"\x90\x3c\x50")
    journal.add("mark", 6, 'a "quoted" \u266f\n')
    journal.close()
    journal.close()
    assert list(read_entries(path)) == [["in", 5, "903c50"], ["mark", 6, 'a "quoted" \u266f\n']]


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout:
        assert writer.stdout.readline() == "going\n"
        time.sleep(0.3)
        assert in_use(path)
        with pytest.raises(BridgeError, match="by another sideman"):
            Journal(path, pytest.fail)
        writer.send_signal(signal.SIGKILL)
        writer.wait(60)
    assert not in_use(path)
    numbers = [number for _, number, _ in read_entries(path)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 500


@pytest.mark.parametrize("rest", [b'["in",7', b"\xff\xfe\n", b"{}\n", b"[]\n", b"\x00" * 4096])
def test_a_broken_line_is_passed_over(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'["in",1]\n' + rest)
    assert list(read_entries(path)) == [["in", 1]]


def test_a_full_disk_is_told_once_and_nothing_is_lost_when_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    told: list[str] = []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(path, told.append, period_s=0.01)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        for number in range(500):
            journal.add("line", number)
        until(lambda: told)
        time.sleep(0.1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.path.getsize(path) == 1000
    until(lambda: not journal.unwritten)
    journal.close()
    assert len(told) == 1
    assert "File too large" in told[0]
    assert [number for _, number in read_entries(path)] == list(range(500))


def test_a_disk_that_is_full_twice_is_told_twice(tmp_path: Path) -> None:
    told: list[str] = []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(tmp_path / "journal", told.append, period_s=0.01)
    try:
        for times, size in ((1, 1000), (2, 8000)):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            for number in range(1000):
                journal.add("line", number)
            until(lambda times=times: len(told) == times)  # type: ignore[misc]
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            until(lambda: not journal.unwritten)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    journal.close()
    assert len(told) == 2
    assert [number for _, number in read_entries(tmp_path / "journal")] == [*range(1000), *range(1000)]


def test_lines_that_find_no_room_in_memory_are_told_first_and_counted_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "MAX_WAITING_BYTES", 4000)
    told: list[str] = []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(tmp_path / "journal", told.append, period_s=0.01)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        journal.add("line", "x" * 6000)
        until(lambda: len(journal.unwritten) > 4000)
        for number in range(77):
            journal.add("lost", number)
        until(lambda: len(told) == 2)
        until(lambda: journal._lost == 77)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    until(lambda: len(told) == 3)
    journal.add("line", 500)
    journal.close()
    assert "is not recorded; make room" in told[1]
    assert told[2].endswith("is written again; 77 lines in between are lost")
    assert list(read_entries(tmp_path / "journal")) == [["line", "x" * 6000], ["line", 500]]


def test_what_a_full_disk_never_took_is_read_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(path, lambda text: None, period_s=0.01)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1001, limits[1]))  # in the middle of a line
    try:
        for number in range(500):
            journal.add("line", number)
        journal.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [number for _, number in read_entries(path, journal.unwritten)] == list(range(500))


def test_a_journal_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="cannot be written"):
        Journal(tmp_path, pytest.fail)
