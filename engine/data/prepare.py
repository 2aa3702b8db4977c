"""Turns a folder of MIDI into token shards with chords and beats, split by musical work, and reports every loss.

1. Every file is read by a reader process into an entry, kept in DATA.work (engine.data.reading.cache) until it changes.
2. Copies are refused, works are told from the index and the notes, and works are dealt to the sides of the split.
3. The entries flow into shards and manifest, which replace DATA whole.

Memory holds a file's name, its sketch and its place, never its notes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from engine.arrays import I64
from engine.atomic import atomic_write, check_folder
from engine.data.copies import find_copies, onset_steps
from engine.data.practice import practice_pieces
from engine.data.reading.cache import Cache
from engine.data.reading.corpus import UNLISTED, Tracks, survey
from engine.data.reading.entry import entry_of, tokenise
from engine.data.reading.files import Files, read_files
from engine.data.reading.works import Sketches, join_works, same_work_pairs, take_of
from engine.data.report.report import REPORT, write_report
from engine.data.shards.augmentation import Augmentation
from engine.data.shards.manifest import MANIFEST, ManifestWriter, Report
from engine.data.shards.shard_writer import ShardWriter
from engine.data.shards.shards import SPLITS
from engine.data.shards.splits import Shares, check_shares, side_at, split_works
from engine.errors import DataError

__all__ = ["MANIFEST", "Report", "Settings", "kept_beside", "prepare", "tokenise", "work_folder"]

PRACTICE = "practice"
PRACTICE_SEED = 1
GOLDEN = 0.6180339887498949  # its multiples, modulo 1, deal any number of practice pieces evenly


@dataclass(frozen=True)
class Settings:
    """What a user may choose."""

    split: Shares = (0.8, 0.1, 0.1)  # train, valid, test, by works
    augmentation: Augmentation = field(default_factory=Augmentation)
    tracks: Tracks = "auto"  # "auto": the piano; "all"; or names
    workers: int | None = None  # reader processes; None: one a core
    scheduler: str | None = None  # of a Dask cluster, which then reads in their place
    practice_bars: int = 0  # generated music added
    practice_edition: int = 2  # of it: 1: solos over charts, which the shipped base learnt; 2: whole performances
    report: bool = False  # also write report.html


def prepare(
    in_dir: Path,
    out: Path,
    settings: Settings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Reads every MIDI file under in_dir; writes train/valid/test shards and a manifest to `out`, whole or not at all.

    A file that cannot be used is reported with its reason and skipped. DATA.work beside `out` keeps what was read, so
    that the next run reads only what has changed, and a run that was killed goes on.

    DataError: nothing usable, or a bad split. SidemanError: `out` holds something else or cannot be written.
    """
    settings = settings or Settings()
    check_shares(settings.split)
    check_folder(out, [MANIFEST, REPORT, *(f"{name}.safetensors" for name in SPLITS)])
    sources, left_out = survey(in_dir)
    report = Report(settings.augmentation)
    with closing(Sketches()) as sketches, atomic_write(out) as folder:
        folder.mkdir()  # before the hours of work: a place that cannot be written is known at once
        cache = Cache(work_folder(out))
        try:
            files, report.unchanged = read_files(
                sources, sketches, cache, settings.tracks, settings.workers, settings.scheduler, progress
            )
        finally:
            cache.remove_if_unused()
        works, copies = _works_and_copies(files)
        if all(work is None for work in works):
            refused = [(source.name, files.reason(i)) for i, source in enumerate(sources[:3])]
            if cache.is_new:
                cache.remove()
            reasons = "".join(f"; {name}: {reason}" for name, reason in refused)
            raise DataError(f"{in_dir}: no usable file for the training side ({len(sources)} refused{reasons})")
        _write(folder, files, works, copies, left_out, settings, report)
    cache.keep_only({key for key in files.keys if key})
    if settings.report:
        write_report(out)
    return report


def work_folder(out: Path) -> Path:
    """Returns the folder in which the entries of a data folder are kept."""
    place = Path(os.path.realpath(out))
    return place.with_name(f"{place.name}.work")


def kept_beside(out: Path, name: str) -> Path:
    """Where a file lies that is kept with the entries of a data folder for later runs. SidemanError: none can be."""
    return Cache(work_folder(out)).folder / name


def _works_and_copies(files: Files) -> tuple[list[str | None], dict[int, int]]:
    """Returns each file's work, None if it is not used, and the original of each copy."""

    def onsets(number: int) -> I64:
        return onset_steps(files.entry(number).arrays["tokens"])

    copies = find_copies(files.melodies, onsets)
    # In the order of the files, whichever was read first. Copies too: they are of one work with what they copy.
    order = sorted(range(len(files.sketched)), key=files.sketched.__getitem__)
    used = [files.sketched[i] for i in order]
    files.sketches.arrange(order)
    groups: dict[str, list[int]] = defaultdict(list)
    for place, number in enumerate(used):
        groups[f"notes {files.melodies[number]}"].append(place)
        if (work := files.sources[number].work) is not None:
            groups[f"index {work}"].append(place)
        if (take := take_of(files.sources[number].name)) is not None:
            groups[f"take {take}"].append(place)
    roots = join_works(len(used), [*groups.values(), *same_work_pairs(files.sketches)])
    members: dict[int, list[int]] = defaultdict(list)
    for place, root in enumerate(roots):
        members[root].append(used[place])
    works: list[str | None] = [None] * len(files.sources)
    for numbers in members.values():
        name = _work_name(files, numbers)
        for number in numbers:
            works[number] = None if number in copies else name
    return works, copies


def _work_name(files: Files, numbers: Sequence[int]) -> str:
    """Returns the index's name of a work, else one made of its notes; neither depends on paths or on other files."""
    names = sorted({work for i in numbers if (work := files.sources[i].work) is not None})
    return names[0] if names else "notes " + min(str(files.melodies[i])[:16] for i in numbers)


def _write(
    folder: Path,
    files: Files,
    works: list[str | None],
    copies: dict[int, int],
    left_out: Sequence[tuple[str, str]],
    settings: Settings,
    report: Report,
) -> None:
    """Writes shards and manifest, file by file."""
    sides = split_works({work for work in works if work is not None}, settings.split)
    report.works = len(sides)
    collections = sorted(
        {source.collection for source in files.sources} | ({PRACTICE} if settings.practice_bars else set())
    )
    with ExitStack() as stack:
        shards = {
            side: stack.enter_context(ShardWriter(folder / f"{side}.safetensors", collections, settings.augmentation))
            for side in SPLITS
        }
        manifest = stack.enter_context(ManifestWriter(folder, report))
        for number, source in enumerate(files.sources):
            row: dict[str, object] = {
                "path": source.name,
                "sha256": files.hashes[number],
                "collection": source.collection,
                "licence": source.licence,
            }
            work = works[number]
            if number in copies:
                manifest.refuse(row, f"same notes as {files.sources[copies[number]].name}")
            elif work is None:
                manifest.refuse(row, files.reason(number))
            else:
                entry = files.entry(number)
                shards[sides[work]].add(entry.piece(collections.index(source.collection)))
                manifest.add(row, work, sides[work], entry.facts)
        for name, reason in left_out:
            manifest.refuse({"path": name, "sha256": None, **UNLISTED}, reason)
        practice = practice_pieces(PRACTICE_SEED, settings.practice_bars, settings.practice_edition)
        for number, piece in enumerate(practice):
            entry, source = entry_of(piece), piece.source
            side = side_at((number + 0.5) * GOLDEN % 1, settings.split)
            shards[side].add(entry.piece(collections.index(PRACTICE)))
            row = {"path": source.name, "sha256": None, "collection": PRACTICE, "licence": source.licence}
            manifest.add(row, source.name, side, entry.facts)
            report.practice += 1
