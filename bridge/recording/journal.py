"""Writes a file of lines that only grows, on a thread of its own, so that a kill costs no more than the last moments.

Each line is a JSON array. A disk that refuses is reported, each time it begins to; what it did not take waits in memory
to be tried again. So much waits there and no more: from then on lines are lost, which is reported too.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError
from bridge.plain_json import Json
from engine.platform.system import this_system

__all__ = ["PERIOD_S", "Entry", "Journal", "in_use", "read_entries"]

PERIOD_S: Final = 0.25  # between two writes
SYNC_PERIODS: Final = 4  # writes between two times that the disk itself is asked to have it
MAX_WAITING_BYTES: Final = 64 << 20  # of lines that the disk does not take; further ones are lost, and reported

Entry = list[Json]
"""One line, bytes as hexadecimal text."""


class Journal:
    """add: any thread, never waits. begin, close: the thread that made it."""

    def __init__(
        self, path: Path, on_trouble: Callable[[str], None], period_s: float = PERIOD_S, *, begins: bool = True
    ) -> None:
        """Begins the file anew. BridgeError where it cannot be, or another process writes it.

        on_trouble(text): called on the writing thread when the disk begins to refuse, and when lines are lost.
        begins: if not, what the path holds stays until begin(), and the lines of before wait.
        """
        self._path, self._on_trouble, self._period_s = path, on_trouble, period_s
        self._entries: deque[tuple[Json | bytes, ...]] = deque()  # appending is atomic
        self.unwritten = b""  # what the disk has not taken; read it after close()
        self._failing = False
        self._lost = 0  # lines that found no room in memory since the disk took the last ones
        self._ending = threading.Event()
        self._is_new = not os.path.lexists(path)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            raise BridgeError(f"{path} cannot be written ({error.strerror}): choose another place") from error
        why_not = ""
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            why_not = "is a device, not a file: give the name of a file"
        elif not this_system().lock(self._file):
            why_not = "is being written by another sideman: choose another file"
        if why_not:
            os.close(self._file)
            raise BridgeError(f"{path} {why_not}")
        self._thread = threading.Thread(target=self._run, name="sideman-journal", daemon=True)
        if begins:
            self.begin()

    def begin(self) -> None:
        """Empties the file, and writes from now on."""
        os.ftruncate(self._file, 0)
        self._thread.start()

    def add(self, *entry: Json | bytes) -> None:
        """Adds a line, which is written soon."""
        self._entries.append(entry)

    def close(self) -> None:
        """Writes what waits, as far as the disk takes it, and closes the file. A second call does nothing.

        Without begin() all is as it was before: a file that is there only for the lock goes again.
        """
        if self._ending.is_set():
            return
        self._ending.set()
        has_begun = self._thread.ident is not None
        if has_begun:
            self._thread.join()
        os.close(self._file)
        if self._is_new and not has_begun:
            self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        rounds = 0
        while not self._ending.wait(self._period_s):
            rounds += 1
            # A disk that was full is asked again once a second, not four times.
            if not self._failing or rounds % SYNC_PERIODS == 0:
                self._write(sync=rounds % SYNC_PERIODS == 0)
        self._write(sync=True)

    def _write(self, *, sync: bool) -> None:
        lines = []
        while self._entries:
            lines.append(json.dumps(self._entries.popleft(), separators=(",", ":"), default=bytes.hex) + "\n")
        if len(self.unwritten) < MAX_WAITING_BYTES:
            self.unwritten += "".join(lines).encode()
        else:
            self._lose(len(lines))
        had = bool(self.unwritten)
        try:
            while self.unwritten:
                self.unwritten = self.unwritten[os.write(self._file, self.unwritten) :]
            if sync and had:
                os.fsync(self._file)
        except OSError as error:
            if not self._failing:
                self._failing = True
                self._on_trouble(
                    f"{self._path}: {error.strerror or error}: playing goes on, and so does the record, in memory; "
                    "make room and it is written"
                )
        else:
            self._failing = False
            if self._lost:
                self._on_trouble(f"{self._path} is written again; {self._lost} lines in between are lost")
                self._lost = 0

    def _lose(self, lines: int) -> None:
        if lines and not self._lost:
            self._on_trouble(
                f"{self._path}: {MAX_WAITING_BYTES >> 20} MiB wait in memory, and that is all there is room for: "
                "what is played from now on is not recorded; make room"
            )
        self._lost += lines


def in_use(path: Path) -> bool:
    """Whether a living process writes this journal. OSError: it cannot be opened."""
    try:
        file = os.open(path, os.O_RDWR)
    except PermissionError:  # some systems lock a file that can only be read, too
        file = os.open(path, os.O_RDONLY)
    try:
        return not this_system().lock(file)
    finally:
        os.close(file)


def read_entries(path: Path, more: bytes = b"") -> Iterator[Entry]:
    """Returns the lines of a journal, and of what its disk did not take, without broken or cut-off lines."""
    with path.open("rb") as file:
        rest = b""
        for line in file:
            rest = line if not line.endswith(b"\n") else b""
            if not rest:
                yield from _parse(line)
    for line in (rest + more).split(b"\n"):
        yield from _parse(line)


def _parse(line: bytes) -> Iterator[Entry]:
    try:
        entry = json.loads(line)
    except ValueError:  # RecursionError needs a depth that no line of ours has
        return
    if isinstance(entry, list) and entry:
        yield entry
