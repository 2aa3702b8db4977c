"""A file that crashes, hangs or fills its reader costs only itself, and a killed reader nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.data.reading.entry import Entry
from engine.data.reading.pool import read_in_processes
from engine.data.reading.reader import READ_ENTRY, Job, Reader
from engine.midi_io.write import write_midi
from tests.support.study_corpus import song, write_corpus

# A child whose files do by their names what a broken parser might do.
TRAPS = """
import os, sys, time
import numpy as np
import engine.data.reading.entry as entry
import engine.data.reading.reader as reader
read = entry.read_piece
def trapped(source, tracks):
    path = source.path
    if path.stem == "crash":
        os.abort()
    if path.stem == "hang":
        while True: pass
    if path.stem == "hungry":
        np.ones(2 * 10**9)
    if path.stem == "chatty":
        print("a library that talks", flush=True)
        os.write(1, b"and another")
    if path.stem == "once" and not os.path.exists(str(path) + ".tried"):
        open(str(path) + ".tried", "w").close()
        os.kill(os.getpid(), 9)
    return read(source, tracks)
entry.read_piece = trapped
reader.serve()
"""


def job(path: Path) -> Job:
    return Job(str(path), "auto", path.stat().st_size)


def reasons(folder: Path, workers: int = 2, code: str = TRAPS) -> dict[str, str | None]:
    paths = sorted(folder.glob("*.mid"))
    answers = read_in_processes(((i, job(path)) for i, path in enumerate(paths)), workers, code)
    return {paths[number].name: Entry.unpack(data).refused for number, data, _ in answers}


@pytest.mark.skipif(sys.platform == "win32", reason="names of signals")
def test_bad_files_cost_only_themselves(tmp_path: Path) -> None:
    write_corpus(tmp_path, files=12)
    for name in ("crash", "hang", "chatty", "once", *(["hungry"] if sys.platform == "linux" else [])):
        write_midi(tmp_path / f"{name}.mid", song(1), tempo_bpm=120)
    said = reasons(tmp_path)
    assert said.pop("crash.mid") == "crashes its reader: take it out of the folder"
    assert said.pop("hang.mid") == "takes longer than 2 s to read: take it out of the folder"
    if sys.platform == "linux":
        assert said.pop("hungry.mid") == "needs more memory than a reader may take: take it out of the folder"
    assert set(said.values()) == {None}  # also the one whose reader was killed once, and the one that talks
    assert len(said) == 14


def test_a_sleeping_reader_is_ended_by_the_clock_on_the_wall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_midi(tmp_path / "a.mid", song(1), tempo_bpm=120)
    monkeypatch.setattr("engine.data.reading.reader.WALL_FACTOR", 1.0)
    reader = Reader("import time; time.sleep(1000)")
    data, may_be_kept = reader.read(job(tmp_path / "a.mid"))
    assert "takes longer than 2 s" in (Entry.unpack(data).refused or "")
    assert not may_be_kept
    reader.close()


def test_jobs_are_taken_only_as_they_are_needed(tmp_path: Path) -> None:
    write_corpus(tmp_path, files=1)
    taken = []

    def jobs() -> Iterator[tuple[int, Job]]:
        for number in range(1000):
            taken.append(number)
            yield number, job(tmp_path / "song0.mid")

    answers = read_in_processes(jobs(), 2)
    for _ in range(3):
        next(answers)
    time.sleep(0.5)
    assert len(taken) < 30
    answers.close()


def test_closing_leaves_no_process_and_no_thread(tmp_path: Path) -> None:
    write_corpus(tmp_path, files=6)
    threads, before = threading.active_count(), children()
    answers = read_in_processes(((i, job(tmp_path / f"song{i % 6}.mid")) for i in range(100)), 2)
    next(answers)
    answers.close()
    assert threading.active_count() == threads
    assert children() <= before


def children() -> set[int]:
    if sys.platform != "linux":
        return set()
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return {int(pid) for pid in own.read_text().split()} if own.exists() else set()


def test_an_error_of_the_caller_s_jobs_is_the_caller_s(tmp_path: Path) -> None:
    def jobs() -> Iterator[tuple[int, Job]]:
        raise ZeroDivisionError("mine")
        yield 0, Job("", "auto", 0)

    with pytest.raises(ZeroDivisionError, match="mine"):
        list(read_in_processes(jobs(), 2))


@pytest.mark.skipif(sys.platform != "linux", reason="finds the readers by /proc")
def test_readers_killed_from_outside_lose_nothing(tmp_path: Path) -> None:
    write_corpus(tmp_path, files=6)
    stop, before = threading.Event(), children()

    def killer() -> None:
        for _ in range(3):
            if stop.wait(0.7):
                return
            for pid in list(children() - before)[:1]:
                os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=killer)
    answers = read_in_processes(((i, job(tmp_path / f"song{i % 6}.mid")) for i in range(300)), 2)
    next(answers)
    thread.start()
    entries = [Entry.unpack(data) for _, data, _ in answers]
    stop.set()
    thread.join()
    assert len(entries) == 299
    assert all(entry.refused is None for entry in entries)


def test_a_reader_ends_with_its_parent(tmp_path: Path) -> None:
    """Its pipe closes when the parent dies, however that happened."""
    import subprocess

    code = f"import sys; sys.path[:] = {sys.path!r}; {READ_ENTRY}"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=30) == 0
    assert child.stdout is not None
    child.stdout.close()
