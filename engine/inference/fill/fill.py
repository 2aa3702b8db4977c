"""Fills a gap: ways through it are played whole, then the best of them are played on anew from where they went wrong.

A population of particles (Gordon et al. 1993), each a fork of the stream that stands before the gap, weighed mostly by
how likely they make the music to the right. A third is played whole. Then, one after the other, one of the best is
drawn by weight, goes back to a beat of the gap, most often a late one, and plays on from there with other random
numbers; what beats the worst of the best takes its place. At the end the best get many new ends: two thirds of what a
gap costs the music behind it are in the first second of that, and there the last beat of the gap decides. The right
side is read no further than there is hope, for that costs as much as what is played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.inference.backends import StreamDecoder
from engine.inference.fill.forks import Forks
from engine.inference.fill.gap import Gap, Struck
from engine.inference.fill.particle import Ahead, Particle, Surroundings
from engine.inference.fill.rhythm import RhythmParticle
from engine.inference.fill.weighing import Scores, Tones, weigh
from engine.inference.streams import TokenStream

__all__ = ["Candidate", "Effort", "Guide", "fill"]

CANDIDATES = 10  # played whole or from some beat on
PARENTS = 4  # the best so far
WHOLE = 0.35  # the share of the candidates that is played whole
ENDS = 16  # of the best, at the end: they are short, and the most is lost there
LATE = 0.6  # how often one goes back to the last beats: to the last one half of the time, else to the one before, ...
TEMPER, END_TEMPER = 0.1, 0.03  # nats a token that are worth a factor e among parents
GLANCES = (8, 32)  # tokens beyond the gap after which is asked whether there is hope
HOPE_NATS = 1.0  # what one may lie there below the worst of the best
ROLLBACK_TOKENS = 1024  # of a fork: a gap of half a minute, and what is read beyond it


@dataclass(frozen=True)
class Effort:
    """How much is tried. candidates: ways that are played whole, or anew from some beat on; ends: new ends of the best,
    from the last beat or two; tokens: how far beyond the gap is read of what has hope.
    """

    candidates: int = CANDIDATES
    ends: int = ENDS
    tokens: int = 96


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
    guided: bool,
    count: int = 1,
    rhythm: tuple[int, int] | None = None,
    guide: Guide | None = None,
    effort: Effort | None = None,
) -> list[Candidate]:
    """`count` ways through a gap, best first, no two with the same strikes, each the best of a population of its own.

    Of one population the best would be variants of each other. The stream stays as it is.

    stream: stands where the gap begins (its `until` is gap.begin), and knows chords, beat and wishes for the gap and
    for what follows. beats: steps in the gap to which particles may go back. guided: whether chords are heeded with
    another strength than 1. rhythm: lowest and highest pitch, where the moments, lengths and loudness of the removed
    notes stay and only their keys are new; then nobody guides. The same arguments give the same notes.
    """
    effort = effort or Effort()
    rng = np.random.default_rng([seed, gap.begin, gap.end])
    found: dict[tuple[tuple[int, int], ...], Candidate] = {}  # by when which key is struck
    for _ in range(count):
        search = _Search(decoder, stream, gap, beats, tones, rng, guided, rhythm, guide, effort)
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
        guide: Guide | None,
        effort: Effort,
    ) -> None:
        self._gap, self._tones, self._rng, self._effort = gap, tones, rng, effort
        around = Surroundings.of(gap, guide.shift if guide is not None else 0)
        self._leads_on = bool(around.right)
        inside = [step for step in beats if gap.begin < step < gap.end - 1]
        self._places = np.array([gap.begin, *inside], dtype=np.int64)
        self._whole = min(effort.candidates, max(PARENTS, round(WHOLE * effort.candidates)))
        seeds = [self._new_seed() for _ in range(PARENTS + 1)]
        self._forks = Forks(decoder, stream, seeds, ROLLBACK_TOKENS, guided)
        self._guides = None
        if guide is not None and rhythm is None:
            self._guides = Forks(guide.decoder, guide.stream, seeds, ROLLBACK_TOKENS, guided)
        self._particles = [
            Particle(around, fork, self._guides.streams[i] if self._guides is not None else None)
            if rhythm is None
            else RhythmParticle(around, fork, gap.removed, rhythm, self._new_seed())
            for i, fork in enumerate(self._forks.streams)
        ]
        self._weighed = [HOPELESS] * len(seeds)

    def best(self) -> list[Candidate]:
        """The best few, best first."""
        for number in range(self._effort.candidates):
            if number < PARENTS:
                self._play(number)
            elif number < self._whole:
                self._vary(self._gap.begin)
            else:
                self._vary(self._place())
        for _ in range(self._effort.ends):
            self._vary(self._late(), END_TEMPER)
        found = [
            Candidate(self._gap.lawful(self._particles[i].notes()), scores)
            for i, (scores, _) in enumerate(self._weighed)
            if scores is not None
        ]
        return sorted(found, key=lambda candidate: -candidate.scores.total)

    def _vary(self, to: int, temper: float = TEMPER) -> None:
        """What is worst becomes a parent up to a step and plays on anew from there."""
        ranked = sorted(range(len(self._weighed)), key=lambda i: -self._weighed[i].total)
        parents, spare = ranked[:PARENTS], ranked[-1]
        totals = np.array([self._weighed[i].total for i in parents])
        weights = np.exp((totals - totals.max()) / temper)
        parent = int(self._rng.choice(parents, p=weights / weights.sum()))
        particle = self._particles[spare]
        guide = None if self._guides is None else self._guides.renew(spare, parent, self._new_seed())
        particle.follow(self._particles[parent], self._forks.renew(spare, parent, self._new_seed()), guide)
        particle.back(to - 1)
        self._play(spare, self._particles[parent].notes())

    def _place(self) -> int:
        """A beat to go back to."""
        return int(self._rng.choice(self._places)) if self._rng.random() >= LATE else self._late()

    def _late(self) -> int:
        """One of the last beats: the last one half of the time, else the one before, ..."""
        places = self._places
        return int(places[-min(len(places), int(self._rng.geometric(0.5)))])

    def _play(self, number: int, known: Sequence[Struck] = ()) -> None:
        """Plays a particle to the gap's end and weighs it, unless it has played what is known already."""
        particle, effort = self._particles[number], self._effort
        particle.play()
        notes = particle.notes()
        if notes and notes == known:
            self._weighed[number] = HOPELESS
            return
        ahead, least = Ahead(0.0, 0), list[tuple[int, float]]()
        if self._leads_on:
            best = [one.passed for i, one in enumerate(self._weighed) if i != number and one.scores is not None]
            least = [
                (tokens, min(passed[i] for passed in best) - HOPE_NATS if len(best) >= PARENTS else -np.inf)
                for i, tokens in enumerate(GLANCES)
                if tokens < effort.tokens
            ]
            ahead = particle.ahead(effort.tokens, least)
            if any(there < so_far for there, (_, so_far) in zip(ahead.passed, least, strict=False)):
                self._weighed[number] = HOPELESS
                return
        passed = (*ahead.passed, *[ahead.log_probability] * (len(GLANCES) - len(ahead.passed)))
        scores = weigh(self._gap, self._gap.lawful(notes), ahead.nats, self._tones, particle.own_nats)
        self._weighed[number] = _Weighed(scores, passed)

    def _new_seed(self) -> int:
        return int(self._rng.integers(1 << 63))


class _Weighed(NamedTuple):
    """scores: None where there is no hope. passed: log-probability of the right side's first GLANCES tokens."""

    scores: Scores | None
    passed: tuple[float, ...]

    @property
    def total(self) -> float:
        return -np.inf if self.scores is None else self.scores.total


HOPELESS = _Weighed(None, ())
