"""A reader process: reads one MIDI file after the other, so that a file that crashes or hangs it costs only itself.

    parent -> child   one line of JSON: {"path": ..., "tracks": ...}
    child -> parent   the size of the entry as 8 bytes, little end first, then the packed entry

The child is started by its own command line and not by multiprocessing: that works alike on every system, in programs
with threads, in those whose main module may not be imported twice and inside the daemons of a cluster.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, NamedTuple

from engine.data.reading.corpus import Tracks
from engine.data.reading.entry import Entry, read_entry, refusal
from engine.platform.system import this_system

__all__ = ["READ_ENTRY", "Job", "Reader", "serve"]

READ_ENTRY = "from engine.data.reading.reader import serve; serve()"

LIMIT_S = 2.0  # of processor time a file
BYTES_PER_S = 100_000  # and a second more for so many bytes: many times what reading them takes
WALL_FACTOR = 10.0  # of real time, where others use the processors too, or nobody knows the processor's
POLL_S = 0.05
MEMORY_BYTES = 512 * 2**20  # of data in a reader


class Job(NamedTuple):
    """A file to read."""

    path: str
    tracks: Tracks
    size: int  # bytes

    @property
    def limit_s(self) -> float:
        """Processor time that reading it may take."""
        return LIMIT_S + self.size / BYTES_PER_S


class Reader:
    """The parent's end of a reader process. One thread asks; `close` may come from any."""

    def __init__(self, code: str = READ_ENTRY) -> None:
        """code: what the child runs, with the parent's sys.path; other code is for tests."""
        self._code = code
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def read(self, job: Job) -> tuple[bytes, bool]:
        """Returns the packed entry, and whether it may be kept for other runs.

        A process that dies is asked once more, by a new process: it may have been killed for another's sake. A file
        that kills it twice, or takes too long, is refused; that is not kept, since another day it may go well.
        """
        for _ in range(2):
            process = self._start()
            watch = _Watch(process, job)
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                line = json.dumps({"path": job.path, "tracks": job.tracks}).encode("ascii") + b"\n"
                process.stdin.write(line)
                process.stdin.flush()
                size = int.from_bytes(_exactly(process.stdout, 8), "little")
                return _exactly(process.stdout, size), True
            except (EOFError, OSError):
                self._end()
                if self._closed:
                    raise
            finally:
                watch.stop()
            if watch.too_slow:
                return refusal(
                    f"takes longer than {job.limit_s:.0f} s to read: take it out of the folder"
                ).pack(), False
        return refusal("crashes its reader: take it out of the folder").pack(), False

    def close(self) -> None:
        """Ends the process, also in the middle of a file; `read` then raises EOFError or OSError."""
        self._closed = True
        self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise EOFError("the reader is closed")
            if self._process is None:
                path = f"import sys; sys.path[:] = {[os.fspath(place) for place in sys.path]!r}; "
                single = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
                self._process = subprocess.Popen(
                    [sys.executable, "-c", path + self._code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    env={**os.environ, **single}, **this_system().child_options(),
                )  # fmt: skip
            return self._process

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):  # what was not sent is of no use
                    if stream is not None:
                        stream.close()


class _Watch:
    """Kills a process that takes too long over one file, from a thread: no call inside the child can keep it."""

    def __init__(self, process: subprocess.Popen[bytes], job: Job) -> None:
        self.too_slow = False
        self._process, self._limit_s = process, job.limit_s
        self._done = threading.Event()
        self._start_s, self._start_cpu_s = time.monotonic(), this_system().processor_s(process.pid)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(POLL_S):
            now_cpu_s = this_system().processor_s(self._process.pid)
            used_s = 0.0 if now_cpu_s is None or self._start_cpu_s is None else now_cpu_s - self._start_cpu_s
            if used_s > self._limit_s or time.monotonic() - self._start_s > WALL_FACTOR * self._limit_s:
                self.too_slow = True
                self._process.kill()
                return


def _exactly(stream: BinaryIO | object, size: int) -> bytes:
    data: bytes = stream.read(size)  # type: ignore[union-attr]
    if len(data) < size:
        raise EOFError("the reader process has ended")
    return data


def serve() -> None:
    """The child's loop: until its parent closes the pipe, or is gone."""
    this_system().bound_memory(MEMORY_BYTES)  # an error in the file being read, not on the machine
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the entries
    for line in sys.stdin.buffer:
        job = json.loads(line)
        tracks = job["tracks"] if isinstance(job["tracks"], str) else tuple(job["tracks"])
        data = _packed(read_entry(Path(job["path"]), tracks))
        try:
            out.write(len(data).to_bytes(8, "little") + data)
            out.flush()
        except BrokenPipeError:  # the parent was killed
            os._exit(1)


def _packed(entry: Entry) -> bytes:
    try:
        return entry.pack()
    except MemoryError:
        return refusal("needs more memory than a reader may take: take it out of the folder").pack()
