"""Progress: one line on a terminal, a few plain lines elsewhere, and never a word on standard output."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.commands.study.progress import Progress

ROOT = Path(__file__).parents[4]
PROGRAM = """
import sys, time
from bridge.commands.study.progress import Progress
total, count, fail = eval(sys.argv[1])
with Progress(total, "files") as progress:
    for done in range(1, count + 1):
        time.sleep(0.002)
        progress.update(done)
    if fail:
        raise SystemExit("sideman: no such file")
print('{"answer": 42}')
"""


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def plain(total: int | None, count: int, step_s: float) -> list[str]:
    """The lines of a run of `count` updates, `step_s` apart, to something that is no terminal."""
    stream, clock = io.StringIO(), Clock()
    with Progress(total, "files", stream, clock) as progress:
        for done in range(1, count + 1):
            clock.now_s += step_s
            progress.update(done)
    return stream.getvalue().splitlines()


def on_terminal(total: int | None, count: int, columns: int, fail: bool = False) -> tuple[str, str]:
    """What a terminal of that width gets on standard error, and a pipe on standard output."""
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))  # not on Windows
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-c", PROGRAM, repr((total, count, fail))]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 65536):
            shown += part
    except OSError:  # Linux says EIO where the last writer has gone
        pass
    os.close(master)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == fail
    return shown.decode(), out.decode()


@pytest.mark.parametrize("total", [1, 7, 10, 400, 100_000])
@pytest.mark.parametrize("step_s", [0.0001, 0.5, 40.0])
def test_a_log_gets_some_ten_lines_and_the_last_one_says_all_is_done(total: int, step_s: float) -> None:
    if total * step_s > 1e6:
        pytest.skip("nobody waits that long")
    lines = plain(total, total, step_s)
    assert 1 <= len(lines) <= 11
    assert lines[-1].startswith(f"{total:,}/{total:,} files in ")
    counts = [int(line.split("/")[0].replace(",", "")) for line in lines]
    assert counts == sorted(set(counts))


def test_a_log_line_names_count_rate_and_time_left() -> None:
    assert plain(400, 40, 2.0)[0] == "40/400 files, 0.5 files/s, 12 min 0 s left"


@pytest.mark.parametrize(("total", "done", "step_s", "last"), [
    (4, 4, 0.01, "4/4 files in under 1 s, 100 files/s"),
    (4, 4, 2.0, "4/4 files in 8 s, 0.5 files/s"),
    (10_000, 10_000, 1.0, "10,000/10,000 files in 2 h 46 min, 1 files/s"),
    (10_000, 10_000, 0.00004, "10,000/10,000 files in under 1 s, 25,000 files/s"),
    (None, 4, 0.5, "4 files in 2 s, 2 files/s"),
])  # fmt: skip
def test_the_last_line_says_how_long_it_took(total: int | None, done: int, step_s: float, last: str) -> None:
    assert plain(total, done, step_s)[-1] == last


@pytest.mark.parametrize("minutes", [1, 10, 60, 300])
def test_without_a_total_lines_come_at_growing_intervals(minutes: int) -> None:
    lines = plain(None, 60 * minutes, 1.0)
    assert 2 <= len(lines) <= 8 + minutes / 5  # doubling up to one in five minutes
    assert all(re.fullmatch(r"[\d,]+ files in .*, 1 files/s", line) for line in lines)


def test_a_total_that_comes_later_is_taken_up() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(None, "files", stream, clock) as progress:
        clock.now_s += 8.0
        progress.update(8, 80)
        clock.now_s += 8.0
        progress.update(16, 80)
    assert stream.getvalue().splitlines() == [
        "8/80 files, 1 files/s, 1 min 12 s left", "16/80 files, 1 files/s, 1 min 4 s left",
    ]  # fmt: skip


def test_nothing_at_all_to_do_is_said_in_one_line() -> None:
    assert plain(0, 0, 1.0) == ["0/0 files in under 1 s"]


def test_an_error_ends_the_lines_where_they_stood() -> None:
    stream, clock = io.StringIO(), Clock()

    def work() -> None:
        with Progress(100, "files", stream, clock) as progress:
            clock.now_s += 9.0
            progress.update(10)
            progress.update(11)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert stream.getvalue().splitlines() == ["10/100 files, 1.1 files/s, 1 min 21 s left"]


@pytest.mark.parametrize(("total", "columns"), [(300, 100), (300, 40), (300, 20), (None, 60), (10**9, 60)])
def test_a_terminal_gets_one_line_no_wider_than_itself(total: int | None, columns: int) -> None:
    shown, out = on_terminal(total, 300, columns)
    assert out == '{"answer": 42}\n'
    assert shown.endswith("\n")
    assert shown.count("\n") == 1
    assert not re.search(r"\x1b\[\d*[JK]", shown)  # drawn over, never cleared: no flicker
    states = [state for state in shown.strip().split("\r") if state.strip()]
    assert 2 <= len(states) <= 60
    assert max(map(len, states)) <= columns


def test_the_bar_names_count_rate_and_time_left() -> None:
    shown, _ = on_terminal(300, 300, 100)
    states = [state.strip() for state in shown.split("\r") if state.strip()]
    pattern = r" *\d+%\|.*\| \d+/300 files, +[\d.?]+ files/s, [\d:?]+ left"
    assert all(re.fullmatch(pattern, state) for state in states), states
    assert re.fullmatch(r"100%\|.*\| 300/300 files, .* 00:00 left", states[-1])


def test_a_message_after_an_error_starts_on_its_own_line() -> None:
    shown, out = on_terminal(300, 20, 80, fail=True)
    assert out == ""
    bar, message = shown.strip().splitlines()[-2:]
    assert "20/300 files" in bar
    assert message == "sideman: no such file"
