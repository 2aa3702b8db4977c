"""Gaps cut from unseen pieces: how well what stands to their right is led to by what was there, by a plain continuation
and by our fill; and what the fill is like beside what was there.

    python -m benchmarks.music.bench_fill DATA/test.safetensors [--gaps 200] [--candidates 16] [--ways 4]

Gaps of one to four bars (two seconds a bar where the beat is unknown), as many from each collection. A row says nats a
token of the right side's first 96 tokens after each, read alike: the same tokens, the same wait, no controls. "closed"
is the share of the distance from the plain continuation (the mean of four; their notes end where the gap does, as those
of a fill) to the real bars, whose notes ring on; "real, cut" are those bars with notes that end there, too.
"copied" is the share of five-note figures that stand elsewhere in the take, or stood in the gap; "copied there" of the
real bars, elsewhere in the take. With --ways N so many ways are written, and their diversity is set beside that of
as many plain continuations.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import native
from benchmarks.common.result import say_result
from engine.chords import Chord
from engine.data.piece_chords import chords_from
from engine.data.shards.shards import PieceArrays, Shard, load_shard
from engine.inference.backends import StreamDecoder
from engine.inference.fill.fill import Effort, Guide, fill
from engine.inference.fill.foresight import Foresight
from engine.inference.fill.forks import Forks
from engine.inference.fill.gap import Gap, Struck
from engine.inference.fill.particle import Particle, Surroundings
from engine.inference.fill.weighing import weigh
from engine.inference.streams import TokenStream, make_stream
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.model.chord_memory import ChordMemory
from engine.model.controls import UNKNOWN, Control, ControlRows, asked_level
from engine.solo.again.likeness import like_the_take
from engine.solo.ranking import diversity
from engine.tokens import decode_notes
from engine.vocabulary import STEP_S, velocity_bin

LEAD_STEPS, BEYOND_STEPS = 2000, 1400
FORK_TOKENS = 1024
TOKENS, PLAIN = 96, 4
AS_PLAYED = native.SamplerParams(keep_timing=True)  # what a session has where nothing is asked


@dataclass(frozen=True)
class Case:
    """A gap of a piece; bpm None: no steady beat."""

    collection: str
    gap: Gap
    chords: list[tuple[float, Chord | None]]
    bpm: float | None
    beats_per_bar: int
    line_s: float


def cases(shard: Shard, count: int) -> Iterator[Case]:
    rng = np.random.default_rng(0)
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
            velocity_bin(notes["velocity"].astype(int)),
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


def measured(checkpoint: Checkpoint, case: Case, effort: Effort, ways: int) -> dict[str, float]:
    gap = case.gap
    memory = ChordMemory()
    memory.replace(case.chords, 0.0)
    decoder, stream = make_stream(checkpoint, 1)
    stream.set_params(AS_PLAYED, 1.0)
    stream.set_chords(*memory.track(), 0)
    stream.set_beat(case.bpm, case.beats_per_bar, case.line_s)
    stream.feed(gap.lead())
    stream.rollback(gap.begin)

    def tones(step: int) -> frozenset[int] | None:
        now = [chord for onset_s, chord in case.chords if onset_s <= step * STEP_S][-1:]
        return frozenset(now[0].pitch_classes()) if now and now[0] is not None else None

    def read(notes: Sequence[Struck]) -> float:
        """Returns nats a token of the right side where these notes stand in the gap."""
        around = Surroundings.of(Gap.of((*gap.left, *notes, *gap.right), gap.begin, gap.end, notes))
        fork = Forks(decoder, stream, [0], FORK_TOKENS).streams[0]
        fork.feed(around.given)
        fork.rollback(gap.end - 1)
        return Particle(around, fork).ahead(TOKENS).nats

    plain, drawn = [], []
    for fork in Forks(decoder, stream, list(range(PLAIN)), FORK_TOKENS).streams:
        particle = Particle(Surroundings.of(gap), fork)
        particle.play()
        plain.append(particle.ahead(TOKENS).nats)
        drawn.append(gap.lawful(particle.notes()))
    guide_pair = make_stream(checkpoint, 2)
    beat = 60 / case.bpm / STEP_S if case.bpm else 50.0
    beats = [round(gap.begin + i * beat) for i in range(1, int((gap.end - gap.begin) / beat) + 1)]
    levels = levels_like(gap, checkpoint.model.controls)
    stream.set_levels(levels)
    started = time.process_time()
    guide = guide_of(guide_pair, case, beat, levels, checkpoint.config.training.gaps > 0)
    found = fill(decoder, stream, gap, beats=beats, tones=tones, seed=1, count=ways, guide=guide, effort=effort)
    took_s = (time.process_time() - started) / ways
    stream.set_levels(ControlRows(checkpoint.model.controls).unknown)
    best, there = found[0], weigh(gap, gap.removed, 0.0, tones)
    chance = weigh(gap, drawn[0], 0.0, tones)
    itself = weigh(Gap.of((*gap.left, *gap.right), gap.begin, gap.end), gap.removed, 0.0, tones)
    seconds = (gap.end - gap.begin) * STEP_S
    row = {
        "real": read(gap.removed),
        "real, cut": read([note._replace(end=min(note.end, gap.end)) for note in gap.removed]),
        "plain": float(np.mean(plain)), "best of 4": min(plain), "fill": read(best.notes),
        "chord tones": best.scores.chord_tones, "plain's": chance.chord_tones, "chord tones there": there.chord_tones,
        "notes/s": len(best.notes) / seconds, "notes/s there": len(gap.removed) / seconds,
        "copied": best.scores.copied, "copied there": itself.copied,
        "silence": best.scores.silence, "silence there": there.silence,
        "cpu s a way": took_s, "gap s": seconds,
    }  # fmt: skip
    if ways > 1:
        row["diversity"], row["diversity of plain"] = diversity([one.notes for one in found]), diversity(drawn[:ways])
    return row


def guide_of(
    pair: tuple[StreamDecoder, TokenStream], case: Case, beat: float, levels: np.ndarray, learnt: bool
) -> Guide | None:
    """Makes a fresh stream that has heard what follows the gap, then what precedes it. learnt: see Foresight.tell."""
    ahead = Foresight.of(case.gap, beat * case.beats_per_bar)
    if ahead is None:
        return None
    memory = ChordMemory()
    memory.replace(ahead.chords(case.gap, case.chords), 0.0)
    stream = pair[1]
    stream.set_params(AS_PLAYED, 1.0)
    stream.set_levels(levels)
    stream.set_chords(*memory.track(), 0)
    stream.set_beat(case.bpm, case.beats_per_bar, case.line_s + ahead.shift * STEP_S)
    ahead.tell(stream, case.gap, learnt)
    return Guide(*pair, ahead.shift)


def levels_like(gap: Gap, controls: Sequence[Control]) -> np.ndarray:
    """Returns what `again` asks for: the take's own density, loudness, register, thickness and bass."""
    like = like_the_take(gap, controls)
    return np.array(
        [asked_level(control, like[control.name]) if control.name in like else UNKNOWN for control in controls],
        dtype=np.float32,
    )


def mean_of(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Returns the means, and the share of the distance that is closed."""
    mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    mean["closed"] = (mean["plain"] - mean["fill"]) / (mean["plain"] - mean["real"])
    mean["closed, cut"] = (mean["plain"] - mean["fill"]) / (mean["plain"] - mean["real, cut"])
    return {name: round(value, 3) for name, value in mean.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shard", type=Path, metavar="DATA/test.safetensors")
    parser.add_argument("--gaps", type=int, default=200)
    parser.add_argument("--candidates", type=int, default=Effort.candidates)
    parser.add_argument("--ways", type=int, default=1)
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    effort = Effort(candidates=args.candidates)
    rows: dict[str, list[dict[str, float]]] = {}
    for case in cases(load_shard(args.shard), args.gaps):
        row = measured(checkpoint, case, effort, args.ways)
        rows.setdefault(case.collection, []).append(row)
        print(f"{case.collection[:24]:<24} " + " ".join(f"{k} {v:.3f}" for k, v in row.items()), flush=True)
    result = {name: mean_of(some) for name, some in sorted(rows.items())}
    result["all"] = mean_of([row for some in rows.values() for row in some])
    for name, mean in result.items():
        print(f"{name[:24]:<24} {len(rows.get(name, ())):>3} " + " ".join(f"{k} {v:g}" for k, v in mean.items()))
    say_result("fill", {"effort": vars(effort), "ways": args.ways, "rows": result})


if __name__ == "__main__":
    main()
