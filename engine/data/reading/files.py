"""Every file of a folder on its way into the cache, and what is known of each while the others are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from engine.data.reading.cache import Cache, content_hash, entry_key, reading_code
from engine.data.reading.cluster import read_by_scheduler
from engine.data.reading.corpus import Source, Tracks
from engine.data.reading.entry import Entry, refusal
from engine.data.reading.pool import Done, default_workers, read_in_processes
from engine.data.reading.reader import Job
from engine.data.reading.works import Sketches
from engine.errors import DataError

__all__ = ["Files", "read_files"]


@dataclass
class Files:
    """What is known of every file while the others are read. Lists are parallel to sources."""

    cache: Cache
    sources: list[Source]
    hashes: list[str | None]
    keys: list[str | None]
    melodies: list[str | None]
    sketches: Sketches
    sketched: list[int]  # the files that the sketches are of: the usable ones
    refused: dict[int, str]  # reasons that no cache keeps

    def entry(self, number: int) -> Entry:
        """Returns what was read of a file. DataError: it was, but is gone from the cache."""
        key = self.keys[number]
        entry = None if key is None else self.cache.get(key)
        if entry is None:
            name = self.sources[number].name
            raise DataError(f"{self.cache.folder}: lost what was read of {name}: run `sideman prepare` again")
        return entry

    def reason(self, number: int) -> str:
        """Returns why a file is not used."""
        return self.refused.get(number) or self.entry(number).refused or ""


def read_files(
    sources: list[Source],
    sketches: Sketches,
    cache: Cache,
    tracks: Tracks,
    workers: int | None,
    scheduler: str | None,
    progress: Callable[[int, int], None],
) -> tuple[Files, int]:
    """Reads every file's entry into the cache, but those that are there; returns the files, and how many were there.

    sketches: gets one of every usable file. tracks, workers, scheduler: as in engine.data.prepare.Settings.
    progress(done, total): files so far.
    """
    count, code, unchanged = len(sources), reading_code(), 0
    files = Files(cache, sources, [None] * count, [None] * count, [None] * count, sketches, [], {})
    finished = 0

    def take(number: int, entry: Entry) -> None:
        nonlocal finished
        if entry.refused is None:
            files.melodies[number] = entry.facts["melody"]
            files.sketched.append(number)
            files.sketches.append(entry.sketch())
        finished += 1
        progress(finished, count)

    known: list[tuple[int, Entry]] = []  # met while looking for work; taken by the thread that consumes

    def jobs() -> Iterator[tuple[int, Job]]:
        nonlocal unchanged
        for number, source in enumerate(sources):
            try:
                sha256, size = content_hash(source.path), source.path.stat().st_size
                key = entry_key(source.path, sha256, tracks, code)
            except OSError as error:
                files.refused[number] = f"cannot be read ({error.strerror}): check that it is a readable file"
                known.append((number, refusal(files.refused[number])))
                continue
            files.hashes[number], files.keys[number] = sha256, key
            entry = cache.get(key)
            if entry is None:
                yield number, Job(os.fspath(source.path.absolute()), tracks, size)
            else:
                unchanged += 1
                known.append((number, entry))

    def take_known() -> None:
        while known:
            take(*known.pop())

    with closing(_answers(jobs(), count, workers, scheduler)) as answers:
        for number, data, may_be_kept in answers:
            entry = Entry.unpack(data)
            key = files.keys[number]
            if may_be_kept and key is not None:
                cache.put(key, data)
            else:
                files.refused[number] = entry.refused or ""
            take(number, entry)
            take_known()
    take_known()
    return files, unchanged


def _answers(
    jobs: Iterator[tuple[int, Job]], count: int, workers: int | None, scheduler: str | None
) -> Generator[Done]:
    if scheduler is not None:
        return read_by_scheduler(jobs, scheduler)
    return read_in_processes(jobs, max(1, min(workers or default_workers(), count)))
