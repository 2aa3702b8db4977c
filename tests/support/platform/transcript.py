"""Reads and plays a transcript: what a newcomer types, what is answered, and what happens beside it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Step", "matches", "perform", "read_transcript"]


class Step(NamedTuple):
    """One typed command with what follows it: expected lines, answers to prompts, events in order."""

    command: list[str]
    expected: list[str]  # of output, in order; "..." stands for any lines, and within a line for any text
    answers: list[tuple[str, str, list[list[str]]]]  # prompt, answer, and commands typed elsewhere before it
    events: list[tuple[str, str]]  # (the line to wait for first, what then happens); "^C" ends the command


def read_transcript(path: Path) -> list[Step]:
    """Reads the steps of a file. ValueError: a line that belongs to no step."""
    steps: list[Step] = []
    elsewhere: list[list[str]] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if elsewhere is not None and line != ".":
            elsewhere.append(shlex.split(line.removeprefix("> ")))
        elif line == ".":
            elsewhere = None
        elif line.startswith("> "):
            steps.append(Step(shlex.split(line[2:]), [], [], []))
        elif line.startswith("? "):
            prompt, _, answer = line[2:].rpartition(":")
            typed: list[list[str]] = []
            steps[-1].answers.append((prompt + ":", answer.strip(), typed))
            elsewhere = typed if "another window" in prompt else None
        elif line.startswith("[") or line == "^C":
            seen = next((text for text in reversed(steps[-1].expected) if text != "..."), "")
            steps[-1].events.append((seen, line.strip("[]")))
        else:
            steps[-1].expected.append(line)
    return steps


def matches(expected: list[str], said: list[str]) -> str:
    """Returns "" where the output is what was expected, else the first expected line that did not come."""
    place, any_lines = 0, False
    for line in expected:
        if line == "...":
            any_lines = True
            continue
        found = next((i for i in range(place, len(said)) if fits(line, said[i])), None)
        if found is None or (found > place and not any_lines):
            return line
        place, any_lines = found + 1, False
    return "" if any_lines or place == len(said) else f"nothing more, but came {said[place]!r}"


def fits(expected: str, line: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), line) is not None


def perform(
    events: list[tuple[str, str]], said: Callable[[], list[str]], do: Callable[[str], None]
) -> threading.Thread:
    """Starts a thread that lets each event happen once its line was said; Ctrl-C goes to this process."""

    def run() -> None:
        for awaited, what in events:
            give_up = time.monotonic() + 60
            while not any(fits(awaited, line) for line in said()) and time.monotonic() < give_up:
                time.sleep(0.01)
            if what == "^C":
                os.kill(os.getpid(), signal.SIGINT)
            else:
                do(what)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
