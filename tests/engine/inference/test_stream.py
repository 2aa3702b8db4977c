"""The compiled token loop is the one in Python, call by call; what is taken back leaves no trace; memory is flat."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import native
from engine.inference.backends import StreamDecoder
from engine.inference.decoders.native_decoder import native_decoder
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.stream import Stream
from engine.inference.streams import TokenStream, compiled_stream
from engine.model.checkpoint import Checkpoint
from engine.model.shapes import CHORDS_AHEAD, CHORDS_BACK
from engine.notes import Event
from engine.vocabulary import BOS, NO_CHORD, NUM_CHORDS, PEDAL_ON, SEAM
from tests.engine.inference.decoders.test_native_decoder import PACKED, random_style, tame_checkpoint
from tests.support.native_variants import needs_compiled
from tests.support.tiny_model import random_levels

pytestmark = needs_compiled

ROLLBACK = 300
SOAK = os.environ.get("SIDEMAN_SOAK") == "1"

Pair = tuple[StreamDecoder, TokenStream]
Call = Callable[[Pair], object]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return tame_checkpoint()


def compiled_decoder(checkpoint: Checkpoint, precision: str = "exact", rollback: int = ROLLBACK) -> native.Decoder:
    return native_decoder(checkpoint, rollback + 1, precision)


def compiled(checkpoint: Checkpoint, seed: int, precision: str = "exact", rollback: int = ROLLBACK) -> Pair:
    decoder = compiled_decoder(checkpoint, precision, rollback)
    return decoder, compiled_stream(decoder, seed, rollback, PACKED.controls)


def in_python(decoder: StreamDecoder, seed: int, rollback: int = ROLLBACK) -> Pair:
    return decoder, Stream(decoder, seed, rollback, PACKED.controls)


def random_params(rng: np.random.Generator) -> Call:
    params = native.SamplerParams(
        temperature=float(rng.uniform(0.3, 1.5)), top_p=float(rng.uniform(0.5, 1)), top_k=int(rng.integers(0, 40)),
        min_p=float(rng.uniform(0, 0.1)), polyphony=int(rng.integers(1, 12)),
        register_low=int(rng.integers(30, 70)), register_high=int(rng.integers(50, 100)),
        repetition=float(rng.uniform(1, 1.5)), keep_timing=bool(rng.integers(2)),
    )  # fmt: skip
    strength = float(rng.choice([0.0, 0.7, 1.0, 2.0]))
    return lambda pair: pair[1].set_params(params, strength)


def random_chords(rng: np.random.Generator, now: int) -> Call:
    count = int(rng.integers(0, 2 * (CHORDS_BACK + CHORDS_AHEAD)))
    steps = np.concatenate([[0], np.sort(rng.integers(0, now + 400, count))])
    ids = np.concatenate([[NO_CHORD], rng.integers(NO_CHORD, NO_CHORD + 1 + NUM_CHORDS, count)])
    return lambda pair: pair[1].set_chords(ids, steps, now)


def random_beat(rng: np.random.Generator) -> Call:
    beat = (
        float(rng.uniform(20, 400)) if rng.random() < 0.8 else None,
        int(rng.integers(1, 12)),
        float(rng.uniform(-5, 9)),
    )
    leans = bool(rng.integers(2))

    def call(pair: Pair) -> None:
        pair[1].set_leaning(leans)
        pair[1].set_beat(*beat)

    return call


def random_asking(rng: np.random.Generator, now: int) -> Call:
    """A control's levels, where the form begins, what comes back in it or when the music ends; or no more of that."""
    kind, none = int(rng.integers(0, 6)), rng.random() < 0.25
    if kind == 0:
        levels = random_levels(rng, 1, PACKED)[0]
        levels[1] = 9 if none else levels[1]  # refused
        return lambda pair: pair[1].set_levels(levels)
    if kind == 1:
        origin_s = None if none else float(rng.uniform(-9, 9))
        return lambda pair: pair[1].set_phrase(origin_s)
    if kind == 2:
        targets = np.array(
            [rng.uniform(0, 15), rng.uniform(1, 127), rng.uniform(30, 80), rng.uniform(0, 6), rng.uniform(0, 5)]
        )
        targets[rng.random(5) < 0.5] = np.nan
        targets[4] = -1 if none else targets[4]  # refused
        return lambda pair: pair[1].set_targets(targets)
    if kind == 3:
        edges = np.sort(rng.uniform(1, 8, 4))
        returns = [(edges[0], edges[1], 0.0, 0), (edges[2], edges[3], 0.5, int(rng.integers(-5, 7)))]
        loop = None if rng.random() < 0.5 else (1.0, 1.0 if none else 4.0)  # refused
        round_beats = float(rng.choice([0.0, 9.0]))
        return lambda pair: pair[1].set_form(returns, round_beats, loop)
    if kind == 4:
        strength = 0.0 if none else float(rng.uniform(0, 1))
        return lambda pair: pair[1].set_theme(strength)
    end = None if none else now + int(rng.integers(-100, 600))
    return lambda pair: pair[1].set_ending(end)


def random_feed(rng: np.random.Generator, now: int) -> Call:
    steps = np.sort(now + rng.integers(0, 250, int(rng.integers(0, 12))))
    events = [(int(step), int(rng.integers(40, 52)), int(rng.integers(-1, 32))) for step in steps]
    return lambda pair: pair[1].feed(events)


def random_weights(rng: np.random.Generator) -> Call:
    weights = [float(x) for x in rng.uniform(0, 1, 4) * rng.integers(0, 2, 4)]

    def call(pair: Pair) -> None:
        pair[0].set_style_weights(weights)
        pair[1].refresh()

    return call


def random_call(rng: np.random.Generator, stream: TokenStream) -> Call:
    now = stream.until
    kind = int(rng.integers(0, 15))
    if kind == 0:
        return random_params(rng)
    if kind == 1:
        return random_chords(rng, now)
    if kind == 2:
        return random_beat(rng)
    if kind == 3:
        return random_feed(rng, max(now, stream.step))
    if kind == 4:
        return random_weights(rng)
    if kind == 5:
        return lambda pair: pair[1].end()
    if kind == 14:
        token = int(rng.choice([SEAM, SEAM, BOS, 400, PEDAL_ON, 60]))  # the last three are refused
        return lambda pair: pair[1].mark(now, token)
    if kind >= 12:
        return random_asking(rng, now)
    if kind <= 7:
        to = max(0, now - int(rng.integers(0, 150)))
        return lambda pair: pair[1].rollback(to)
    until = now + int(rng.integers(0, 200))
    to_strike = bool(rng.integers(0, 2))
    return lambda pair: pair[1].generate(until, to_strike)


def played(pair: Pair, call: Call) -> tuple[object, ...]:
    """What a call returned or refused, and the state it left."""
    try:
        result = call(pair)
    except ValueError:
        result = "refused"
    stream = pair[1]
    return result, stream.step, stream.until, stream.length, stream.sounding()


def near(one: Pair, other: Pair, tolerance: float) -> bool:
    """Whether the model gives what two streams have played the same probability."""
    return bool(abs(one[1].log_probability - other[1].log_probability) <= tolerance * max(1, one[1].length))


@pytest.mark.parametrize("seed", range(6))
def test_the_compiled_loop_draws_the_tokens_of_the_python_one_whatever_is_called(
    checkpoint: Checkpoint, seed: int
) -> None:
    """With one decoder's logits there is nothing to round, so not even a tie may differ."""
    rng = np.random.default_rng(seed)
    pairs = [compiled(checkpoint, seed), in_python(compiled_decoder(checkpoint), seed)]
    for decoder, _ in pairs:
        for slot in range(2):
            decoder.set_style(slot, random_style(PACKED, slot, 4))
    refused = 0
    for _ in range(120):
        call = random_call(rng, pairs[0][1])
        one, other = (played(pair, call) for pair in pairs)
        assert one == other
        assert near(*pairs, 1e-9)
        refused += one[0] == "refused"
    assert pairs[0][1].length > 100
    assert refused < 40
    np.testing.assert_array_equal(pairs[0][1].logits(), pairs[1][1].logits())


@pytest.mark.parametrize("seed", range(3))
def test_the_compiled_stream_plays_what_the_numpy_one_plays(checkpoint: Checkpoint, seed: int) -> None:
    """Decoder and loop both: float32 sums in another order, so a tie might fall the other way; none does."""
    rng = np.random.default_rng(100 + seed)
    pairs = [compiled(checkpoint, seed), in_python(Decoder(checkpoint, ROLLBACK + 1), seed)]
    for _ in range(60):
        call = random_call(rng, pairs[0][1])
        one, other = (played(pair, call) for pair in pairs)
        assert one == other
        assert near(*pairs, 1e-4)


@pytest.mark.parametrize("precision", ["exact", "int8"])
def test_many_events_at_once_are_as_many_one_by_one_to_the_bit(checkpoint: Checkpoint, precision: str) -> None:
    """They go through the network some at a time; a bank that is recalled, or a prompt, must not depend on how many."""
    rng = np.random.default_rng(7)
    at_once, one_by_one = (compiled(checkpoint, 3, precision)[1] for _ in range(2))
    for count in (1, 2, 30, 5, 60):
        steps = np.sort(at_once.step + rng.integers(0, 300, count))
        events = [(int(step), int(rng.integers(40, 52)), int(rng.integers(-1, 32))) for step in steps]
        at_once.feed(events)
        for event in events:
            one_by_one.feed([event])
        assert at_once.log_probability == one_by_one.log_probability
        np.testing.assert_array_equal(at_once.logits(), one_by_one.logits())
        until = at_once.until + 100
        assert at_once.generate(until) == one_by_one.generate(until)
    assert at_once.length == one_by_one.length > 200


def test_the_log_probability_is_that_of_the_logits_and_is_taken_back(checkpoint: Checkpoint) -> None:
    """Guided as the draw is, whatever the sampler's masks and knobs."""
    for _, stream in (compiled(checkpoint, 2), in_python(compiled_decoder(checkpoint), 2)):
        assert stream.log_probability == 0
        stream.set_params(native.SamplerParams(temperature=0.3, register_low=60, register_high=64), 2.0)
        stream.generate(100)
        stream.feed([(stream.until, 50, 20)])
        for pitch in (70, 72, 74):  # of the velocity in force: one token each
            with_chords, without = stream.logits().astype(np.float64)
            guided, before = without + 2.0 * (with_chords - without), stream.log_probability
            stream.feed([(stream.step, pitch, 20)])
            expected = guided[pitch] - guided.max() - np.log(np.exp(guided - guided.max()).sum())
            assert stream.log_probability - before == pytest.approx(expected, abs=1e-4)
        before, now = stream.log_probability, stream.until
        stream.generate(now + 200)
        assert stream.log_probability < before
        stream.rollback(now)
        assert stream.log_probability == before


@pytest.mark.parametrize(
    "make",
    [
        lambda checkpoint, seed: compiled(checkpoint, seed, rollback=40),
        lambda checkpoint, seed: in_python(Decoder(checkpoint, 41), seed, 40),
    ],
    ids=["compiled", "python"],
)
@pytest.mark.parametrize("ahead", [1, 39, 40, 41, 300])
@pytest.mark.parametrize("seen", [True, False])
def test_all_that_is_remembered_can_be_taken_back_and_no_more(
    checkpoint: Checkpoint, make: Callable[[Checkpoint, int], Pair], ahead: int, seen: bool
) -> None:
    """Refused or done, whether or not the last token went through the decoder: the stream goes on as it would have."""
    (_, straight), (_, detour) = (make(checkpoint, 4) for _ in range(2))
    for stream in (straight, detour):
        stream.generate(500)
        stream.end()
    begin, now = detour.length, detour.until
    detour.feed([(now + 100 * ahead, 60, -1)])  # whole waits, then the end of a silent pitch, which is ignored
    assert detour.length == begin + ahead
    if seen:
        detour.logits()
    if ahead <= 40:
        detour.rollback(now)
        straight.refresh()
    else:
        with pytest.raises(ValueError, match="roll back"):
            detour.rollback(now)
        straight.feed([(now + 100 * ahead, 60, -1)])
    assert (detour.step, detour.until, detour.length) == (straight.step, straight.until, straight.length)
    np.testing.assert_array_equal(detour.logits(), straight.logits())
    assert detour.generate(detour.until + 300) == straight.generate(straight.until + 300)


def test_other_threads_run_while_the_stream_generates(checkpoint: Checkpoint) -> None:
    """Nothing may be struck, so there is no event to hand over: one stretch without Python."""
    _, stream = compiled(checkpoint, 1)
    stream.set_params(native.SamplerParams(register_low=60, register_high=50), 1.0)
    ticks, done = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        before = ticks
        assert stream.generate(1_000_000) == []
        during = ticks - before
    finally:
        done.set()
        thread.join()
    assert stream.length >= 10_000
    assert during > 3


@pytest.mark.soak
@pytest.mark.parametrize("precision", ["exact", "int8"])
def test_two_hundred_tokens_rolled_back_a_thousand_times_leave_no_trace(checkpoint: Checkpoint, precision: str) -> None:
    (_, straight), (_, detour) = (compiled(checkpoint, 3, precision) for _ in range(2))
    rng, now = np.random.default_rng(0), 0
    for _ in range(1000 if SOAK else 25):
        begin = detour.length
        while detour.length < begin + 200:
            detour.generate(detour.until + 40)
        detour.rollback(now)
        assert detour.length <= max(begin, 1)
        now += int(rng.integers(1, 40))
        assert detour.generate(now) == straight.generate(now)
        np.testing.assert_array_equal(detour.logits(), straight.logits())


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_memory_stays_flat_over_a_million_tokens(checkpoint: Checkpoint) -> None:
    _, stream = compiled(checkpoint, 5, "int8")
    chords: Sequence[int] = range(NO_CHORD, NO_CHORD + 50)
    stream.set_chords(np.array(chords), np.arange(50) * 100, 0)

    def play(tokens: int) -> None:
        end = stream.length + tokens
        while stream.length < end:
            stream.generate(stream.until + 100)
            stream.rollback(stream.until - 30)

    play(20_000 if SOAK else 3_000)
    gc.collect()
    before = resident_bytes()
    play(1_000_000 if SOAK else 12_000)
    gc.collect()
    assert resident_bytes() - before < 2 << 20


@pytest.mark.parametrize("event", [(0, 128, 3), (0, -1, 3), (0, 60, 32), (0, 60, -2)])
@pytest.mark.parametrize("make", [compiled, lambda checkpoint, seed: in_python(Decoder(checkpoint), seed)])
def test_events_that_are_none_are_refused_and_none_of_them_is_taken(
    checkpoint: Checkpoint, make: Callable[[Checkpoint, int], Pair], event: Event
) -> None:
    _, stream = make(checkpoint, 0)
    with pytest.raises(ValueError, match="outside"):
        stream.feed([(0, 60, 10), event])
    assert stream.length == 0


def test_a_stream_whose_decoder_computes_one_plays_as_one_that_nobody_guides(checkpoint: Checkpoint) -> None:
    played = []
    for streams in (1, 2):
        stream = compiled_stream(native_decoder(checkpoint, streams=streams), 3, 64, checkpoint.model.controls)
        stream.set_chords(np.array([NO_CHORD, 405]), np.array([0, 150]), 0)
        stream.feed([(0, 60, 10), (20, 64, 12), (50, 60, -1)])
        played.append((stream.generate(600), stream.logits()[0].tobytes(), stream.log_probability))
    assert played[0] == played[1]
    assert played[0][0]


def test_guidance_that_begins_later_takes_over_the_past_in_both_twins(checkpoint: Checkpoint) -> None:
    played = []
    for decoder, make in (
        (
            native_decoder(checkpoint, ROLLBACK + 1, "exact", 1),
            lambda d: compiled_stream(d, 5, ROLLBACK, PACKED.controls),
        ),
        (Decoder(checkpoint, ROLLBACK + 1, 1), lambda d: Stream(d, 5, ROLLBACK, PACKED.controls)),
    ):
        stream = make(decoder)
        stream.set_chords(np.array([NO_CHORD, 405, 520]), np.array([0, 60, 200]), 0)
        before = stream.generate(150)
        assert (stream.logits()[0] == stream.logits()[1]).all()
        stream.set_params(native.SamplerParams(), 3.0)
        assert decoder.streams == 2
        assert not np.allclose(*stream.logits())
        after = stream.generate(400)
        stream.rollback(100)  # to where nobody guided
        again = stream.generate(400)
        stream.rollback(100)
        assert stream.generate(400) == again
        played.append((before, after, again))
    assert played[0] == played[1]
    assert all(played[0])


@pytest.mark.parametrize(
    ("ids", "steps", "text"),
    [
        ([], [], "start at 0"),
        ([400], [3], "start at 0"),
        ([400, 401, 402], [0, 5, 4], "must rise"),
        ([400], [0, 1], "one length"),
    ],
)
@pytest.mark.parametrize("make", [compiled, lambda checkpoint, seed: in_python(Decoder(checkpoint), seed)])
def test_chords_out_of_order_are_refused(
    checkpoint: Checkpoint, make: Callable[[Checkpoint, int], Pair], ids: list[int], steps: list[int], text: str
) -> None:
    _, stream = make(checkpoint, 0)
    with pytest.raises(ValueError, match=text):
        stream.set_chords(np.array(ids, dtype=np.int64), np.array(steps, dtype=np.int64), 0)
