"""Fills a gap: many ways through it are played, those that lead well to what follows are kept and varied.

A population of particles (Gordon et al. 1993), each a fork of the stream that stands before the gap. All are played to
the gap's end and weighed, mostly by how likely they make the music to the right. Then, round by round, the worse ones
die: systematic resampling (Kitagawa 1996) says which of the better ones they become; they go back to a beat of the gap
and play on from there with other random numbers. So what led to a good end is kept and what did not is drawn again, and
later rounds look closer at the end of the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.inference.backends import StreamDecoder
from engine.inference.fill.forks import Forks
from engine.inference.fill.gap import Gap, Struck
from engine.inference.fill.particle import Particle, Surroundings
from engine.inference.fill.rhythm import RhythmParticle
from engine.inference.fill.weighing import Scores, Tones, weigh
from engine.inference.streams import TokenStream

__all__ = ["CANDIDATES", "Candidate", "Effort", "fill"]

CANDIDATES = 16
FINALISTS = 4  # are looked at closely
ROLLBACK_TOKENS = 1024  # of a fork: a gap of half a minute, and what is read beyond it


@dataclass(frozen=True)
class Effort:
    """How much is tried. candidates: particles. rounds: how often the worse of them are drawn anew. survivors: share of
    them that live through a round. ahead_tokens: how far beyond the gap is read while drawing. last_tokens: and at the
    end, of the four best.
    """

    candidates: int = CANDIDATES
    rounds: int = 2
    survivors: float = 0.5
    ahead_tokens: int = 32
    last_tokens: int = 96


@dataclass(frozen=True)
class Candidate:
    """New notes of a gap, in order, and how good they are."""

    notes: tuple[Struck, ...]
    scores: Scores


def fill(
    decoder: StreamDecoder,
    stream: TokenStream,
    gap: Gap,
    *,
    beats: Sequence[int],
    tones: Tones,
    seed: int,
    guided: bool,
    count: int = 1,
    rhythm: tuple[int, int] | None = None,
    effort: Effort | None = None,
) -> list[Candidate]:
    """`count` ways through a gap, best first, no two with the same strikes, each the best of a population of its own.

    Of one population the best would be variants of each other. The stream stays as it is.

    stream: stands where the gap begins (its `until` is gap.begin), and knows chords, beat and wishes for the gap and
    for what follows. beats: steps in the gap to which particles may go back. guided: whether chords are heeded with
    another strength than 1. rhythm: lowest and highest pitch, where the moments, lengths and loudness of the removed
    notes stay and only their keys are new. The same arguments give the same notes.
    """
    effort = effort or Effort()
    rng = np.random.default_rng([seed, gap.begin, gap.end])
    found: dict[tuple[tuple[int, int], ...], Candidate] = {}  # by when which key is struck
    for _ in range(count):
        search = _Search(decoder, stream, gap, beats, tones, rng, guided, rhythm, effort)
        for candidate in search.best():
            strikes = tuple((note.step, note.pitch) for note in candidate.notes)
            if strikes not in found:
                found[strikes] = candidate
                break
    return sorted(found.values(), key=lambda candidate: -candidate.scores.total)


class _Search:
    """One population, from the first draw to the last choice."""

    def __init__(
        self,
        decoder: StreamDecoder,
        stream: TokenStream,
        gap: Gap,
        beats: Sequence[int],
        tones: Tones,
        rng: np.random.Generator,
        guided: bool,
        rhythm: tuple[int, int] | None,
        effort: Effort,
    ) -> None:
        self._gap, self._tones, self._rng, self._effort = gap, tones, rng, effort
        around = Surroundings.of(gap)
        self._leads_on = bool(around.right)
        self._places = np.array([step for step in beats if gap.begin < step < gap.end - 1], dtype=np.int64)
        seeds = [self._new_seed() for _ in range(effort.candidates)]
        self._forks = Forks(decoder, stream, seeds, ROLLBACK_TOKENS, guided)
        self._particles = [
            Particle(around, fork)
            if rhythm is None
            else RhythmParticle(around, fork, gap.removed, rhythm, self._new_seed())
            for fork in self._forks.streams
        ]

    def best(self) -> list[Candidate]:
        """The finalists, best first."""
        particles, effort = self._particles, self._effort
        totals = np.zeros(len(particles))
        for i, particle in enumerate(particles):
            particle.play()
            totals[i] = self._scores(particle, effort.ahead_tokens).total
        for number in range(effort.rounds):
            self._round(totals, number)
        finalists = [particles[i] for i in np.argsort(-totals, kind="stable")[:FINALISTS]]
        candidates = [
            Candidate(self._gap.lawful(particle.notes()), self._scores(particle, effort.last_tokens))
            for particle in finalists
        ]
        return sorted(candidates, key=lambda candidate: -candidate.scores.total)

    def _round(self, totals: npt.NDArray[np.float64], number: int) -> None:
        """The worse ones become some of the better ones up to a beat and go on from there; their totals change."""
        particles, effort, rng, places = self._particles, self._effort, self._rng, self._places
        order = np.argsort(-totals, kind="stable")
        survivors = order[: max(1, round(effort.survivors * len(order)))]
        doomed = order[len(survivors) :]
        parents = survivors[_systematic(totals[survivors], len(doomed), rng)]
        late = places[len(places) * number // (2 * effort.rounds) :]  # later rounds look at the end
        for i, parent in zip(doomed.tolist(), parents.tolist(), strict=True):
            to = int(rng.choice(late)) - 1 if len(late) else self._gap.begin - 1
            particles[i].follow(particles[parent], self._forks.renew(i, parent, self._new_seed()))
            particles[i].back(to)
            particles[i].play()
            totals[i] = self._scores(particles[i], effort.ahead_tokens).total

    def _scores(self, particle: Particle, tokens: int) -> Scores:
        nats = particle.ahead(tokens).nats if self._leads_on else 0.0
        return weigh(self._gap, self._gap.lawful(particle.notes()), nats, self._tones)

    def _new_seed(self) -> int:
        return int(self._rng.integers(1 << 63))


def _systematic(totals: npt.NDArray[np.float64], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Which of the survivors each of `count` follows: systematic resampling, by weight.

    A twentieth of a nat a token is worth a factor e: over fifty tokens what tells two of them apart is certain.
    """
    weights = np.exp((totals - totals.max()) / 0.05)
    edges = np.cumsum(weights / weights.sum())
    places = (rng.random() + np.arange(count)) / max(count, 1)
    return np.minimum(np.searchsorted(edges, places), len(totals) - 1)
