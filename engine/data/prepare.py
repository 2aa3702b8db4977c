"""A folder of MIDI -> token shards with chords and beats, split by musical work, with every loss reported."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

import native
from engine.atomic import atomic_write, check_folder
from engine.chord_memory import chord_track
from engine.data.corpus import Piece, Source, find_sources, one_line, read_piece
from engine.data.shards import DEFAULT_AUGMENT, SPLITS, PieceArrays, Shard, save_shard, steps_of, token_steps
from engine.errors import DataError, SidemanError
from engine.vocabulary import BOS, EOS, LAYOUT, STEP_S

__all__ = ["MANIFEST", "Report", "prepare", "tokenise"]

MANIFEST = "manifest.jsonl"
MIN_NOTES = 16  # fewer teach nothing
MAX_WORKERS = 61  # of a Windows process pool
CHUNK = 8  # files that a worker takes at a time

Result: TypeAlias = "tuple[PieceArrays, dict[str, object]] | str"
"""Arrays and facts of one file, or the reason it was refused."""


@dataclass(frozen=True)
class Report:
    """What became of a folder."""

    pieces: dict[str, int]  # split -> pieces
    tokens: dict[str, int]  # split -> tokens
    refused: list[tuple[str, str]]  # file, reason
    augment: int  # keys in which training hears every piece

    @property
    def training_samples(self) -> int:
        """Pieces that training can tell apart: each in each of its keys."""
        return self.pieces["train"] * self.augment


def tokenise(piece: Piece, collection: int) -> PieceArrays:
    """One labelled piece as arrays: time starts at its first note, tokens run from BOS to EOS."""
    notes = piece.performance.notes
    start_s = float(np.floor(notes["onset_s"].min() / STEP_S) * STEP_S)
    ids = native.encode(
        LAYOUT, notes["onset_s"] - start_s, notes["offset_s"] - start_s, notes["pitch"], notes["velocity"]
    )
    tokens = np.concatenate([[BOS], ids, [EOS]]).astype(np.uint16)
    chord_ids, chord_steps = chord_track(piece.chords, start_s)
    return PieceArrays(
        tokens,
        np.array(chord_ids),
        np.array(chord_steps),
        steps_of(piece.performance.beats_s - start_s),
        piece.performance.beat_in_bar,
        collection,
    )


def prepare(
    in_dir: Path,
    out: Path,
    split: tuple[float, float, float] = (0.8, 0.1, 0.1),
    augment: int = DEFAULT_AUGMENT,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Reads every MIDI file under in_dir; writes train/valid/test shards and a manifest to `out`, whole or not at all.

    A file that cannot be used is reported with its reason and skipped. augment: training transposes every piece to so
    many keys around its own, on the fly; 1 keeps the key. DataError: nothing usable, a bad split or augment.
    """
    if not (min(split) >= 0 and abs(sum(split) - 1) <= 1e-6 and split[0] > 0):
        raise DataError(
            f"--split {' '.join(map(str, split))}: give three shares of 0..1 that add up to 1, the first above 0"
        )
    if not 1 <= augment <= DEFAULT_AUGMENT:
        raise DataError(f"--augment {augment}: give the number of keys, 1 (as played) to {DEFAULT_AUGMENT} (all)")
    check_folder(out, [MANIFEST, *(f"{name}.safetensors" for name in SPLITS)])
    sources = find_sources(in_dir)
    collections = sorted({source.collection for source in sources})
    pieces: dict[str, list[PieceArrays]] = {name: [] for name in SPLITS}
    rows: list[dict[str, object]] = []
    refused: list[tuple[str, str]] = []
    with atomic_write(out) as folder:
        folder.mkdir()  # before the hours of work: a place that cannot be written is known at once
        for source, result in _read_all(sources, collections, workers, progress):
            row: dict[str, object] = {"path": source.name, "collection": source.collection, "licence": source.licence}
            if isinstance(result, str):
                refused.append((source.name, result))
                rows.append({**row, "refused": result})
                continue
            arrays, facts = result
            side = split_of(source.work, split)
            pieces[side].append(arrays)
            rows.append({**row, "split": side, **facts})
        if not pieces["train"]:
            reasons = "".join(f"; {name}: {reason}" for name, reason in refused[:3])
            raise DataError(f"{in_dir}: no usable file for the training side ({len(refused)} refused{reasons})")
        for name in SPLITS:
            save_shard(folder / f"{name}.safetensors", Shard(pieces[name], collections, augment))
        manifest = "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
        (folder / MANIFEST).write_text(manifest, encoding="utf-8")
    return Report(
        {name: len(pieces[name]) for name in SPLITS},
        {name: sum(len(p.tokens) for p in pieces[name]) for name in SPLITS},
        refused,
        augment,
    )


def split_of(work: str, split: tuple[float, float, float]) -> str:
    """The side of a work: by its hash, so that it stays there when the folder grows."""
    point = int.from_bytes(hashlib.sha256(work.encode()).digest()[:8], "big") / 2**64
    return SPLITS[int(np.searchsorted(np.cumsum(split)[:2], point, side="right"))]


def _read_all(
    sources: list[Source], collections: list[str], workers: int | None, progress: Callable[[int, int], None]
) -> Iterator[tuple[Source, Result]]:
    """Every source with its result, in order; by several workers at once, or by this process where one is enough."""
    jobs = [(source, collections.index(source.collection)) for source in sources]
    workers = min(workers or os.cpu_count() or 1, len(jobs), MAX_WORKERS)
    pool = ProcessPoolExecutor(workers, initializer=_ignore_ctrl_c) if workers > 1 else None
    done = 0
    try:
        for result in pool.map(_job, jobs, chunksize=CHUNK) if pool else map(_job, jobs):
            done += 1
            progress(done, len(jobs))
            yield sources[done - 1], result
    except BrokenProcessPool:
        first, last = sources[done].name, sources[min(len(sources), done + CHUNK * (workers + 1)) - 1].name
        raise DataError(f"a file between {first} and {last} crashed its reader: take it out of the folder") from None
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)  # an interrupt must not wait for files that nobody will use


def _ignore_ctrl_c() -> None:
    """In a worker: the terminal sends Ctrl-C to all processes, and the parent's answer is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _job(job: tuple[Source, int]) -> Result:
    """One file in a worker: arrays and facts, or the reason it was refused."""
    source, collection = job
    try:
        return _read(source, collection)
    except SidemanError as error:
        return one_line(str(error).removeprefix(f"{source.path}: "))  # the report names the file itself
    except Exception as error:  # one file that nobody foresaw must not cost the work on all the others
        return one_line(f"cannot be read ({type(error).__name__}: {error})")


def _read(source: Source, collection: int) -> Result:
    piece = read_piece(source)
    notes = piece.performance.notes
    if len(notes) < MIN_NOTES:
        return f"has fewer than {MIN_NOTES} notes ({len(notes)})"
    arrays = tokenise(piece, collection)
    facts: dict[str, object] = {
        "notes": len(notes),
        "seconds": round(float(token_steps(arrays.tokens)[-1]) * STEP_S, 2),
        "tokens": len(arrays.tokens),
        "chords": len(arrays.chord_ids) - 1,
        "chord_source": piece.chord_source,
        "beat_source": piece.beat_source,
    }
    return arrays, facts
