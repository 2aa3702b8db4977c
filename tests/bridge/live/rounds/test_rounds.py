"""While a chart goes round, kept bars come back as they were heard, and all others are new, whatever else happens."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bridge.live.options import SessionOptions
from engine.chords import parse_chart
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from tests.support.live.fake_session import FakeSession
from tests.support.live.world import START_US, World

CHART = "Dm7 | G7 | Cmaj7 | Am7"
BAR_US = 2_000_000  # at 120
GRACE_US = 45_000  # a bar begins so long before its line
FIRST_US = START_US + 5_000  # a chart starts 5 ms after it was asked for

Note = tuple[int, int, int]
"""Hundredths of a second after the bar's line, pitch, velocity."""


def playing(seed: int = 0, chart: str = CHART, tempo_bpm: float = 120.0, **options: object) -> World:
    world = World(decode_us=lambda: 500, options=SessionOptions(seed=seed), **options)  # type: ignore[arg-type]
    world.live.set_tempo(tempo_bpm)
    world.live.set_chart(parse_chart(chart))
    return world


def bar(world: World, number: int, bar_us: float = BAR_US) -> list[Note]:
    """What was struck in a bar, counted from 0 from round to round."""
    line_us = FIRST_US + number * bar_us
    return [
        (round((due_us - line_us) / 10_000), pitch, velocity)
        for _, due_us, status, pitch, velocity in world.sent
        if status == 0x90 and line_us - GRACE_US < due_us <= line_us + bar_us - GRACE_US
    ]


def errors(world: World) -> list[str]:
    return [text for what, text in world.said if what == "error"]


@pytest.mark.parametrize("seed", range(6))
def test_a_round_that_was_kept_comes_back_note_for_note_as_often_as_it_comes_round(seed: int) -> None:
    world = playing(seed)
    world.run(8.1)
    world.live.keep()
    world.run(32.0)
    first = [bar(world, number) for number in range(4)]
    assert sum(map(len, first)) > 20
    assert bar(world, 4) != first[0], "it sounded already"
    for number in range(5, 19):
        assert bar(world, number) == first[number % 4]
    assert errors(world) == []


def test_what_is_kept_while_its_last_bar_sounds_begins_with_the_first_bar_of_the_next_round() -> None:
    world = playing(3)
    world.run(7.5)
    world.live.keep()
    world.run(16.5)
    for number in range(4, 12):
        assert bar(world, number) == bar(world, number % 4)


@pytest.mark.parametrize("seed", range(4))
def test_only_the_bars_that_are_asked_for_again_are_new(seed: int) -> None:
    world = playing(seed)
    world.run(7.8)
    world.live.keep()
    world.live.again("2-3")
    world.run(16.5)
    for turn in (1, 2):
        assert bar(world, 4 * turn) == bar(world, 0)
        assert bar(world, 4 * turn + 1) not in ([], bar(world, 1))
        assert bar(world, 4 * turn + 2) not in ([], bar(world, 2))
        assert bar(world, 4 * turn + 3) == bar(world, 3)
    assert bar(world, 5) != bar(world, 9)


def test_one_bar_alone_can_be_kept_and_what_follows_it_goes_on() -> None:
    world = playing(1)
    world.run(7.0)
    world.live.keep("2")
    world.run(17.0)
    assert bar(world, 5) == bar(world, 9) == bar(world, 1)
    assert len({tuple(bar(world, number)) for number in (0, 2, 4, 6, 8, 10)}) == 6


def test_undo_goes_back_step_by_step() -> None:
    world = playing(2)
    world.run(7.8)
    world.live.keep()
    world.run(8.0)
    world.live.again("1-2")
    world.run(8.0)
    world.live.undo()  # all four are kept again
    world.run(8.0)
    world.live.undo()  # none is
    world.run(8.0)
    assert [bar(world, number) for number in range(4, 8)] == [bar(world, number) for number in range(4)]
    assert bar(world, 8) != bar(world, 0)
    assert [bar(world, number) for number in range(12, 16)] == [bar(world, number) for number in range(4)]
    assert all(bar(world, number) != bar(world, number % 4) for number in range(16, 19))
    world.live.undo()
    world.run(0.1)
    assert errors(world) == ["there is nothing to undo: no bars were kept, asked for again or chosen"]


def test_a_kept_bar_that_is_kept_again_is_still_the_first_one() -> None:
    world = playing(4, tempo_bpm=117.0)  # whose bars lie on no grid
    bar_us = 240e6 / 117
    world.run(8.0)
    for _ in range(5):
        world.live.keep()
        world.run(4 * bar_us / 1e6)
    for number in range(8, 20):
        first, later = bar(world, number % 4, bar_us), bar(world, number, bar_us)
        assert [note[1:] for note in later] == [note[1:] for note in first]
        assert all(abs(one[0] - other[0]) <= 1 for one, other in zip(first, later, strict=True))


def test_humanise_moves_a_kept_bar_as_it_did_at_first() -> None:
    world = playing(5)
    world.turn("humanise", 1.0)
    world.run(7.8)
    world.live.keep()
    world.run(8.0)
    struck = [
        [(due_us - START_US, *note) for _, due_us, status, *note in world.sent if status == 0x90][begin:][:20]
        for begin in (0, sum(len(bar(world, number)) for number in range(4)))
    ]
    assert [note[1:] for note in struck[0]] == [note[1:] for note in struck[1]]
    assert all(abs(later[0] - first[0] - 4 * BAR_US) <= 2 for first, later in zip(*struck, strict=True))


@pytest.mark.parametrize("make", [None, "shipped"])
def test_knobs_keys_and_stalls_take_nothing_away_from_a_kept_round(make: str | None) -> None:
    loaded = load_checkpoint(None) if make else None
    draw = random.Random(8)
    world = playing(make_session=None if loaded is None else lambda seed: Session(loaded, seed))
    world.decode_us = lambda: draw.randrange(300, 3_000)
    world.run(7.8)
    world.live.keep()
    end_us = world.now_us + 18_000_000
    while world.now_us < end_us:
        world.turn("temperature", draw.uniform(0.3, 1.5))
        world.turn("look_ahead_ms", draw.randrange(200, 4000))
        world.run(draw.uniform(0.05, 0.5))
    for number in range(4, 12):
        assert bar(world, number) == bar(world, number % 4)
    world.live.stop()
    world.run(0.1)
    assert not world.sounding


def test_every_note_ends_where_nothing_but_kept_bars_is_left() -> None:
    world = playing(6)
    world.run(7.8)
    world.live.keep()
    for beat in (5.0, 14.0, 2.5, 9.0):  # what sounds at a jump belongs to no kept bar
        world.run(3.3)
        world.live.locate(beat)
    world.run(16.0)
    longest_us = max([world.longest_us, *(world.now_us - began_us for began_us in world.sounding.values())])
    assert longest_us < 1_000_000


def test_another_tempo_plays_the_kept_bars_at_that_tempo() -> None:
    world = playing(7)
    world.run(7.8)
    world.live.keep()
    world.run(8.2)
    world.live.set_tempo(60.0)
    from_us = world.now_us
    world.run(24.0)
    first = [pitch for number in range(1, 4) for _, pitch, _ in bar(world, number)]
    later = [pitch for at_us, pitch in world.onsets(from_us)]
    assert any(later[begin : begin + len(first)] == first for begin in range(30))


def test_stopped_and_played_again_the_kept_bars_are_there() -> None:
    world = playing(8)
    world.run(7.8)
    world.live.keep()
    world.run(1.0)
    world.live.stop()
    world.run(1.0)
    world.live.play()
    began_us = world.now_us + 5_000
    world.run(7.9)
    again = [pitch for at_us, pitch in world.onsets(began_us)]
    first = [pitch for number in range(4) for _, pitch, _ in bar(world, number)]
    assert again[: len(first) - 2] == first[: len(again)][: len(first) - 2]


def test_a_bar_that_is_broken_off_while_it_is_kept_does_not_come_back_as_a_half() -> None:
    world = playing(9)
    world.run(7.5)
    world.live.keep()
    world.run(0.1)
    world.live.stop()
    world.run(0.5)
    world.live.play()
    began_us = world.now_us + 5_000
    world.run(8.0)
    line_us = began_us + 3 * BAR_US
    assert [at_us for at_us, _ in world.onsets(line_us + 1_600_000)], "its end was silent"


def test_the_music_comes_home_out_of_kept_bars() -> None:
    world = playing(1, chart="Dm7 | G7 | Cmaj7 | %")
    world.run(7.8)
    world.live.keep()
    world.run(3.0)
    world.live.end_in(0)
    world.run(8.0)
    at_us, pitch = world.onsets()[-1]
    assert pitch % 12 == 0
    assert at_us - FIRST_US == pytest.approx(14_000_000, abs=20_000)
    assert not world.sounding
    assert bar(world, 5) == bar(world, 1)


def test_the_same_chart_sent_again_keeps_what_was_kept_and_another_one_does_not() -> None:
    world = playing(2)
    world.run(7.8)
    world.live.keep()
    world.run(0.5)
    world.live.set_chart(parse_chart(CHART))
    world.run(0.1)
    world.live.again()
    world.run(0.1)
    assert errors(world) == []
    world.live.set_chart(parse_chart("C | F"))
    world.run(0.1)
    world.live.again()
    world.run(0.1)
    assert len(errors(world)) == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (7.8, "bars 1-4 kept"),
        (8.1, "bars 1-4 kept, bar 1 as it was before the one that sounds now"),
        (8.9, "bars 1-4 kept, bar 1 as it was before the one that sounds now"),
        (9.1, "bars 1-4 kept"),  # half over, bar 1 is the one that sounds
    ],
)
def test_keep_says_it_where_a_bar_that_sounds_is_not_the_one_that_is_kept(seconds: float, said: str) -> None:
    world = playing(1)
    world.run(seconds)
    world.live.keep()
    world.run(0.1)
    assert [text for what, text in world.said if what == "note"][-1] == said
    world.run(8.0)  # the first round comes back, and is kept again as what it was
    world.live.keep()
    world.run(0.1)
    assert [text for what, text in world.said if what == "note"][-1] == "bars 1-4 kept"


Ask = Callable[[World], None]


@pytest.mark.parametrize(
    ("seconds", "ask", "error"),
    [
        (0.5, lambda world: world.live.keep(), "there is nothing to keep yet"),
        (3.2, lambda world: world.live.keep("3"), "bar 3 cannot be kept: not heard yet"),
        (3.2, lambda world: world.live.keep("9"), "bar 9 cannot be had: the chart ends with bar 4"),
        (3.2, lambda world: world.live.again(), "nothing of that is kept"),
        (3.2, lambda world: world.live.undo(), "there is nothing to undo"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(seconds: float, ask: Ask, error: str) -> None:
    world = playing()
    world.run(seconds)
    ask(world)
    world.run(0.1)
    assert len(errors(world)) == 1
    assert errors(world)[0].startswith(error)
    assert "\n" not in errors(world)[0]


def test_without_a_chart_nothing_goes_round() -> None:
    world = World()
    world.live.keep()
    world.run(0.1)
    assert [text.split(":")[0] for text in errors(world)] == ["nothing goes round whose bars could be kept"]


def test_a_crash_does_not_lose_what_was_kept() -> None:
    class Mortal(FakeSession):
        def generate(self, until_s: float, to_strike: bool = False):  # type: ignore[no-untyped-def]
            if self.seed == 0 and self.time_s > 9.0:
                raise RuntimeError("decoder lost")
            return super().generate(until_s, to_strike)

        def wait(self, until_s: float) -> None:
            if len(made) == 1 and self.time_s > 9.0:
                raise RuntimeError("decoder lost")
            super().wait(until_s)

    made: list[FakeSession] = []

    def make(seed: int) -> FakeSession:
        made.append(Mortal(seed + len(made)))
        return made[-1]

    world = playing(make_session=make)
    world.run(7.8)
    world.live.keep()
    for _ in range(40):
        try:
            world.run(0.05)
        except RuntimeError as error:
            world.live.broke(error)
            break
    assert len(made) == 1
    world.run(9.0)
    assert len(made) == 2
    first = [pitch for number in range(4) for _, pitch, _ in bar(world, number)]
    later = [pitch for at_us, pitch in world.onsets(world.now_us - 4_000_000)]
    assert len(later) > 10
    assert any((first * 2)[begin : begin + len(later)] == later for begin in range(len(first)))
