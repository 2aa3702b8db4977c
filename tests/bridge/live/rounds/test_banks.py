"""A bank called up plays what it would have played when it was stored, under the knobs that were in force then."""

from __future__ import annotations

import pytest

from bridge.live.options import SessionOptions
from engine.chords import parse_chart
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from tests.bridge.live.rounds.test_rounds import bar, errors
from tests.support.live.world import C_MAJOR_7, World

CHART = "Dm7 | Dm7"  # every bar is like every other one


def playing(make: str = "", chart: str = CHART, seed: int = 3) -> World:
    loaded = load_checkpoint(None) if make else None
    world = World(
        decode_us=lambda: 500,
        options=SessionOptions(seed=seed),
        make_session=None if loaded is None else lambda seed: Session(loaded, seed),
    )
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart(chart))
    return world


def said(world: World, *kinds: str) -> list[tuple[str, str]]:
    return [(what, text) for what, text in world.said if what in kinds]


@pytest.mark.parametrize("make", ["", "shipped"])
def test_each_time_it_is_called_up_it_plays_the_same_from_the_bar_line_on(make: str) -> None:
    world = playing(make)
    world.run(3.5)
    world.live.store_bank("A")
    world.run(2.0)
    assert said(world, "stored", "recalled") == [("stored", "A")]
    for _ in range(2):
        world.turn("temperature", 0.1)
        world.run(2.0)
        world.live.recall_bank("A")
        world.run(4.0)
    assert said(world, "recalled") == [("recalled", "A")] * 2
    assert bar(world, 4)
    assert bar(world, 7)
    if not make:  # the model hears in which bar of the form it is
        soon = [[note for note in bar(world, number) if note[0] < 140] for number in (5, 8)]  # before the next knob
        assert (bar(world, 4), soon[0]) == (bar(world, 7), soon[1])
    assert world.live.recalled["temperature"] == 0.8
    assert not errors(world)
    world.live.stop()
    world.run(0.1)
    assert not world.sounding


def test_until_the_bar_line_the_old_music_plays_and_nothing_is_cut_off_or_late() -> None:
    world, alone = playing(), playing()
    for each in (world, alone):
        each.run(3.0)
        each.live.store_bank("B")
        each.run(6.5)
    world.live.recall_bank("B")
    for each in (world, alone):
        each.run(6.0)
    assert [bar(world, number) for number in range(5)] == [bar(alone, number) for number in range(5)]
    assert bar(world, 5) != bar(alone, 5)
    assert world.live.skipped == 0


def test_a_knob_after_the_bar_line_takes_nothing_back_from_before_it() -> None:
    world = playing()
    world.run(3.5)
    world.live.store_bank("A")
    world.run(4.0)
    world.live.recall_bank("A")
    for turn in range(60):
        world.turn("temperature", 0.5 + turn / 100)
        world.run(0.05)
    assert world.onsets(world.now_us - 1_000_000)
    assert not errors(world)


def test_banks_hold_a_seed_and_what_was_kept_comes_back_whatever_bank_plays() -> None:
    world = playing(chart="Dm7 | G7 | Cmaj7 | Am7")
    world.run(7.8)
    world.live.keep("3")
    world.live.store_bank("A")
    world.run(2.0)
    world.live.set_seed(77)
    world.run(4.0)
    assert world.live.seed == 3
    world.live.recall_bank("A")
    world.run(9.0)
    assert world.live.seed == 3
    assert not errors(world)
    kept = [pitch for _, pitch, _ in bar(world, 2)]
    since = [pitch for _, pitch in world.onsets(world.now_us - 9_000_000)]
    assert any(since[begin : begin + len(kept)] == kept for begin in range(len(since)))


def test_at_rest_and_without_a_beat_it_acts_at_once() -> None:
    world = World(decode_us=lambda: 500)
    world.live.store_bank("C")
    world.run(0.1)
    world.live.recall_bank("C")
    world.run(0.1)
    assert said(world, "stored", "recalled") == [("stored", "C"), ("recalled", "C")]
    world.press(*C_MAJOR_7)
    world.run(2.0)
    world.live.store_bank("D")
    world.run(1.0)
    world.live.recall_bank("D")
    world.run(2.0)
    assert said(world, "stored", "recalled")[2:] == [("stored", "D"), ("recalled", "D")]
    assert world.onsets(world.now_us - 1_000_000)
    world.release(*C_MAJOR_7)
    world.run(3.0)
    assert not world.sounding
    assert not errors(world)


def test_stored_and_called_up_at_the_same_line_it_is_what_was_stored_there() -> None:
    world = playing()
    world.run(3.0)
    world.live.store_bank("A")
    world.live.recall_bank("A")
    world.run(4.0)
    assert said(world, "stored", "recalled", "error") == [("recalled", "A"), ("stored", "A")]
    assert bar(world, 2)


def test_a_bank_called_up_when_the_last_chord_has_come_plays_on() -> None:
    world = playing(chart="Dm7 | G7 | Cmaj7 | %")
    world.run(3.0)
    world.live.store_bank("A")
    world.run(2.0)
    world.live.end_in(1)
    world.run(1.5)
    world.live.recall_bank("A")
    world.run(6.0)
    assert world.onsets(world.now_us - 1_000_000)
    assert not errors(world)


def test_silenced_before_the_bar_line_it_is_stored_as_it_stood() -> None:
    world = playing()
    world.run(3.0)
    world.live.store_bank("A")
    world.run(0.1)
    world.live.stop()
    world.run(0.2)
    assert said(world, "stored") == [("stored", "A")]


def test_the_music_comes_home_from_a_bank_too() -> None:
    world = playing(chart="Dm7 | G7 | Cmaj7 | %")
    world.run(3.0)
    world.live.store_bank("A")
    world.run(2.0)
    world.live.end_in(0)
    world.live.recall_bank("A")
    world.run(6.0)
    assert world.onsets()[-1][1] % 12 == 0
    assert not world.sounding
    assert world.said[-1][0] == "rest"


def test_an_empty_bank_is_refused_in_one_line() -> None:
    world = playing()
    world.run(1.0)
    world.live.recall_bank("B")
    world.run(0.1)
    assert errors(world) == ["bank B is empty (filled: none): /sideman/bank/store B fills it"]


def test_a_new_seed_before_the_bar_line_stores_the_music_that_gives_way_to_it() -> None:
    world = playing()
    world.run(3.5)
    world.live.store_bank("A")
    world.run(0.2)
    world.live.set_seed(7)
    world.run(1.0)
    world.live.recall_bank("A")
    world.run(3.0)
    assert said(world, "stored", "recalled") == [("stored", "A"), ("recalled", "A")]
    assert world.live.seed == 3
    assert world.live._ahead.improviser.history


@pytest.mark.parametrize("change", ["tempo", "position"])
def test_where_the_beat_changes_on_the_way_a_bank_waits_for_the_bar_line_that_is_one_then(change: str) -> None:
    world = playing()
    world.run(2.5)
    world.live.store_bank("A")
    world.run(2.1)
    world.live.recall_bank("A")
    world.live.store_bank("B")
    world.run(0.1)
    if change == "tempo":
        world.live.set_tempo(61.0)
    else:
        world.live.locate(2.5)
    timeline = None
    while world.live._modes.banks.recalling:
        timeline = world.live._ahead.timeline
        world.run(0.01)
    assert timeline is not None
    beat = timeline.beat(world.live._ahead._kept_s)  # where the bank's stream begins
    assert beat == pytest.approx(4 * round(beat / 4), abs=0.12)  # a step before the line, and what is struck early
    world.run(2.0)
    assert said(world, "stored", "recalled") == [("stored", "A"), ("recalled", "A"), ("stored", "B")]
    assert not errors(world)
