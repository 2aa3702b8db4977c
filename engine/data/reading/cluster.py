"""Reads files on the machines of a Dask cluster, for folders that outgrow one machine."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from importlib import import_module
from itertools import islice
from typing import Any

from engine.data.reading.entry import refusal
from engine.data.reading.pool import Done
from engine.data.reading.reader import Job, Reader
from engine.errors import SidemanError

__all__ = ["read_by_scheduler"]

CHUNK = 16  # files a task: a task costs the scheduler about a millisecond
TASKS_A_THREAD = 3  # waiting at the cluster, so that no worker runs dry
CONNECT_S = 10.0
RETRIES = 3

_here = threading.local()


def read_by_scheduler(jobs: Iterable[tuple[int, Job]], address: str) -> Generator[Done]:
    """Every job's answer, as read_in_processes, by the workers of the scheduler at `address` (tcp://HOST:8786).

    The workers must see the folder under the same path and have sideman installed. Tasks of a worker that is lost go
    to another; a file whose tasks lose three workers is refused.

    SidemanError: dask.distributed is not installed, nobody answers, or the cluster has no workers.
    """
    try:
        distributed: Any = import_module("distributed")  # untyped, and half a second
    except ImportError:
        raise SidemanError("--scheduler needs dask.distributed: pip install 'sideman[scale]'") from None
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = type(error).__name__
        raise SidemanError(f"--scheduler {address}: nobody answers ({reason}): start `dask scheduler`") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise SidemanError(f"--scheduler {address}: has no workers: start `dask worker {address}`")
        source = iter(jobs)
        pending: dict[Any, list[tuple[int, Job]]] = {}
        tasks = distributed.as_completed(loop=client.loop)

        def submit(chunk: list[tuple[int, Job]]) -> None:
            future = client.submit(_read_chunk, [tuple(job) for _, job in chunk], pure=False, retries=RETRIES)
            pending[future] = chunk
            tasks.add(future)

        for _ in range(TASKS_A_THREAD * threads):
            if chunk := list(islice(source, CHUNK)):
                submit(chunk)
        for future in tasks:
            chunk = pending.pop(future)
            if future.status == "finished":
                yield from (Done(number, *answer) for (number, _), answer in zip(chunk, future.result(), strict=True))
            elif len(chunk) > 1:  # one of them loses its workers: which one shows when each goes alone
                for one in chunk:
                    submit([one])
            else:
                lost = future.exception()
                reason = f"its workers were lost ({type(lost).__name__}): take it out of the folder"
                yield Done(chunk[0][0], refusal(reason).pack(), False)
            if following := list(islice(source, CHUNK)):
                submit(following)


def _read_chunk(jobs: list[tuple[Any, ...]]) -> list[tuple[bytes, bool]]:
    """Reads the files of one task in a process of this worker thread, guarded as on a single machine."""
    if not hasattr(_here, "reader"):
        _here.reader = Reader()
    return [_here.reader.read(Job(*job)) for job in jobs]
