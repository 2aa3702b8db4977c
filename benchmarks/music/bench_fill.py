"""Gaps cut from unseen pieces: how well what stands to their right is led to by what was there, by a plain continuation
and by our fill; and what the fill is like beside what was there.

    python -m benchmarks.music.bench_fill DATA/test.safetensors [--gaps 200] [--candidates 16] [--rounds 2]

Gaps of one to four bars (two seconds a bar where the beat is unknown), as many from each collection. A row says nats a
token of the right side's first 96 tokens after each, and the share of the distance from the plain continuation, all its
notes ended where the gap ends, to the real bars. "own ends": the plain continuation's notes end where it ends them.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common.machine import describe
from engine.chords import Chord
from engine.data.piece_chords import chords_from
from engine.data.shards.shards import PieceArrays, Shard, load_shard
from engine.inference.fill.fill import Effort, fill
from engine.inference.fill.forks import Forks
from engine.inference.fill.gap import Gap, Struck
from engine.inference.fill.particle import Particle, Surroundings
from engine.inference.fill.weighing import Scores, weigh
from engine.inference.streams import make_stream
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.model.chord_memory import ChordMemory
from engine.tokens import decode_notes
from engine.vocabulary import NUM_VELOCITIES, STEP_S

LEAD_STEPS, BEYOND_STEPS = 2000, 1400
TOKENS, PLAIN = 96, 8


@dataclass(frozen=True)
class Case:
    """A gap of a piece; bpm None: no steady beat."""

    collection: str
    gap: Gap
    chords: list[tuple[float, Chord | None]]
    bpm: float | None
    beats_per_bar: int
    line_s: float


def cases(shard: Shard, count: int, seed: int = 0) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    places: dict[int, list[int]] = {}
    for i, piece in enumerate(shard.pieces):
        places.setdefault(piece.collection, []).append(i)
    found = tried = 0
    names = sorted(places)
    while found < count and tried < 50 * count:
        collection = names[tried % len(names)]
        tried += 1
        case = cut(shard.pieces[int(rng.choice(places[collection]))], shard.collections[collection], rng)
        if case is not None:
            found += 1
            yield case


def cut(piece: PieceArrays, collection: str, rng: np.random.Generator) -> Case | None:
    notes, bars = decode_notes(piece.tokens), int(rng.integers(1, 5))
    if not len(notes):
        return None
    rows = np.stack(
        [
            np.rint(notes["onset_s"] / STEP_S), np.rint(notes["offset_s"] / STEP_S), notes["pitch"],
            notes["velocity"].astype(int) * NUM_VELOCITIES // 128,
        ], axis=1,
    ).astype(int)  # fmt: skip
    last = int(rows[:, 1].max())
    beats, in_bar = np.asarray(piece.beat_steps), np.asarray(piece.beat_in_bar)
    lines = beats[in_bar == 0] if len(beats) else beats
    if len(lines) > bars + 4:
        fits = [
            (lines[i], lines[i + bars]) for i in range(len(lines) - bars)
            if lines[i] > 800 and lines[i + bars] < last - 1000 and 80 * bars < lines[i + bars] - lines[i] < 500 * bars
        ]  # fmt: skip
    else:
        fits = [(at, at + 200 * bars) for at in range(1200, last - 1200 - 200 * bars, 100)]
    if not fits:
        return None
    begin, end = (round(float(at)) for at in fits[int(rng.integers(len(fits)))])
    start = max(0, begin - LEAD_STEPS)
    inside = rows[(rows[:, 0] >= start) & (rows[:, 0] < end + BEYOND_STEPS)]
    struck = [Struck(int(on) - start, int(off) - start, int(p), int(v)) for on, off, p, v in inside if off > on]
    gap = Gap.of(struck, begin - start, end - start)
    if len(gap.left) < 10 or len(gap.right) < 20 or len(gap.removed) < 2:
        return None
    near = beats[(beats >= start) & (beats < end + BEYOND_STEPS)]
    steady = len(near) > 8 and np.ptp(np.diff(near)) < 0.25 * np.median(np.diff(near))
    bpm = 60 / (float(np.median(np.diff(near))) * STEP_S) if steady else None
    chords = chords_from(piece, start * STEP_S)
    return Case(collection, gap, chords, bpm, int(in_bar.max()) + 1 if steady else 4, gap.begin * STEP_S)


def measured(checkpoint: Checkpoint, case: Case, effort: Effort) -> dict[str, float]:
    gap = case.gap
    decoder, stream = make_stream(checkpoint, 1)
    memory = ChordMemory()
    memory.replace(case.chords, 0.0)
    stream.set_chords(*memory.track(), 0)
    stream.set_beat(case.bpm, case.beats_per_bar, case.line_s)
    stream.feed(gap.lead())
    stream.rollback(gap.begin)

    def tones(step: int) -> frozenset[int] | None:
        now = [chord for onset_s, chord in case.chords if onset_s <= step * STEP_S][-1:]
        return frozenset(now[0].pitch_classes()) if now and now[0] is not None else None

    around = Surroundings.of(gap)
    forks = Forks(decoder, stream, list(range(1 + 2 * PLAIN)), 2048, False)
    real = Gap.of((*gap.left, *gap.removed, *gap.right), gap.begin, gap.end, gap.removed)
    particle = Particle(Surroundings.of(real), forks.streams[0])
    forks.streams[0].feed(real.given())
    forks.streams[0].rollback(gap.end - 1)
    row = {"real": particle.ahead(TOKENS).nats}
    plain, own = [], []
    for fork in forks.streams[1 : 1 + PLAIN]:
        particle = Particle(around, fork)
        particle.play()
        plain.append(particle.ahead(TOKENS).nats)
    for fork in forks.streams[1 + PLAIN :]:
        fork.generate(gap.end - 1)
        sounding = set(fork.sounding())
        ends: dict[int, int] = {}
        for step, pitch, _ in fork.generate(gap.end + 200):
            ends.setdefault(pitch, step)
        fork.rollback(gap.end - 1)
        ring = tuple(sorted((ends.get(pitch, gap.end), pitch, -1) for pitch in sounding))
        own.append(Particle(around._replace(ends=ring), fork).ahead(TOKENS).nats)
    beat = 60 / case.bpm / STEP_S if case.bpm else 50.0
    beats = [round(gap.begin + i * beat) for i in range(1, int((gap.end - gap.begin) / beat) + 1)]
    started = time.process_time()
    best = fill(decoder, stream, gap, beats=beats, tones=tones, seed=1, guided=False, effort=effort)[0]
    took_s = time.process_time() - started
    there: Scores = weigh(gap, gap.removed, row["real"], tones)
    seconds = (gap.end - gap.begin) * STEP_S
    return {
        **row, "plain": float(np.mean(plain)), "own ends": float(np.mean(own)), "best of 8": min(plain),
        "fill": best.scores.ahead, "chord tones": best.scores.chord_tones, "chord tones there": there.chord_tones,
        "notes/s": len(best.notes) / seconds, "notes/s there": len(gap.removed) / seconds,
        "copied": best.scores.copied, "silence": best.scores.silence, "silence there": there.silence,
        "cpu s": took_s, "gap s": seconds,
    }  # fmt: skip


def mean_of(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means, and the shares of the distances that are closed."""
    mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    for start in ("plain", "own ends"):
        mean[f"closed from {start}"] = (mean[start] - mean["fill"]) / (mean[start] - mean["real"])
    return {name: round(value, 3) for name, value in mean.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shard", type=Path, metavar="DATA/test.safetensors")
    parser.add_argument("--gaps", type=int, default=200)
    parser.add_argument("--candidates", type=int, default=Effort.candidates)
    parser.add_argument("--rounds", type=int, default=Effort.rounds)
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    effort = Effort(candidates=args.candidates, rounds=args.rounds)
    rows: dict[str, list[dict[str, float]]] = {}
    for case in cases(load_shard(args.shard), args.gaps):
        rows.setdefault(case.collection, []).append(measured(checkpoint, case, effort))
    result = {name: mean_of(some) for name, some in sorted(rows.items())}
    result["all"] = mean_of([row for some in rows.values() for row in some])
    for name, mean in result.items():
        print(f"{name[:24]:<24} {len(rows.get(name, ())):>3} " + " ".join(f"{k} {v:g}" for k, v in mean.items()))
    print(json.dumps({"benchmark": "fill", "effort": vars(effort), "rows": result, "machine": describe()}))


if __name__ == "__main__":
    main()
