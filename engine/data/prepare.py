"""A folder of MIDI -> token shards with chords and beats, split by musical work, with every loss reported."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import native
from engine.atomic import atomic_write
from engine.chords import Chord
from engine.data.corpus import Piece, Source, find_sources, read_piece
from engine.data.shards import SPLITS, PieceArrays, Shard, save_shard, steps_of, token_steps
from engine.errors import DataError, SidemanError
from engine.vocabulary import BOS, EOS, LAYOUT, NO_CHORD, STEP_S

__all__ = ["MANIFEST", "Report", "prepare", "tokenise"]

MANIFEST = "manifest.jsonl"
MIN_NOTES = 16  # fewer teach nothing


@dataclass(frozen=True)
class Report:
    """What became of a folder."""

    pieces: dict[str, int]  # split -> pieces
    tokens: dict[str, int]  # split -> tokens
    refused: list[tuple[str, str]]  # file, reason


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
        chord_ids,
        chord_steps,
        steps_of(piece.performance.beats_s - start_s),
        piece.performance.beat_in_bar,
        collection,
    )


def chord_track(chords: list[tuple[float, Chord | None]], start_s: float) -> tuple[np.ndarray, np.ndarray]:
    """(onset_s, chord) -> (C,) ids and (C,) onsets in steps: NO_CHORD first, repeated chords merged."""
    ids, steps = [NO_CHORD], [0]
    for onset_s, chord in chords:
        token = NO_CHORD if chord is None else chord.id
        step = max(0, int(np.rint((onset_s - start_s) / STEP_S)))
        if step == steps[-1] and len(ids) > 1:
            ids[-1] = token
        elif token != ids[-1]:
            ids.append(token)
            steps.append(step)
    return np.array(ids, dtype=np.int64), np.array(steps, dtype=np.int64)


def prepare(
    in_dir: Path,
    out: Path,
    split: tuple[float, float, float] = (0.8, 0.1, 0.1),
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Reads every MIDI file under in_dir; writes train/valid/test shards and a manifest to `out`, whole or not at all.

    A file that cannot be used is reported with its reason and skipped. DataError: nothing usable, or a bad split.
    """
    if min(split) < 0 or abs(sum(split) - 1) > 1e-6 or split[0] == 0:
        raise DataError(
            f"--split {' '.join(map(str, split))}: give three shares of 0..1 that add up to 1, the first above 0"
        )
    sources = find_sources(in_dir)
    collections = sorted({source.collection for source in sources})
    pieces: dict[str, list[PieceArrays]] = {name: [] for name in SPLITS}
    rows: list[dict[str, object]] = []
    refused: list[tuple[str, str]] = []
    jobs = [(source, collections.index(source.collection)) for source in sources]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        for done, (source, result) in enumerate(zip(sources, pool.map(_job, jobs, chunksize=8), strict=True), 1):
            progress(done, len(sources))
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
        raise DataError(
            f"{in_dir}: no usable file for the training side ({len(refused)} refused): see the reasons above"
        )
    with atomic_write(out) as folder:
        folder.mkdir()
        for name in SPLITS:
            save_shard(folder / f"{name}.safetensors", Shard(pieces[name], collections))
        manifest = "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
        (folder / MANIFEST).write_text(manifest, encoding="utf-8")
    return Report(
        {name: len(pieces[name]) for name in SPLITS},
        {name: sum(len(p.tokens) for p in pieces[name]) for name in SPLITS},
        refused,
    )


def split_of(work: str, split: tuple[float, float, float]) -> str:
    """The side of a work: by its hash, so that it stays there when the folder grows."""
    point = int.from_bytes(hashlib.sha256(work.encode()).digest()[:8], "big") / 2**64
    return SPLITS[int(np.searchsorted(np.cumsum(split)[:2], point, side="right"))]


def _job(job: tuple[Source, int]) -> tuple[PieceArrays, dict[str, object]] | str:
    """One file in a worker: arrays and facts, or the reason it was refused."""
    source, collection = job
    try:
        piece = read_piece(source)
    except SidemanError as error:
        return str(error)
    notes = piece.performance.notes
    if len(notes) < MIN_NOTES:
        return f"{source.path}: {len(notes)} notes, fewer than {MIN_NOTES}"
    arrays = tokenise(piece, collection)
    facts = {
        "notes": len(notes),
        "seconds": round(float(token_steps(arrays.tokens)[-1]) * STEP_S, 2),
        "tokens": len(arrays.tokens),
        "chords": len(arrays.chord_ids) - 1,
        "chord_source": piece.chord_source,
        "beat_source": piece.beat_source,
    }
    return arrays, facts
