"""Quantise, swing and humanise: laws of the warp, and of notes moved as a stream and cut."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.beats.feel import SPREAD_S, SPREAD_VELOCITY, Feel, FeelParams, NoteMover
from engine.beats.warp import GRID, STRAIGHT_GRID, grid_under
from engine.beats.warp import warp as warp_on
from engine.beats.warp import warp_inverse as inverse_on
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S


def warp(beat: float, quantise: float, swing: float) -> float:
    return warp_on(beat, quantise, swing, grid_under(swing))


def warp_inverse(beat: float, quantise: float, swing: float) -> float:
    return inverse_on(beat, quantise, swing, grid_under(swing))


beats = st.floats(-8, 64)
amounts = st.floats(0, 1)
swings = st.floats(0.5, 0.75)
feels = st.builds(
    Feel,
    st.builds(FeelParams, amounts | st.sampled_from((0.0, 1.0)), swings | st.just(0.5), amounts | st.just(0.0)),
    st.none() | st.floats(40, 240),
    st.floats(0, 3),
    st.booleans(),
    st.integers(0, 2**31),
)


def phrase(seed: int, steps: int = 800, keys: int = 6) -> list[NoteEvent]:
    """A playable stream on the 10 ms grid with quick repeats, some notes of no length, all ended."""
    draw = random.Random(seed)
    events: list[NoteEvent] = []
    sounding: dict[int, int] = {}
    for step in range(steps):
        for pitch in list(sounding):
            if draw.random() < 0.1:
                del sounding[pitch]
                events.append(NoteEvent(step * STEP_S, "off", pitch, 0))
        if draw.random() < 0.15:
            pitch = 60 + draw.randrange(keys)
            if pitch not in sounding:
                sounding[pitch] = step
                events.append(NoteEvent(step * STEP_S, "on", pitch, draw.randrange(1, 128)))
                if draw.random() < 0.1:
                    del sounding[pitch]
                    events.append(NoteEvent(step * STEP_S, "off", pitch, 0))
    return events + [NoteEvent(steps * STEP_S, "off", pitch, 0) for pitch in sounding]


def moved(events: list[NoteEvent], feel: Feel) -> list[NoteEvent]:
    mover = NoteMover(feel)
    return mover.take(events, events[-1].time_s) + mover.release(math.inf)


def assert_playable(events: list[NoteEvent]) -> None:
    """Every strike has its end, no earlier than itself; no key sounds twice at once."""
    began: dict[int, float] = {}
    latest: dict[int, float] = {}
    for event in events:  # in order per key
        assert event.time_s >= latest.get(event.pitch, -math.inf) - 1e-9
        latest[event.pitch] = event.time_s
        if event.kind == "on":
            assert event.pitch not in began
            began[event.pitch] = event.time_s
        else:
            del began[event.pitch]
    assert not began


@given(beats, swings)
def test_quantise_1_puts_every_onset_on_the_grid(beat: float, swing: float) -> None:
    straight = warp(beat, 1.0, 0.5)
    assert min(abs(straight - math.floor(straight) - point) for point in GRID) < 1e-9
    assert abs(straight - beat) <= 1 / 8 + 1e-9
    swung = warp(beat, 1.0, swing + 1e-6) if swing < 0.75 else warp(beat, 1.0, swing)
    grid = [warp(point, 0.0, max(swing, 0.5 + 1e-6)) for point in STRAIGHT_GRID]
    assert min(abs(swung - math.floor(swung + 1e-9) - point) for point in grid) < 1e-4


@given(beats)
def test_quantise_0_and_straight_eighths_change_nothing(beat: float) -> None:
    assert warp(beat, 0.0, 0.5) == pytest.approx(beat, abs=1e-12)


@pytest.mark.parametrize("quantise", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("straight", "swung"), [(0.5, 2 / 3), (3.5, 3 + 2 / 3), (0.25, 1 / 3), (0.75, 5 / 6), (2.0, 2.0)]
)
def test_swing_of_two_thirds_puts_the_off_eighth_there(straight: float, swung: float, quantise: float) -> None:
    assert warp(straight, quantise, 2 / 3) == pytest.approx(swung)


@given(beats, beats, amounts, swings)
def test_the_warp_never_turns_back(one: float, other: float, quantise: float, swing: float) -> None:
    low, high = sorted((one, other))
    assert warp(low, quantise, swing) <= warp(high, quantise, swing) + 1e-9


@given(beats, amounts | st.just(1.0), swings | st.just(0.5))
def test_the_inverse_parts_what_sounds_before_from_what_sounds_after(
    beat: float, quantise: float, swing: float
) -> None:
    last = warp_inverse(beat, quantise, swing)
    if quantise > 0.999 and quantise < 1:
        return  # a division by nearly nothing
    assert warp(last - 1e-5, quantise, swing) <= beat + 1e-6
    assert warp(last + 1e-5, quantise, swing) >= beat - 1e-6


@given(st.integers(0, 10**6))
def test_a_neutral_feel_moves_nothing(seed: int) -> None:
    events = phrase(seed)
    by_key = lambda event: (event.pitch, event.time_s)  # noqa: E731
    assert sorted(moved(events, Feel(tempo_bpm=120.0)), key=by_key) == sorted(events, key=by_key)


@given(st.integers(0, 10**6), feels)
def test_every_strike_has_its_end_and_no_pitch_overlaps_itself(seed: int, feel: Feel) -> None:
    assert_playable(moved(phrase(seed), feel))


@given(st.integers(0, 10**6), feels)
def test_strikes_keep_their_order_and_notes_their_length_unless_the_key_comes_again(seed: int, feel: Feel) -> None:
    events = phrase(seed, keys=40)
    after = moved(events, feel)
    strikes = [event for event in after if event.kind == "on"]
    assert [event.time_s for event in strikes] == sorted(event.time_s for event in strikes)
    for pitch in {event.pitch for event in events}:
        before_key = [event for event in events if event.pitch == pitch]
        after_key = [event for event in after if event.pitch == pitch]
        if len(before_key) == 2:
            length_s = before_key[1].time_s - before_key[0].time_s
            assert after_key[1].time_s - after_key[0].time_s == pytest.approx(length_s)


@given(st.integers(0, 10**6), amounts, st.integers(0, 2**31))
def test_humanise_is_seeded_and_bounded(seed: int, amount: float, feel_seed: int) -> None:
    events = phrase(seed, keys=40)
    feel = Feel(FeelParams(humanise=amount), None, 0.0, feel_seed)
    strikes = [event for event in moved(events, feel) if event.kind == "on"]
    assert strikes == [event for event in moved(events, feel) if event.kind == "on"]
    written = [event for event in events if event.kind == "on"]
    if len(strikes) == len(written):
        for event, original in zip(strikes, written, strict=True):
            assert event.pitch == original.pitch
            assert abs(event.time_s - original.time_s) <= amount * SPREAD_S + 1e-9
            assert abs(event.velocity - original.velocity) <= amount * SPREAD_VELOCITY + 0.5


def test_another_seed_humanises_otherwise() -> None:
    def strikes(seed: int) -> list[NoteEvent]:
        return moved(phrase(1), Feel(FeelParams(humanise=1.0), seed=seed))

    assert strikes(1) != strikes(2)


def test_without_a_beat_quantise_and_swing_do_nothing() -> None:
    feel = Feel(FeelParams(1.0, 2 / 3), tempo_bpm=None)
    assert feel.params.needs_beat
    assert [feel.warped_s(time_s) for time_s in (0.0, 0.13, 7.77)] == [0.0, 0.13, 7.77]


def test_nothing_is_moved_into_the_past() -> None:
    mover = NoteMover(Feel(FeelParams(quantise=1.0), tempo_bpm=60.0))
    mover.is_now(0.05)
    (event,) = mover.take([NoteEvent(0.06, "on", 60, 80)], 0.06)
    assert event.time_s == 0.05


@given(st.integers(0, 10**6), feels, st.integers(50, 500), st.integers(1, 30))
def test_a_cut_leaves_what_sounds_before_it_and_plays_on(seed: int, feel: Feel, cut_step: int, chunk: int) -> None:
    """A stream in chunks, cut once with other music after it, as a receiver hears it: playable, and nothing lost."""
    old, new = phrase(seed), phrase(seed + 1)
    mover = NoteMover(feel)
    queue: list[NoteEvent] = []
    until = min(cut_step + 100, 800)
    for step in range(0, until + 1, chunk):
        part = [event for event in old if step - chunk < round(event.time_s / STEP_S) <= step]
        queue += mover.take(part, step * STEP_S)
    at_s = cut_step * STEP_S
    stream_s, sounds_s = mover.cut(at_s)
    assert stream_s == pytest.approx(round(stream_s / STEP_S) * STEP_S)
    kept = [event for event in queue if event.time_s < sounds_s]
    strikes_before = [event for event in old if event.kind == "on" and event.time_s <= stream_s + 1e-6]
    owed = mover.rollback(stream_s, sounds_s, at_s)
    sounding: set[int] = set()
    for event in old:
        if event.time_s <= stream_s + 1e-6:
            (sounding.add if event.kind == "on" else sounding.discard)(event.pitch)
    tail = [event for event in new if event.time_s > stream_s + 1e-6]
    ends = [NoteEvent(stream_s + STEP_S, "off", pitch, 0) for pitch in sorted(sounding)]
    open_now: set[int] = set()
    playable_tail = []
    for event in tail:
        if event.kind == "on":
            open_now.add(event.pitch)
        elif event.pitch not in open_now:
            continue
        else:
            open_now.discard(event.pitch)
        playable_tail.append(event._replace(time_s=event.time_s + STEP_S))
    later = mover.take(ends + playable_tail, 9.0) + mover.release(math.inf)
    assert all(event.time_s >= at_s - 1e-9 for event in later if event.kind == "on")
    assert sum(event.kind == "on" for event in kept) <= len(strikes_before)
    began: set[int] = set()
    for event in sorted(kept + owed + later, key=lambda event: event.time_s):
        if event.kind == "on":
            began.add(event.pitch)  # the scheduler ends what sounds before it strikes again
        else:
            began.discard(event.pitch)
    assert not began


@given(st.floats(0, 30), swings)
def test_in_a_dotted_beat_the_grid_is_of_sixteenths_and_the_off_sixteenth_swings(time_s: float, swing: float) -> None:
    feel = Feel(FeelParams(1.0, swing), tempo_bpm=60.0, thirds=True)  # a sixteenth of 6/8 lasts a sixth of a second
    sixteenth = round(feel.warped_s(time_s) * 6 - (2 * swing - 1) / 2)
    eighth, is_off = divmod(sixteenth, 2)
    assert feel.warped_s(time_s) == pytest.approx((eighth + (swing if is_off else 0)) / 3, abs=1e-6)


def test_in_six_eight_an_eighth_stays_an_eighth_at_every_swing() -> None:
    for swing in (0.5, 0.6, 2 / 3, 0.75):
        feel = Feel(FeelParams(1.0, swing), tempo_bpm=60.0, thirds=True)
        eighths = [feel.warped_s(i / 3 + 0.02) for i in range(6)]
        assert eighths == pytest.approx([i / 3 for i in range(6)])
    assert Feel(FeelParams(1.0), tempo_bpm=60.0, thirds=True).warped_s(0.24) == pytest.approx(1 / 6)  # no quarter of it
