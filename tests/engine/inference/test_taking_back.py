"""What is taken back and what is not: a refusal changes nothing, time may pass, a fork keeps its parent's past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.decoders.torch_decoder import TorchDecoder
from engine.inference.stream import Stream
from engine.inference.streams import TokenStream
from engine.model.checkpoint import Checkpoint
from tests.engine.inference.decoders.test_native_decoder import tame_checkpoint
from tests.engine.inference.test_stream import Pair, compiled, compiled_decoder, in_python, played, random_call
from tests.support.native_variants import needs_compiled

Make = Callable[[Checkpoint, int], Pair]
ROLLBACK = 40  # tokens


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return tame_checkpoint()


def make_compiled(checkpoint: Checkpoint, rollback: int = ROLLBACK) -> Pair:
    return compiled(checkpoint, 4, rollback=rollback)


def make_python(checkpoint: Checkpoint, rollback: int = ROLLBACK) -> Pair:
    return in_python(compiled_decoder(checkpoint, rollback=rollback), 4, rollback)


each_make = pytest.mark.parametrize(
    "make",
    [
        pytest.param(make_compiled, marks=needs_compiled),
        pytest.param(make_python, marks=needs_compiled),
        lambda checkpoint, rollback: in_python(Decoder(checkpoint, rollback + 1), 4, rollback),
        lambda checkpoint, rollback: in_python(TorchDecoder(checkpoint, rollback + 1, "cpu"), 4, rollback),
    ],
    ids=["compiled", "python", "numpy", "torch"],
)


def forked(pair: Pair, rollback: int = ROLLBACK) -> Pair:
    decoder = pair[0].fork(rollback + 1)
    return decoder, pair[1].fork(decoder, 4, rollback)


def state(stream: TokenStream) -> tuple[object, ...]:
    return stream.step, stream.until, stream.length, stream.sounding(), stream.log_probability


@each_make
@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("is_fork", [True, False])
def test_a_rollback_that_is_refused_changes_nothing(
    checkpoint: Checkpoint, make: Make, is_fork: bool, seen: bool
) -> None:
    """By the sampler in a stream, by the decoder in a fork, whether or not the last token went through the network."""
    pairs = []
    for _ in range(2):
        pair = make(checkpoint, ROLLBACK)
        pair[1].generate(500)
        pair = forked(pair) if is_fork else pair
        pair[1].generate(pair[1].until + (60 if is_fork else 300))
        if seen:
            pair[1].logits()
        pairs.append(pair)
    (_, tried), (_, left) = pairs
    refused = 0
    for to in range(0, tried.until, 5):
        before = state(tried)
        try:
            tried.rollback(to)
        except ValueError:
            assert state(tried) == before
            refused += 1
        else:
            left.rollback(to)
            break
    assert refused > 20
    np.testing.assert_array_equal(tried.logits(), left.logits())
    assert tried.generate(tried.until + 300) == left.generate(left.until + 300)


TAILS: dict[str, list[int]] = {"a wait": [30], "a long one": [130], "whole ones": [200], "many": [1, 2, 3, 50, 51]}
"""Steps to which time passes, each fed by itself: what a stream's last tokens are."""


@each_make
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("twice", [True, False])
def test_a_fork_goes_on_from_a_wait_and_back_to_it(checkpoint: Checkpoint, make: Make, tail: str, twice: bool) -> None:
    pair = make(checkpoint, ROLLBACK)
    pair[1].generate(500)
    pair[1].end()
    at = pair[1].until + TAILS[tail][-1]
    pair[1].feed([(pair[1].until + step, 60, -1) for step in TAILS[tail]])  # the end of a silent pitch: time passes
    pair = forked(pair) if twice else pair
    first, again, waits = (forked(pair)[1] for _ in range(3))
    expected = first.generate(at + 400)
    assert expected
    assert again.generate(at + 150) == [event for event in expected if event[0] <= at + 150]
    length = waits.length
    again.rollback(at)
    assert (again.step, again.until) == (at, at)
    assert again.sounding() == sorted(pitch for step, pitch, _ in expected if step == at)
    assert again.generate(at + 400) == [event for event in expected if event[0] > at], "a trace was left"
    waits.rollback(at + 250)
    assert (waits.length, waits.until, waits.sounding()) == (length, at + 250, [])
    assert all(step >= at + 250 for step, _, _ in waits.generate(at + 700))


@each_make
def test_time_passes_whatever_came_last(checkpoint: Checkpoint, make: Make) -> None:
    """More waits than can be taken back stand at the end: they stay."""
    _, stream = make(checkpoint, 3)
    stream.generate(300)
    stream.end()
    now = stream.until
    stream.feed([(now + step, 60, -1) for step in range(1, 11)])
    length = stream.length
    stream.rollback(now + 60)
    assert (stream.until, stream.length) == (now + 60, length)
    with pytest.raises(ValueError, match="roll back"):
        stream.rollback(now + 1)
    assert all(step >= now + 60 for step, _, _ in stream.generate(now + 500))


@needs_compiled
@pytest.mark.parametrize("rollback", [0, 1, 7])
@pytest.mark.parametrize("seed", range(3))
def test_the_twins_are_alike_however_little_can_be_taken_back(checkpoint: Checkpoint, rollback: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [make(checkpoint, rollback) for make in (make_compiled, make_python)]
    for number in range(60):
        call = random_call(rng, pairs[0][1])
        one, other = (played(pair, call) for pair in pairs)
        assert one == other
        if number % 20 == 19:
            pairs = [forked(pair, rollback) for pair in pairs]
    assert isinstance(pairs[1][1], Stream)
    assert len(pairs[1][1]._past.tokens) <= 2 * rollback + 64 < pairs[1][1].length


@needs_compiled
@pytest.mark.parametrize("seed", range(4))
def test_forks_of_forks_are_the_same_in_both_loops(checkpoint: Checkpoint, seed: int) -> None:
    """Whatever is called, whatever they are forked from, and wherever they become what another one is."""
    rng = np.random.default_rng(50 + seed)
    pairs = [make(checkpoint, 300) for make in (make_compiled, make_python)]
    siblings = list(pairs)
    for number in range(100):
        call = random_call(rng, pairs[0][1])
        one, other = (played(pair, call) for pair in pairs)
        assert one == other
        if number % 9 == 0:
            reach = int(rng.choice([300, 20, 600]))
            siblings = [forked(pair, reach) for pair in pairs]
            pairs = [forked(pair, reach) for pair in pairs]
            common = pairs[0][1].length
        elif number % 9 == 5:
            for pair, sibling in zip(pairs, siblings, strict=True):
                pair[1].copy(sibling[1], common)
            assert state(pairs[0][1])[:4] == state(pairs[1][1])[:4]
