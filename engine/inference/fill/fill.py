"""Fills a gap: ways through it are played whole, then the best of them are played on anew from where they went wrong.

A population of particles (Gordon et al. 1993), each a fork of the stream that stands before the gap, weighed mostly by
how likely they make the music to the right. A fifth is played whole. Then, one after the other, one of the best is
drawn by weight, goes back to a beat of the gap, most often a late one, and plays on from there with other random
numbers: two thirds of what a gap costs the music behind it are in the first second of that, and there the last beat of
the gap decides. What is hopeless after a glance ahead is dropped; what beats the worst of the best takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.inference.backends import StreamDecoder
from engine.inference.fill.forks import Forks
from engine.inference.fill.gap import Gap, Struck
from engine.inference.fill.particle import Particle, Surroundings
from engine.inference.fill.rhythm import RhythmParticle
from engine.inference.fill.weighing import Scores, Tones, weigh
from engine.inference.streams import TokenStream

__all__ = ["CANDIDATES", "Candidate", "Effort", "Guide", "fill"]

CANDIDATES = 16
PARENTS = 3  # the best so far; at the end they are looked at closely
WHOLE = 0.2  # the share of the candidates that is played whole
FEWEST, WHOLE_COST = 2, 0.6  # of these, where they are long; and the share of the tokens that they may take
LATE = 0.85  # how often one goes back to the last beats: to the last one half of the time, else to the one before, ...
TEMPER = 0.1  # nats a token that are worth a factor e among parents
HOPE_NATS = 3.0  # what a glance may lie below the worst parent's
ROLLBACK_TOKENS = 1024  # of a fork: about half a minute; of a longer gap only the end is varied


@dataclass(frozen=True)
class Effort:
    """How much is tried. candidates: ways that are weighed. glance_tokens: how far beyond the gap is read of all of
    them; ahead_tokens: of those that then have hope; last_tokens: of the best at the end. play_tokens: how many a
    search plays, about two seconds of a core: in a dense gap fewer ways are whole, and the others go back less far. Two
    whole ways and every other's last beat are played in any case.
    """

    candidates: int = CANDIDATES
    glance_tokens: int = 8
    ahead_tokens: int = 24
    last_tokens: int = 64
    play_tokens: int = 1400


class Guide(NamedTuple):
    """A stream that stands where the gap begins in the order of Foresight, its decoder, and that order's shift."""

    decoder: StreamDecoder
    stream: TokenStream
    shift: int


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
    count: int = 1,
    rhythm: tuple[int, int] | None = None,
    guide: Guide | None = None,
    effort: Effort | None = None,
) -> list[Candidate]:
    """`count` ways through a gap, best first, no two with the same strikes, each the best of a population of its own.

    Of one population the best would be variants of each other. The stream stays as it is.

    stream: stands where the gap begins (its `until` is gap.begin), and knows chords, beat and wishes for the gap and
    for what follows. beats: steps in the gap to which particles may go back. rhythm: lowest and highest pitch, where
    the moments, lengths and loudness of the removed notes stay and only their keys are new; guide is not used then. The
    same arguments give the same notes.
    """
    effort = effort or Effort()
    rng = np.random.default_rng([seed, gap.begin, gap.end])
    found: dict[tuple[tuple[int, int], ...], Candidate] = {}  # by when which key is struck
    for _ in range(count):
        search = _Search(decoder, stream, gap, beats, tones, rng, rhythm, guide, effort)
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
        rhythm: tuple[int, int] | None,
        guide: Guide | None,
        effort: Effort,
    ) -> None:
        self._gap, self._tones, self._rng, self._effort = gap, tones, rng, effort
        around = Surroundings.of(gap, guide.shift if guide is not None else 0)
        self._leads_on = bool(around.right)
        inside = [step for step in beats if gap.begin < step < gap.end - 1]
        self._places = np.array([gap.begin, *inside], dtype=np.int64)
        whole = min(effort.candidates, max(PARENTS, round(WHOLE * effort.candidates)))
        seeds = [self._new_seed() for _ in range(whole)]
        self._forks = Forks(decoder, stream, seeds, ROLLBACK_TOKENS)
        self._guides = None
        if guide is not None and rhythm is None:
            seeds = [self._new_seed() for _ in range(whole)]
            self._guides = Forks(guide.decoder, guide.stream, seeds, ROLLBACK_TOKENS)
        self._particles = [
            Particle(around, fork, self._guides.streams[i] if self._guides is not None else None)
            if rhythm is None
            else RhythmParticle(around, fork, gap.removed, rhythm, self._new_seed())
            for i, fork in enumerate(self._forks.streams)
        ]
        self._weighed = [_Weighed(-np.inf, -np.inf)] * whole
        self._played = 0  # tokens
        self._a_step = 0.0  # tokens a step, of the ways that are whole

    def best(self) -> list[Candidate]:
        """The best few, best first."""
        particles, weighed, effort = self._particles, self._weighed, self._effort
        whole = 0
        while whole < len(particles):
            self._play(particles[whole])
            weighed[whole] = self._weigh(particles[whole], -np.inf)
            whole += 1
            if whole == FEWEST:
                most = max(FEWEST, int(WHOLE_COST * effort.play_tokens * FEWEST / max(1, self._played)))
                del particles[most:], weighed[most:]
        self._a_step = self._played / whole / (self._gap.end - self._gap.begin)
        for left in reversed(range(effort.candidates - whole)):
            self._vary(left)
        candidates = [self._looked_at(particles[i]) for i in self._ranked()[:PARENTS]]
        return sorted(candidates, key=lambda candidate: -candidate.scores.total)

    def _ranked(self) -> list[int]:
        return sorted(range(len(self._weighed)), key=lambda i: -self._weighed[i].total)

    def _play(self, particle: Particle) -> None:
        before = particle.stream.length
        particle.play()
        self._played += particle.stream.length - before

    def _vary(self, left: int) -> None:
        """The worst becomes a parent up to a beat and plays on anew; a parent that it then beats is the next worst.

        left: how many are still to come.
        """
        ranked = self._ranked()
        parents, spare = ranked[:PARENTS], ranked[-1]
        if spare in parents:  # as few are played as there are parents
            parents = parents[:-1] or parents
        totals = np.array([self._weighed[i].total for i in parents])
        weights = np.exp((totals - totals.max()) / TEMPER)
        parent = int(self._rng.choice(parents, p=weights / weights.sum()))
        particle, to = self._particles[spare], self._affordable(self._place(), left)
        guide_seed = 0 if self._guides is None else self._new_seed()
        seed = self._new_seed()
        while True:
            guide = None if self._guides is None else self._guides.renew(spare, parent, guide_seed)
            particle.follow(self._particles[parent], self._forks.renew(spare, parent, seed), guide)
            try:
                particle.back(to - 1)
                break
            except ValueError:  # farther back than forks remember
                to = self._nearer(to)
        self._play(particle)
        self._weighed[spare] = self._weigh(particle, min(self._weighed[i].glance for i in parents))

    def _place(self) -> int:
        """Where to go back to."""
        places, rng = self._places, self._rng
        if len(places) > 1 and rng.random() < LATE:
            return int(places[-min(len(places) - 1, int(rng.geometric(0.5)))])
        return int(rng.choice(places))

    def _affordable(self, to: int, left: int) -> int:
        """The first place from `to` on which leaves enough for as many more as are left to play the last beat anew."""
        end, last = self._gap.end, int(self._places[-1])
        to_spend = self._effort.play_tokens - self._played - left * self._a_step * (end - last)
        later = self._places[self._places >= to]
        return int(next((place for place in later if (end - place) * self._a_step <= to_spend), last))

    def _nearer(self, to: int) -> int:
        """Where to go back to if `to` lies too far back: the middle of the places behind it, or of what is left."""
        later = self._places[self._places > to]
        return int(later[len(later) // 2]) if len(later) else (to + self._gap.end + 1) // 2

    def _weigh(self, particle: Particle, least: float) -> _Weighed:
        """least: the glance of the worst parent."""
        if not self._leads_on:
            return _Weighed(self._candidate(particle, 0.0).scores.total, 0.0)
        effort, hope = self._effort, least - HOPE_NATS
        read = particle.ahead(effort.ahead_tokens, effort.glance_tokens, hope)
        total = -np.inf if read.glance < hope else self._candidate(particle, read.nats).scores.total
        return _Weighed(total, read.glance)

    def _candidate(self, particle: Particle, ahead_nats: float) -> Candidate:
        notes = self._gap.lawful(particle.notes())
        return Candidate(notes, weigh(self._gap, notes, ahead_nats, self._tones, particle.own_nats))

    def _looked_at(self, particle: Particle) -> Candidate:
        """Reads as far as is ever read."""
        return self._candidate(particle, particle.ahead(self._effort.last_tokens).nats if self._leads_on else 0.0)

    def _new_seed(self) -> int:
        return int(self._rng.integers(1 << 63))


class _Weighed(NamedTuple):
    """total: of the scores. glance: log-probability of the first tokens behind the gap."""

    total: float
    glance: float
