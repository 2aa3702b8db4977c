"""A gap is filled and nothing else: what stays happens when it did, new notes are lawful, the stream is as it was."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import native
from engine.chords import Chord
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.fill.fill import FEWEST, Effort, Guide, fill
from engine.inference.fill.foresight import Foresight
from engine.inference.fill.forks import Forks
from engine.inference.fill.gap import Gap, Struck, events_of
from engine.inference.fill.particle import Particle, Surroundings
from engine.inference.fill.weighing import weigh
from engine.model.checkpoint import Checkpoint
from engine.vocabulary import NO_CHORD
from tests.engine.inference.fill.test_forks import checkpoint as checkpoint  # noqa: PLC0414  a fixture
from tests.engine.inference.test_stream import Pair, compiled, in_python
from tests.support.native_variants import needs_compiled

SMALL = Effort(candidates=9, glance_tokens=4, ahead_tokens=12, last_tokens=24)
BEGIN, END = 400, 700
BEATS = [450, 500, 550, 600, 650]


def take(seed: int = 0) -> list[Struck]:
    """A take of 14 s: notes on a grid, some held over the edges of the gap, no key struck while it sounds."""
    rng = np.random.default_rng(seed)
    notes = [Struck(380, 450, 90, 9), Struck(680, 760, 91, 9)]
    for step in range(0, 1400, 25):
        pitch = int(rng.integers(40, 80))
        notes.append(Struck(step, step + 20, pitch, int(rng.integers(5, 28))))
    return notes


def before(pair: Pair, gap: Gap, strength: float = 1.0) -> Pair:
    """A stream that stands right before the gap."""
    stream = pair[1]
    stream.set_params(native.SamplerParams(keep_timing=True), strength)
    stream.set_beat(120.0, 4, 0.0)
    stream.set_chords(np.array([NO_CHORD, NO_CHORD + 5, NO_CHORD + 40]), np.array([0, 100, 500]), 0)
    stream.feed(gap.lead())
    stream.rollback(gap.begin)
    return pair


def numpy_pair(checkpoint: Checkpoint) -> Pair:
    return in_python(Decoder(checkpoint, 1025), 3, 1024)


def compiled_pair(checkpoint: Checkpoint) -> Pair:
    return compiled(checkpoint, 3, rollback=1024)


each_pair = pytest.mark.parametrize("make", [numpy_pair, pytest.param(compiled_pair, marks=needs_compiled)])


def filled(pair: Pair, gap: Gap, **options: object) -> list[tuple[Struck, ...]]:
    before(pair, gap)
    found = fill(
        *pair, gap, beats=BEATS, tones=lambda step: frozenset({0, 4, 7}), seed=5, count=3, effort=SMALL,
        **options,  # type: ignore[arg-type]
    )  # fmt: skip
    totals = [candidate.scores.total for candidate in found]
    assert totals == sorted(totals, reverse=True), "the best does not come first"
    return [candidate.notes for candidate in found]


@each_pair
@pytest.mark.parametrize("keeps", [False, True])
def test_new_notes_lie_in_the_gap_and_strike_no_key_that_stays_down(
    checkpoint: Checkpoint, make: type, keeps: bool
) -> None:
    notes = take()
    kept = [note for note in notes if BEGIN <= note.step < END and note.pitch < 60] if keeps else []
    gap = Gap.of(notes, BEGIN, END, kept)
    ways = filled(make(checkpoint), gap)
    assert len(ways) == len(set(ways)) == 3
    for way in ways:
        assert all(BEGIN <= note.step < note.end <= END for note in way)
        everything = sorted((*gap.left, *gap.kept, *way, *gap.right))
        for pitch in range(128):
            same = [note for note in everything if note.pitch == pitch]
            for one, two in pairwise(same):
                assert one.end <= two.step or one in notes, f"{two} strikes {one}"


@each_pair
def test_the_stream_stays_as_it_is_and_the_same_call_gives_the_same_notes(checkpoint: Checkpoint, make: type) -> None:
    gap = Gap.of(take(), BEGIN, END)
    pair = make(checkpoint)
    ways = filled(pair, gap)
    untouched = before(make(checkpoint), gap)
    assert (pair[1].length, pair[1].until, pair[1].sounding()) == (
        untouched[1].length, untouched[1].until, untouched[1].sounding(),
    )  # fmt: skip
    assert pair[1].generate(900) == untouched[1].generate(900)
    assert filled(make(checkpoint), gap) == ways


@needs_compiled
def test_compiled_fills_are_those_in_python(checkpoint: Checkpoint) -> None:
    gap = Gap.of(take(), BEGIN, END)
    assert filled(compiled_pair(checkpoint), gap) == filled(in_python(compiled_pair(checkpoint)[0], 3, 1024), gap)


@needs_compiled
@pytest.mark.parametrize("rhythm", [None, (30, 90)])
def test_of_a_gap_longer_than_forks_remember_the_end_is_varied(
    checkpoint: Checkpoint, rhythm: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gap = Gap.of(take(), BEGIN, END)
    whole = filled(compiled_pair(checkpoint), gap, rhythm=rhythm)
    monkeypatch.setattr("engine.inference.fill.fill.ROLLBACK_TOKENS", 8 * 1024)
    assert filled(compiled_pair(checkpoint), gap, rhythm=rhythm) == whole, "what is in reach is played as ever"
    monkeypatch.setattr("engine.inference.fill.fill.ROLLBACK_TOKENS", 40)  # enough to read ahead, not for the gap
    assert all(way for way in filled(compiled_pair(checkpoint), gap, rhythm=rhythm))


@each_pair
def test_reading_ahead_leaves_no_trace(checkpoint: Checkpoint, make: type) -> None:
    gap = Gap.of(take(), BEGIN, END)
    pair = before(make(checkpoint), gap)
    around = Surroundings.of(gap)
    particles = [Particle(around, stream) for stream in Forks(*pair, [8, 8], 1024).streams]
    for particle in particles:
        particle.play()
    first = particles[0].ahead(20)
    assert first.tokens >= 20
    assert particles[0].ahead(20) == first
    for particle in particles:
        particle.back(550)
        particle.play()
    assert particles[0].notes() == particles[1].notes(), "what was read changed what was played"


@each_pair
def test_a_glance_is_the_first_part_of_what_is_read_and_all_of_it_where_there_is_no_hope(
    checkpoint: Checkpoint, make: type
) -> None:
    gap = Gap.of(take(), BEGIN, END)
    pair = before(make(checkpoint), gap)
    particle = Particle(Surroundings.of(gap), Forks(*pair, [8], 1024).streams[0])
    particle.play()
    short, long = particle.ahead(4), particle.ahead(20)
    assert particle.ahead(20, 4) == long._replace(glance=short.log_probability)
    assert particle.ahead(20, 4, short.log_probability) == long._replace(glance=short.log_probability)
    assert particle.ahead(20, 4, short.log_probability + 1e-3) == short._replace(glance=short.log_probability)


@each_pair
def test_what_is_read_ahead_is_the_likelihood_of_the_right_side(checkpoint: Checkpoint, make: type) -> None:
    notes = [note for note in take() if note.pitch < 90]  # none over the edges
    gap = Gap.of(notes, BEGIN, END)
    pair = before(make(checkpoint), gap)
    fork = Forks(*pair, [1], 1024).streams[0]
    particle = Particle(Surroundings.of(gap), fork)
    fork.feed(events_of(gap.removed))
    fork.rollback(END - 1)
    read = particle.ahead(10**6)
    whole = before(make(checkpoint), gap)[1]
    whole.feed(events_of(gap.removed))
    start, length = whole.log_probability, whole.length
    whole.feed(events_of(gap.right))
    assert read.tokens == whole.length - length
    assert read.log_probability == pytest.approx(whole.log_probability - start, abs=1e-3)


def test_where_the_rhythm_stays_only_keys_are_new(checkpoint: Checkpoint) -> None:
    gap = Gap.of(take(), BEGIN, END)
    for way in filled(numpy_pair(checkpoint), gap, rhythm=(40, 80)):
        assert [(note.step, note.velocity) for note in way] == [(note.step, note.velocity) for note in gap.removed]
        assert all(40 <= note.pitch <= 80 for note in way)
        assert way != gap.removed


@pytest.mark.parametrize("learnt", [False, True])
@each_pair
def test_a_guide_that_has_heard_the_right_side_draws_lawful_notes_that_the_stream_reads(
    checkpoint: Checkpoint, make: type, learnt: bool
) -> None:
    notes = take()
    kept = [note for note in notes if BEGIN <= note.step < END and note.pitch < 60]
    gap = Gap.of(notes, BEGIN, END, kept)
    ahead = Foresight.of(gap, 200.0)
    assert ahead is not None

    def guided() -> list[tuple[Struck, ...]]:
        decoder, stream = make(checkpoint)
        stream.set_params(native.SamplerParams(keep_timing=True), 1.0)
        ahead.tell(stream, gap, learnt)
        return filled(make(checkpoint), gap, guide=Guide(decoder, stream, ahead.shift))

    ways = guided()
    assert ways == guided()
    assert ways != filled(make(checkpoint), gap)
    for way in ways:
        assert all(BEGIN <= note.step < note.end <= END for note in way)
        assert way == gap.lawful(way)


@pytest.mark.parametrize(("begin", "end"), [(400, 700), (450, 500), (100, 1300), (37, 938)])
def test_in_the_other_order_every_note_keeps_its_place_in_the_bar(begin: int, end: int) -> None:
    gap = Gap.of(take(), begin, end)
    bar = 200
    ahead = Foresight.of(gap, float(bar))
    assert ahead is not None
    strikes = {event[:2] for event in ahead.events if event[2] >= 0}
    behind = {(step, pitch) for step, pitch in strikes if step < ahead.behind}
    assert behind == {(n.step - end, n.pitch) for n in gap.right if n.step < end + ahead.behind}
    assert (ahead.behind + ahead.before + end - begin) % bar == 0, "the right side stands elsewhere in the bar"
    assert {(step - ahead.shift, pitch) for step, pitch in strikes - behind} == {
        (n.step, n.pitch) for n in gap.left if n.step >= begin - ahead.before
    }
    assert max(event[0] for event in ahead.events) < begin + ahead.shift
    one, two, three = (Chord.from_id(NO_CHORD + n) for n in (1, 2, 3))
    chords = ahead.chords(gap, [(0.0, one), (begin / 100, two), (end / 100, three)])
    assert chords[0] == (0.0, three)
    assert any(at == pytest.approx(ahead.behind / 100) and chord == one for at, chord in chords)
    assert any(at == pytest.approx((begin + ahead.shift) / 100) and chord == two for at, chord in chords)


def test_nothing_behind_a_gap_is_nothing_to_foresee() -> None:
    assert Foresight.of(Gap.of([note for note in take() if note.step < END], BEGIN, END), 200.0) is None


def test_a_gap_at_the_start_and_one_at_the_end_are_gaps(checkpoint: Checkpoint) -> None:
    for begin, end in ((0, 300), (1200, 1500)):
        gap = Gap.of(take(), begin, end)
        pair = numpy_pair(checkpoint)
        pair[1].set_params(native.SamplerParams(keep_timing=True), 1.0)
        pair[1].feed(gap.lead())
        pair[1].rollback(begin)
        found = fill(*pair, gap, beats=[begin + 100], tones=lambda step: None, seed=1, effort=SMALL)
        assert all(begin <= note.step < note.end <= end for note in found[0].notes)


def test_a_gap_without_a_length_is_refused() -> None:
    with pytest.raises(ValueError, match="no length"):
        Gap.of(take(), 400, 400)


def test_scores_say_what_they_say() -> None:
    gap = Gap.of(take(), BEGIN, END)
    tonic = tuple(Struck(step, step + 50, 60, 15) for step in range(BEGIN, END, 50))
    tones = lambda step: frozenset({0, 4, 7})  # noqa: E731
    good = weigh(gap, tonic, 1.0, tones)
    assert good.chord_tones == 1 and good.silence == 0 and good.restrikes == 0  # noqa: PT018
    foreign = weigh(gap, tuple(note._replace(pitch=61) for note in tonic), 1.0, tones)
    assert foreign.chord_tones == 0 and foreign.total < good.total  # noqa: PT018
    assert weigh(gap, tonic, 2.0, tones).total == pytest.approx(good.total - 1)
    assert weigh(gap, gap.removed, 1.0, tones).copied == 1
    assert weigh(gap, (), 1.0, tones).silence > 0.8
    stutter = tuple(Struck(step, step + 5, 60, 15) for step in range(BEGIN, END, 10))
    assert weigh(gap, stutter, 1.0, tones).restrikes > 0.9


@pytest.mark.parametrize(("tokens", "whole", "anywhere"), [(10**9, 4, True), (1, FEWEST, False)])
def test_a_search_that_may_play_little_plays_fewer_ways_whole_and_the_end_anew(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, tokens: int, whole: int, anywhere: bool
) -> None:
    gap, places, played = Gap.of(take(), BEGIN, END), list[int](), list[Particle]()
    back, play = Particle.back, Particle.play
    monkeypatch.setattr(Particle, "back", lambda self, to: (places.append(to + 1), back(self, to)))
    monkeypatch.setattr(Particle, "play", lambda self: (played.append(self), play(self)))
    effort = Effort(candidates=20, glance_tokens=4, ahead_tokens=12, last_tokens=24, play_tokens=tokens)
    found = fill(*before(numpy_pair(checkpoint), gap), gap, beats=BEATS, tones=lambda step: None, seed=5, effort=effort)
    assert len(found) == 1
    assert len({id(particle) for particle in played}) == whole
    assert (len(played), len(places)) == (20, 20 - whole)
    assert (set(places) > {BEATS[-1]}) if anywhere else (set(places) == {BEATS[-1]})
