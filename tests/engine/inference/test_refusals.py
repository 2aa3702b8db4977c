"""What no stream can be told is refused at once, by both twins alike, and leaves no trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import native
from engine.chords.charts.form import Form
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.draw.limits import FARTHEST_S, FARTHEST_STEP, FASTEST_BPM, MOST_BEATS_A_BAR, SLOWEST_BPM
from engine.inference.session import Session
from engine.inference.stream_rules import stream_rules
from engine.model.checkpoint import Checkpoint
from engine.vocabulary import LAYOUT, NO_CHORD, NUM_CHORDS, SEAM
from tests.engine.inference.decoders.test_native_decoder import PACKED, tame_checkpoint
from tests.engine.inference.test_stream import Call, Pair, compiled, compiled_decoder, in_python
from tests.support.native_variants import needs_compiled

pytestmark = needs_compiled

NAN, INF = math.nan, math.inf
NO_NUMBERS = (NAN, INF, -INF)
PARAMS = native.SamplerParams()
EVENTS = [(30, 64, 10), (40, 67, 12), (70, 64, -1)]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return tame_checkpoint()


def chords(ids: Sequence[int], steps: Sequence[int], from_step: int = 0) -> Call:
    return lambda pair: pair[1].set_chords(np.array(ids, dtype=np.int64), np.array(steps, dtype=np.int64), from_step)


def told(name: str, *args: Any) -> Call:
    return lambda pair: getattr(pair[1], name)(*args)


def decoding(name: str, *args: Any) -> Call:
    return lambda pair: getattr(pair[0], name)(*args)


def levels(*values: float) -> Call:
    return told("set_levels", np.array(values, dtype=np.float32))


def targets(*values: float) -> Call:
    return told("set_targets", np.array(values, dtype=np.float64))


def style(scale: float, weight: float = 0.1) -> Call:
    a, b = np.full((2, 64), weight, dtype=np.float32), np.full((64, 2), 0.1, dtype=np.float32)
    return decoding("set_style", 0, {"encode_attn.q_proj": (a, b, scale)})


FAR_STEPS = (FARTHEST_STEP + 1, -FARTHEST_STEP - 1, 2**63 - 1, -(2**63))
REFUSED: dict[str, list[Call]] = {
    "chord id": [
        chords([NO_CHORD, chord], [0, 5])
        for chord in (0, NO_CHORD - 1, NO_CHORD + NUM_CHORDS + 1, 700, -1, 2**62, -(2**63))
    ],
    "first chord id": [chords([chord], [0]) for chord in (399, 700)],
    "chord onset": [chords([NO_CHORD, 401], [0, step]) for step in FAR_STEPS],
    "first chord onset": [chords([NO_CHORD], [-FARTHEST_STEP - 1])],
    "bpm": [told("set_beat", bpm, 4, 0.0) for bpm in (*NO_NUMBERS, 0.0, -0.0, -1.0, 1e300, 1e-300, 5e-324)],
    "beats a bar": [
        told("set_beat", 120.0, beats, 0.0) for beats in (0, -1, MOST_BEATS_A_BAR + 1, -(2**63), 2**63 - 1)
    ],
    "origin": [told("set_beat", 120.0, 4, origin_s) for origin_s in (*NO_NUMBERS, 1e300, -1e300, 1.01 * FARTHEST_S)],
    "levels": [
        levels(*([-1.0] * place + [value] + [-1.0] * (4 - place)))
        for place in range(5)
        for value in (*NO_NUMBERS, -2.0, -0.5, 5.0, 1e30)
    ],
    "count of levels": [levels(), levels(-1.0), levels(*[-1.0] * 6)],
    "strength": [told("set_params", PARAMS, strength) for strength in (*NO_NUMBERS, -0.1, 1e4, 1e38, 1e300)],
    "theme": [told("set_theme", strength) for strength in (*NO_NUMBERS, -0.1, 1.1, 1e300)],
    "targets": [
        targets(*([NAN] * place + [value] + [NAN] * (4 - place)))
        for place in range(5)
        for value in (INF, -INF, -1.0, 1e7, 1e308)
    ],
    "phrase": [told("set_phrase", origin_s) for origin_s in (*NO_NUMBERS, 1e300, -1e300)],
    "return": [
        told("set_form", [(*beats[:place], value, *beats[place + 1 :], 0)], 16.0)
        for beats in [(4.0, 8.0, 0.0)]
        for place in range(3)
        for value in (*NO_NUMBERS, 1e300, -1e300)
    ],
    "semitones": [told("set_form", [(4.0, 8.0, 0.0, by)], 16.0) for by in (128, -128, 2**31 - 1, -(2**31))],
    "round": [told("set_form", [], beats) for beats in (*NO_NUMBERS, -1.0, 1e-300, 1e300)],
    "loop": [
        told("set_form", [], 16.0, (start, end))
        for start, end in [(4, 4), (4, 2), (0, 1e-300), (NAN, 4), (0, NAN), (0, INF), (-INF, 4), (0, 1e300)]
    ],
    "ending": [told("set_ending", step) for step in FAR_STEPS],
    "shift": [told("shift", steps) for steps in FAR_STEPS],
    "step fed": [told("feed", [(50, 60, 10), (step, 60, -1)]) for step in FAR_STEPS],
    "step marked": [told("mark", step, SEAM) for step in FAR_STEPS],
    "step generated": [told("generate", step) for step in FAR_STEPS],
    "step rolled back to": [told("rollback", step) for step in FAR_STEPS],
    "style's weight": [decoding("set_style_weights", [0.5, weight, 0, 0]) for weight in (*NO_NUMBERS, 1e4, -1e4)],
    "style's scale": [style(scale) for scale in NO_NUMBERS],
    "style's matrix": [style(1.0, weight) for weight in NO_NUMBERS],
}


def make_compiled(checkpoint: Checkpoint) -> Pair:
    return compiled(checkpoint, 3)


def make_python(checkpoint: Checkpoint) -> Pair:
    return in_python(compiled_decoder(checkpoint), 3)


def make_numpy(checkpoint: Checkpoint) -> Pair:
    return in_python(Decoder(checkpoint), 3)


each_make = pytest.mark.parametrize(
    "make", [make_compiled, make_python, make_numpy], ids=["compiled", "python", "numpy"]
)


def begun(pair: Pair) -> Pair:
    """A stream that was asked something of each kind, and has played."""
    _, stream = pair
    stream.set_chords(np.array([NO_CHORD, 405]), np.array([0, 10]), 0)
    stream.set_beat(96.0, 3, 0.02)
    stream.set_levels(np.array([1, 0.5, -1, -1, -1], dtype=np.float32))
    stream.set_phrase(0.0)
    stream.set_form([(4.0, 8.0, 0.0, 2)], 16.0, (2.0, 6.0))
    stream.set_theme(0.5)
    stream.set_targets(np.array([3.0, NAN, NAN, NAN, NAN]))
    stream.feed([(10, 60, 10), (20, 60, -1)])
    stream.generate(25)
    return pair


def state(pair: Pair) -> tuple[object, ...]:
    decoder, stream = pair
    return stream.step, stream.until, stream.length, decoder.length, stream.sounding(), stream.log_probability


def rest(pair: Pair) -> tuple[object, ...]:
    """What a stream does from here on."""
    _, stream = pair
    first = stream.logits().tobytes()
    stream.feed([(stream.until + step, pitch, velocity) for step, pitch, velocity in EVENTS])
    return first, stream.generate(stream.until + 200), stream.logits().tobytes(), *state(pair)


@each_make
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_leaves_a_stream_as_it_was(
    checkpoint: Checkpoint, make: Callable[[Checkpoint], Pair], what: str
) -> None:
    asked, left = begun(make(checkpoint)), begun(make(checkpoint))
    for call in REFUSED[what]:
        with pytest.raises(ValueError):  # noqa: PT011 - each setter has words of its own
            call(asked)
        assert state(asked) == state(left)
    assert rest(asked) == rest(left)


@each_make
def test_what_lies_at_a_limit_is_taken_and_played(checkpoint: Checkpoint, make: Callable[[Checkpoint], Pair]) -> None:
    for call in (
        told("set_beat", SLOWEST_BPM, 1, FARTHEST_S),
        told("set_beat", FASTEST_BPM, MOST_BEATS_A_BAR, -FARTHEST_S),
        told("set_beat", None, 0, NAN),  # nothing of a beat that there is none of
        told("set_phrase", -FARTHEST_S),
        told("set_ending", FARTHEST_STEP),
        told("set_theme", 1.0),
        told("set_params", PARAMS, 1000.0),
        targets(*[1e6] * 5),
        chords([NO_CHORD, NO_CHORD + NUM_CHORDS], [-FARTHEST_STEP, FARTHEST_STEP]),
        told("set_form", [(4.0, 8.0, 0.0, 127)], 0.0, (0.0, 1e-6)),
        told("shift", FARTHEST_STEP - 1000),
        decoding("set_style_weights", [1000.0, -1000.0, 0.0, 0.0]),
    ):
        pair = begun(make(checkpoint))
        call(pair)
        pair[1].refresh()
        pair[1].feed([(pair[1].until + step, pitch, velocity) for step, pitch, velocity in EVENTS])
        assert math.isfinite(pair[1].log_probability)
        pair[1].generate(pair[1].until + 50)


semitones = st.integers(-(2**31), 2**31 - 1) | st.integers(-5, 6)
numbers = st.floats() | st.floats(-10, 400)
steps = st.integers(-(2**63), 2**63 - 1) | st.integers(-1000, 2000)
asking = st.one_of(
    st.tuples(numbers | st.none(), st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 9), numbers).map(
        lambda args: told("set_beat", *args)
    ),
    st.lists(st.tuples(st.integers(380, 720), steps), max_size=4).map(
        lambda pairs: chords([NO_CHORD, *(chord for chord, _ in pairs)], [0, *sorted(step for _, step in pairs)])
    ),
    st.lists(st.floats(width=32) | st.sampled_from([-1.0, 0.0, 1.0, 1.5]), min_size=5, max_size=5).map(
        lambda values: levels(*values)
    ),
    st.lists(numbers, min_size=5, max_size=5).map(lambda values: targets(*values)),
    (numbers | st.floats(0, 3)).map(lambda strength: told("set_params", PARAMS, strength)),
    (numbers | st.floats(0, 1)).map(lambda strength: told("set_theme", strength)),
    (numbers | st.none()).map(lambda origin_s: told("set_phrase", origin_s)),
    (steps | st.none()).map(lambda step: told("set_ending", step)),
    steps.map(lambda step: told("shift", step)),
    st.tuples(
        st.lists(st.tuples(numbers, numbers, numbers, semitones), max_size=3),
        numbers | st.just(0.0), st.tuples(numbers, numbers) | st.none(),
    ).map(lambda args: told("set_form", *args)),
)  # fmt: skip


@settings(max_examples=150)
@given(calls=st.lists(asking, min_size=1, max_size=6))
def test_whatever_a_stream_is_told_it_says_so_at_once_or_plays_on(calls: list[Call]) -> None:
    """No later call fails for it, the twins refuse the same, and the decoder has what the stream has."""
    both = [begun(make(SHARED)) for make in (make_compiled, make_python)]
    for call in calls:
        refused = []
        for pair in both:
            before = state(pair)
            try:
                call(pair)
                refused.append(False)
            except ValueError:
                refused.append(True)
                assert state(pair) == before
        assert refused[0] == refused[1]
    now = both[0][1].until
    for pair in both:
        pair[1].feed([(now + 10, 60, 10), (now + 20, 60, -1), (now + 30, 62, 11)])
    assert both[0][1].generate(now + 100) == both[1][1].generate(now + 100)
    assert state(both[0])[:4] == state(both[1])[:4]
    for decoder, stream in both:
        stream.logits()
        assert stream.length == decoder.length


def test_a_stream_that_was_shifted_back_before_its_first_chord_plays_on_over_that_one() -> None:
    both = [begun(make(SHARED)) for make in (make_compiled, make_python)]
    drawn = []
    for pair in both:
        for call in (told("set_params", PARAMS, 2.0), told("shift", -56), chords([401], [0])):
            call(pair)
        drawn.append(pair[1].generate(pair[1].until + 130))
    assert drawn[0] == drawn[1]


SHARED = tame_checkpoint()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beat_bins": 25, "leaning": ()}, "25 bins of the beat"),
        ({"bar_bins": 9}, "9 of the bar"),
        ({"no_chord": 399}, "chord 399"),
        ({"no_chord": 689}, "chord 689"),
        ({"chord_clip": 9}, "clipped at 9"),
        ({"chords_back": 56}, "65 chords in view"),
        ({"chords_ahead": 9}, "65 chords in view"),
        ({"phrase_bars": 5}, "5 bars"),
        ({"ending_edges_s": (1.0, 2.0, 3.0, 4.0)}, "4 edges"),
        ({"controls": 4, "phrase_control": -1}, "give 5"),
    ],
)
def test_rules_that_the_network_has_no_rows_for_are_refused(
    checkpoint: Checkpoint, change: dict[str, Any], message: str
) -> None:
    rules = native.StreamRules(**{**vars(stream_rules(PACKED.controls)), **change})
    with pytest.raises(ValueError, match=message):
        native.Stream(compiled_decoder(checkpoint), LAYOUT, rules, 0, 100)


@pytest.mark.parametrize("rollback", [301, 4096])
def test_a_stream_that_reaches_farther_back_than_its_decoder_is_refused(checkpoint: Checkpoint, rollback: int) -> None:
    decoder = compiled_decoder(checkpoint)
    with pytest.raises(ValueError, match="reach back"):
        native.Stream(decoder, LAYOUT, stream_rules(PACKED.controls), 0, rollback)


def test_a_session_refuses_what_its_stream_does_and_goes_on(checkpoint: Checkpoint) -> None:
    asked, left = Session(checkpoint, 1), Session(checkpoint, 1)
    for session in (asked, left):
        session.set_tempo(100.0, 3, 0.1)
        session.generate(1.0)
    calls: list[Callable[[Session], object]] = [
        *(lambda session, bpm=bpm: session.set_tempo(bpm) for bpm in (*NO_NUMBERS, 0.0, -1.0, 1e300, 1e-300)),
        *(lambda session, beats=beats: session.set_tempo(90.0, beats) for beats in (0, -1, 2**62)),
        lambda session: session.set_tempo(90.0, 4, NAN),
        lambda session: session.set_form(NAN, Form((), 8.0)),
        lambda session: session.keep_clear((60, 128)),
        lambda session: session.keep_clear((-1, 60)),
        lambda session: session.set_ending(1e12),
    ]
    for call in calls:
        with pytest.raises(ValueError):  # noqa: PT011
            call(asked)
    for session in (asked, left):
        session.set_params(temperature=1.1)  # each of these tells the sampler all of it anew
    assert asked.generate(4.0) == left.generate(4.0)
    assert asked.likelihood == left.likelihood


@each_make
def test_a_fork_wants_a_decoder_of_its_own(checkpoint: Checkpoint, make: Callable[[Checkpoint], Pair]) -> None:
    (decoder, stream), (stranger, _) = begun(make(checkpoint)), begun(make(checkpoint))
    # A stranger that stands at the same token plays on in Python as the decoder would; the compiled one had no past.
    for wrong in (decoder, stranger) if make is make_compiled else (decoder,):
        with pytest.raises(ValueError, match="forked from the parent's"):
            stream.fork(wrong, 1, 9)
