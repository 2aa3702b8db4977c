"""Reader processes side by side, one a core."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator, Iterable
from typing import NamedTuple

from engine.data.reading.reader import READ_ENTRY, Job, Reader

__all__ = ["Done", "default_workers", "read_in_processes"]


class Done(NamedTuple):
    """One file's answer."""

    number: int  # that came with its job
    data: bytes  # a packed entry
    may_be_kept: bool


def default_workers() -> int:
    """Returns the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def read_in_processes(jobs: Iterable[tuple[int, Job]], workers: int, code: str = READ_ENTRY) -> Generator[Done]:
    """Yields every job's answer, in the order in which they are ready.

    jobs are taken one by one as processes become free, so a generator of a hundred thousand costs no memory. Closing
    the iterator ends the processes at once. An error of the generator is raised here.
    """
    source, lock = iter(jobs), threading.Lock()
    answers: queue.Queue[Done | BaseException | None] = queue.Queue(4 * workers)
    stopped = threading.Event()
    readers = [Reader(code) for _ in range(workers)]

    def work(reader: Reader) -> None:
        try:
            while not stopped.is_set():
                with lock:
                    number, job = next(source, (-1, None))
                if job is None:
                    break
                _put(answers, Done(number, *reader.read(job)), stopped)
        except BaseException as error:
            _put(answers, error, stopped)
        _put(answers, None, stopped)

    threads = [threading.Thread(target=work, args=(reader,), daemon=True) for reader in readers]
    for thread in threads:
        thread.start()
    try:
        running = workers
        while running:
            answer = answers.get()
            if answer is None:
                running -= 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer
    finally:
        stopped.set()
        for reader in readers:
            reader.close()
        for thread in threads:
            thread.join()


def _put(answers: queue.Queue[Done | BaseException | None], answer: Done | BaseException | None,
         stopped: threading.Event) -> None:  # fmt: skip
    """Waits for room, but not for a consumer that has gone."""
    while not stopped.is_set():
        try:
            return answers.put(answer, timeout=0.1)
        except queue.Full:
            continue
