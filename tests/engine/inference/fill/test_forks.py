"""A fork goes on from its parent's past and leaves it alone; what it becomes is what the other is; twins agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import native
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.decoders.torch_decoder import TorchDecoder
from engine.inference.draw.steering import targets_of
from engine.inference.fill.forks import Forks
from engine.inference.stream import Stream
from engine.inference.streams import TokenStream
from engine.model.checkpoint import Checkpoint
from engine.notes import Event
from engine.vocabulary import NO_CHORD
from tests.engine.inference.decoders.test_native_decoder import tame_checkpoint
from tests.engine.inference.test_stream import Pair, compiled, compiled_decoder, in_python
from tests.support.native_variants import needs_compiled

ROLLBACK = 300  # tokens
Make = Callable[[Checkpoint, int], Pair]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return tame_checkpoint()


def numpy_pair(checkpoint: Checkpoint, seed: int) -> Pair:
    return in_python(Decoder(checkpoint, ROLLBACK + 1), seed)


def torch_pair(checkpoint: Checkpoint, seed: int) -> Pair:
    return in_python(TorchDecoder(checkpoint, ROLLBACK + 1, "cpu"), seed)


def python_over_compiled(checkpoint: Checkpoint, seed: int) -> Pair:
    return in_python(compiled_decoder(checkpoint), seed)


EXACT = [
    numpy_pair,
    torch_pair,
    pytest.param(compiled, marks=needs_compiled),
    pytest.param(python_over_compiled, marks=needs_compiled),
]
INT8 = pytest.param(lambda checkpoint, seed: compiled(checkpoint, seed, "int8"), id="int8", marks=needs_compiled)
each_exact = pytest.mark.parametrize("make", EXACT)
each_make = pytest.mark.parametrize("make", [*EXACT, INT8])


def played(pair: Pair, until: int = 900, strength: float = 1.0) -> Pair:
    """Some music under chords, a beat and quantities that are asked for."""
    stream = pair[1]
    stream.set_targets(targets_of({"density": 9.0, "register": 72.0}))
    stream.set_params(native.SamplerParams(polyphony=6, keep_timing=True), strength)
    stream.set_beat(117.0, 4, 0.1)
    stream.set_chords(np.array([NO_CHORD, NO_CHORD + 5, NO_CHORD + 40, NO_CHORD + 5]), np.array([0, 150, 700, 1100]), 0)
    stream.generate(until)
    return pair


def forks_of(pair: Pair, seeds: list[int]) -> Forks:
    return Forks(*pair, seeds, ROLLBACK)


@each_exact
def test_a_fork_with_its_parents_seed_plays_what_the_parent_would(checkpoint: Checkpoint, make: Make) -> None:
    pair, alone = played(make(checkpoint, 5)), played(make(checkpoint, 5))
    pair[1].refresh()  # what was drawn before the fork is drawn anew by both
    alone[1].refresh()
    forks = forks_of(pair, [5, 6])
    same, other = (stream.generate(1400) for stream in forks.streams)
    expected = alone[1].generate(1400)
    assert same == expected != other
    assert forks.streams[0].log_probability == alone[1].log_probability
    np.testing.assert_array_equal(forks.streams[0].logits(), alone[1].logits())
    assert pair[1].generate(1400) == expected, "the parent felt it"


@each_make
def test_what_becomes_another_goes_on_from_there_and_can_go_back(checkpoint: Checkpoint, make: Make) -> None:
    pair = played(make(checkpoint, 1), strength=1.5)
    forks = forks_of(pair, [1, 2, 3, 4])
    first = [stream.generate(1100) for stream in forks.streams]
    chosen, copy = forks.streams[2], forks.streams[1]
    copy.copy(chosen, pair[1].length)
    assert (copy.log_probability, copy.sounding()) == (chosen.log_probability, chosen.sounding())
    np.testing.assert_array_equal(copy.logits(), chosen.logits())
    assert chosen.generate(1300) != copy.generate(1300), "the copy drew the other's numbers"
    copy.rollback(900)
    copy.refresh()  # or the other's first draw would stay drawn
    twin = forks_of(pair, [2]).streams[0]
    assert copy.generate(1100) == twin.generate(1100) == first[1], "the way back and on again left a trace"


@each_make
def test_what_becomes_another_with_a_seed_draws_the_numbers_of_that_seed(checkpoint: Checkpoint, make: Make) -> None:
    pair = played(make(checkpoint, 1))
    forks = forks_of(pair, [1, 2])
    first = [stream.generate(1100) for stream in forks.streams]
    renewed = forks.renew(1, 0, 9)
    assert renewed.log_probability == forks.streams[0].log_probability
    assert renewed is forks.streams[1]
    renewed.rollback(900)
    renewed.refresh()
    again = renewed.generate(1100)
    assert again == forks_of(pair, [9]).streams[0].generate(1100)
    assert again not in first
    with pytest.raises(ValueError, match="seed"):
        renewed.set_seed(-1)


@each_make
def test_a_fork_forgets_no_further_than_where_it_began(checkpoint: Checkpoint, make: Make) -> None:
    pair = played(make(checkpoint, 2))
    fork = forks_of(pair, [7]).streams[0]
    fork.generate(1200)
    fork.rollback(900)
    with pytest.raises(ValueError, match="roll back"):
        fork.rollback(500)


@needs_compiled
@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
def test_compiled_forks_are_those_in_python(checkpoint: Checkpoint, strength: float) -> None:
    def story(pair: Pair) -> list[list[Event]]:
        played(pair, 600, strength)
        forks = forks_of(pair, [4, 5, 6])
        heard = [stream.generate(900) for stream in forks.streams]
        forks.streams[0].copy(forks.streams[1], pair[1].length)
        for stream in forks.streams:
            stream.feed([(905, 60, 9), (950, 60, -1), (950, 64, 20)])
            stream.rollback(905)
        forks.renew(2, 0, 77)
        return heard + [stream.generate(1100) for stream in forks.streams]

    assert story(compiled(checkpoint, 4)) == story(python_over_compiled(checkpoint, 4))


def test_strangers_are_refused(checkpoint: Checkpoint) -> None:
    pair = played(numpy_pair(checkpoint, 1))
    decoder = pair[0].fork(10)
    pair[1].generate(1200)
    assert isinstance(pair[1], Stream)
    with pytest.raises(ValueError, match="where that stands now"):
        pair[1].fork(decoder, 1, 9)


@needs_compiled
def test_strangers_are_refused_by_the_compiled(checkpoint: Checkpoint) -> None:
    (decoder, stream), other = played(compiled(checkpoint, 1)), played(compiled(checkpoint, 2))[1]
    assert isinstance(stream, native.Stream)
    assert isinstance(other, native.Stream)
    with pytest.raises(ValueError, match="only a fork"):
        stream.copy(other, 0)
    fork = decoder.fork(10)
    stream.generate(1300)
    with pytest.raises(ValueError, match="where that stands now"):
        stream.fork(fork, 1, 9)


def lengths(streams: list[TokenStream]) -> list[int]:
    return [stream.length for stream in streams]


@each_make
def test_forks_of_an_empty_stream_are_empty_streams(checkpoint: Checkpoint, make: Make) -> None:
    forks = forks_of(make(checkpoint, 1), [1, 2])
    assert lengths(forks.streams) == [0, 0]
    assert forks.streams[0].generate(300) == make(checkpoint, 1)[1].generate(300)


@each_exact
@pytest.mark.parametrize("later", [1234, -250])
def test_what_is_shifted_plays_on_as_it_would_so_much_later(checkpoint: Checkpoint, make: Make, later: int) -> None:
    pair, alone = played(make(checkpoint, 5)), played(make(checkpoint, 5))
    pair[1].shift(later)
    assert (pair[1].step, pair[1].until) == (alone[1].step + later, alone[1].until + later)
    expected = [(step + later, pitch, velocity) for step, pitch, velocity in alone[1].generate(1400)]
    assert pair[1].generate(1400 + later) == expected
    pair[1].rollback(1000 + later)
    assert pair[1].generate(1400 + later) == [event for event in expected if event[0] > 1000 + later]
    assert pair[1].end() == [(step + later, pitch, -1) for step, pitch, _ in alone[1].end()]
