"""Names what hands do: role, groove and left hand of a clip, by a classifier that has only ever heard practice pieces.

Practice pieces are made to be a role, a groove and a left hand, so their names are true; whether a solo that was asked
for a walking bass walks is then no matter of taste. A network of one hidden layer over what can be counted of notes
against their beat and their chords; its own share of right names on practice pieces it has not heard is the most that
can be asked of anything it judges. Each piece is learnt as it is and as a less exact pianist might have played it: what
is a walking bass does not hang on a few milliseconds, nor on the odd wrong note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.arrays import F64, I64
from engine.chords import Chart
from engine.data.practice.piece import Composition, compose
from engine.notes import Notes

__all__ = ["NAMED", "Clip", "Namer", "practice_clip", "practice_names", "roughened", "train_namer"]

NAMED = ("role", "groove", "left_hand")
CLIP_BARS = 32
PLACES = 12  # of a beat
BORDERS = (52, 60, 69)  # pitches: bass, left hand, middle, right hand
TOGETHER_BEATS = 0.06
HIDDEN, STEPS, BATCH, KEPT, DECAY = 96, 2500, 256, 0.7, 1e-3  # of the networks and their training
ROUGHENED = 2  # times that each piece is learnt as a less exact pianist plays it
FLOOR = 0.02  # of a feature's spread: what hardly ever differs in practice pieces decides nothing
NO_LEFT_HAND = ("right", "comping")  # roles whose pieces do not play the left hand that they were dealt
_SEED, _TEST_SEED = 20_000_000, 30_000_000  # of pieces: beyond those that any training composes


@dataclass(frozen=True)
class Clip:
    """(N,) notes over a chart that both begin at 0; names: what it is known to be."""

    notes: Notes
    chart: Chart
    tempo_bpm: float
    names: dict[str, str]

    def features(self) -> F64:
        """What the namer counts."""
        beat_s = 60.0 / self.tempo_bpm
        onset = self.notes["onset_s"] / beat_s
        length = (self.notes["offset_s"] - self.notes["onset_s"]) / beat_s
        inside = (onset >= 0) & (onset < self.chart.beats)
        onset, length = onset[inside], length[inside]
        pitch, velocity = self.notes["pitch"][inside].astype(np.int64), self.notes["velocity"][inside]
        hand = np.searchsorted(BORDERS, pitch, side="right")
        starts = np.array([span.start_beat for span in self.chart.spans])
        roots = np.array([-1 if span.chord is None else span.chord.root for span in self.chart.spans])
        now = np.clip(np.searchsorted(starts, onset + 0.12, side="right") - 1, 0, len(starts) - 1)
        degree = np.where(roots[now] < 0, 12, (pitch - roots[now]) % 12)
        since = onset - starts[now]
        order = np.argsort(onset, kind="stable")
        first = np.flatnonzero(np.diff(onset[order], prepend=-9.0) > TOGETHER_BEATS)
        chords = np.diff(np.append(first, len(order)))
        spread = np.maximum.reduceat(pitch[order], first) - np.minimum.reduceat(pitch[order], first)
        parts: list[F64] = [
            np.array([np.log2(self.tempo_bpm / 120.0), float(self.chart.beats_per_bar == 3)]),
            np.bincount(np.minimum(chords, 7), minlength=8)[1:] / max(1, len(chords)),
            np.array([spread.mean() / 12 if len(spread) else 0.0, float((spread > 19).mean()) if len(spread) else 0.0]),
        ]
        for i in range(len(BORDERS) + 1):
            mine = hand == i
            some = max(1, int(mine.sum()))
            place = np.rint(onset[mine] * PLACES).astype(np.int64)
            line = pitch[mine][np.argsort(onset[mine], kind="stable")]
            parts += [
                _hand(onset, length, line, since, velocity, mine, self.chart.beats),
                np.bincount(place % PLACES, minlength=PLACES) / some,
                np.bincount(np.minimum(place // PLACES % self.chart.beats_per_bar, 3), minlength=4) / some,
                np.bincount(degree[mine], minlength=13)[:12] / some,
            ]  # fmt: skip
        return np.concatenate(parts)


def _hand(
    onset: F64, length: F64, line: I64, since: F64, velocity: npt.NDArray[np.integer],
    mine: npt.NDArray[np.bool_], beats: int,
) -> F64:  # fmt: skip
    """Returns (9,) features of one register: how much it plays, how long and loud, how it moves and meets changes."""
    if not mine.any():
        return np.zeros(9)
    leaps = np.abs(np.diff(line)) if len(line) > 1 else np.zeros(1)
    moves = [float(x) for x in (leaps.mean() / 12, (leaps > 9).mean(), (leaps <= 2).mean(), (leaps == 0).mean())]
    return np.array([
        np.log1p(mine.sum() / beats), np.log2(max(0.02, float(np.median(length[mine])))),
        float((length[mine] > 1.5).mean()), *moves, float((since[mine] < 0.2).mean()),
        float(velocity[mine].mean()) / 64,
    ])  # fmt: skip


class Namer:
    """Small networks, one for each of NAMED."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        """Learns the names of the clips; one that lacks a name teaches it nothing of that."""
        features = np.stack([clip.features() for clip in clips])
        self._mean, self._scale = features.mean(axis=0), features.std(axis=0) + FLOOR
        rows = self._scaled(features)
        self._labels: dict[str, list[str]] = {}
        self._networks: dict[str, list[F64]] = {}
        for kind in NAMED:
            known = [i for i, clip in enumerate(clips) if kind in clip.names]
            labels = sorted({clips[i].names[kind] for i in known})
            target = np.array([labels.index(clips[i].names[kind]) for i in known])
            self._labels[kind], self._networks[kind] = labels, _train(rows[known], target, len(labels))

    def name(self, clip: Clip) -> dict[str, str]:
        """Returns the likeliest name of each kind."""
        row = self._scaled(clip.features()[None])
        return {kind: self._labels[kind][int(_logits(row, p).argmax())] for kind, p in self._networks.items()}

    def accuracy(self, clips: Sequence[Clip]) -> dict[str, float]:
        """Returns the share of the clips named right, of those that have a name of the kind."""
        said = [self.name(clip) for clip in clips]
        return {
            kind: float(
                np.mean([n[kind] == c.names[kind] for n, c in zip(said, clips, strict=True) if kind in c.names])
            )
            for kind in NAMED
        }

    def _scaled(self, features: F64) -> F64:
        scaled: F64 = np.clip((features - self._mean) / self._scale, -4, 4)
        return scaled


def practice_clip(seed: int, bars: int = CLIP_BARS) -> Clip:
    """Returns the first bars of a practice piece, or all of a shorter one, with its true names."""
    music = compose(seed, 0)
    chart = music.chart.fill(min(bars, music.chart.bars))
    notes = music.notes[music.notes["onset_s"] < chart.beats * 60.0 / music.tempo_bpm]
    return Clip(notes, chart, music.tempo_bpm, practice_names(music))


def roughened(clip: Clip, rng: np.random.Generator) -> Clip:
    """Returns the clip as a less exact pianist might play it: looser time and lengths, notes left out or missed."""
    notes = np.sort(clip.notes[rng.random(len(clip.notes)) >= rng.uniform(0, 0.15)], order=["onset_s", "pitch"])
    count = len(notes)
    chord = np.cumsum(np.diff(notes["onset_s"], prepend=-9.0) > 0.03)  # what is struck together strays together
    stray_s = rng.normal(0, rng.uniform(0.005, 0.03), count + 1)[chord] + rng.normal(0, 0.004, count)
    length_s = (notes["offset_s"] - notes["onset_s"]) * np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.15, count))
    notes["onset_s"] = np.maximum(0.0, notes["onset_s"] + stray_s)
    notes["offset_s"] = notes["onset_s"] + np.maximum(0.02, length_s)
    missed = rng.random(count) < rng.uniform(0, 0.06)
    pitch = notes["pitch"].astype(np.int64) + missed * rng.integers(-4, 5, count)
    notes["pitch"] = np.clip(pitch, 21, 108)
    notes["velocity"] = np.clip(notes["velocity"] * np.exp(rng.normal(0, 0.15)), 1, 127)
    return replace(clip, notes=notes)


def practice_names(music: Composition) -> dict[str, str]:
    """Returns the names of what a practice piece was made to be; a left hand only where it is played."""
    names = {"role": music.role, "groove": music.style}
    return names | ({"left_hand": music.left} if music.left and music.role not in NO_LEFT_HAND else {})


def train_namer(pieces: int = 2500, tested: int = 400) -> tuple[Namer, dict[str, float]]:
    """Trains a namer; returns it and its share of right names on unheard practice pieces. The same each time."""
    clips = [practice_clip(_SEED + i) for i in range(pieces)]
    rough = [roughened(clip, np.random.default_rng([i, k])) for i, clip in enumerate(clips) for k in range(ROUGHENED)]
    namer = Namer(clips + rough)
    return namer, namer.accuracy([practice_clip(_TEST_SEED + i) for i in range(tested)])


def _logits(rows: F64, parameters: list[F64]) -> F64:
    """(N, features) -> (N, classes)."""
    into, bias, out, out_bias = parameters
    logits: F64 = np.maximum(rows @ into + bias, 0) @ out + out_bias
    return logits


def _train(rows: F64, target: I64, classes: int) -> list[F64]:
    """Parameters by Adam (Kingma and Ba 2015) on random batches with dropout, classes weighed alike."""
    rng, width = np.random.default_rng(0), rows.shape[1]
    parameters = [
        rng.normal(0, width**-0.5, (width, HIDDEN)), np.zeros(HIDDEN), np.zeros((HIDDEN, classes)), np.zeros(classes)
    ]  # fmt: skip
    m, v = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    share, truth = (1 / np.maximum(1, np.bincount(target, minlength=classes)))[target], np.eye(classes)[target]
    for step in range(1, STEPS + 1):
        batch = rng.integers(0, len(rows), BATCH)
        x, weight = rows[batch], share[batch, None] / share[batch].sum()
        kept = (rng.random((BATCH, HIDDEN)) < KEPT) / KEPT
        hidden = np.maximum(x @ parameters[0] + parameters[1], 0) * kept
        logits = hidden @ parameters[2] + parameters[3]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        back = weight * (odds / odds.sum(axis=1, keepdims=True) - truth[batch])
        back_hidden = (back @ parameters[2].T) * (hidden > 0) * kept
        gradients = [
            x.T @ back_hidden + DECAY * parameters[0], back_hidden.sum(axis=0),
            hidden.T @ back + DECAY * parameters[2], back.sum(axis=0),
        ]  # fmt: skip
        rate = 0.004 * min(1.0, 2 * (1 - step / STEPS))
        for i, gradient in enumerate(gradients):
            m[i], v[i] = 0.9 * m[i] + 0.1 * gradient, 0.99 * v[i] + 0.01 * gradient**2
            parameters[i] -= rate * (m[i] / (1 - 0.9**step)) / (np.sqrt(v[i] / (1 - 0.99**step)) + 1e-8)
    return parameters
