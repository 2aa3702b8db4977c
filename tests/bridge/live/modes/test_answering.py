"""Modes continue and trade, and the count-in, on the virtual clock of test_live."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from bridge.live.options import SessionOptions
from engine.chords import parse_chart
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, G_7, World

BAR_US = 2_000_000  # at 120 beats a minute


def play_phrase(world: World, pitches: tuple[int, ...], note_s: float = 0.25) -> None:
    for pitch in pitches:
        world.press(pitch)
        world.run(note_s)
        world.release(pitch)


class AnsweringWorld(World):
    """A world whose double plays without chords too."""

    def make(self, seed: int):  # type: ignore[no-untyped-def]
        session = super().make(seed)
        set_chords = session.set_chords
        chart = parse_chart("C")
        session.set_chords = lambda chords, from_s=0.0: set_chords(  # type: ignore[method-assign]
            [(onset_s, chord or chart.spans[0].chord) for onset_s, chord in chords], from_s
        )
        return session


def test_continue_listens_while_the_player_plays_and_answers_in_the_pause() -> None:
    world = AnsweringWorld()
    world.turn("mode", "continue")
    world.run(0.01)
    play_phrase(world, (60, 62, 64, 67))
    assert not world.onsets()
    ended_us = world.now_us
    world.run(0.5)
    assert not world.onsets(), "within a phrase there are rests too"
    world.run(2.0)
    assert 600_000 <= world.onsets()[0][0] - ended_us <= 800_000
    fed = world.sessions[0].fed
    assert [event.pitch for event in fed if event.kind == "on"] == [60, 62, 64, 67]
    onsets_s = [event.time_s for event in fed if event.kind == "on"]
    assert [round(b - a, 2) for a, b in pairwise(onsets_s)] == pytest.approx([0.25] * 3, abs=0.02)


def test_a_key_struck_into_an_answer_ends_it_and_is_heard() -> None:
    world = AnsweringWorld()
    world.turn("mode", "continue")
    world.run(0.01)
    play_phrase(world, (60, 62))
    world.run(2.0)
    assert world.sounding or world.onsets()
    world.press(72)
    world.run(0.004)
    assert not world.sounding
    struck_us = world.now_us
    world.run(1.0)
    assert not world.onsets(struck_us), "the key is still held"
    world.release(72)
    world.run(1.5)
    assert world.onsets(struck_us)
    assert world.sessions[0].fed[-2].pitch == 72


def test_trade_answers_in_the_bars_after_the_players_and_keeps_to_the_beat() -> None:
    world = AnsweringWorld()
    world.turn("mode", "trade")
    world.live.set_tempo(120.0)
    world.run(0.1)
    began_us = world.now_us
    for _turn in range(2):
        while (world.now_us - began_us) % (8 * BAR_US) < 4 * BAR_US - 1_000_000:
            play_phrase(world, (60, 64), note_s=0.2)
        world.run((4 * BAR_US - (world.now_us - began_us) % (4 * BAR_US)) / 1e6 + 0.001)
        world.run(8.0)
    answered = {(at_us - began_us) // (4 * BAR_US) for at_us, _ in world.onsets()}
    assert answered == {1, 3}
    assert len(world.onsets()) > 20
    assert not world.sounding or world.now_us < began_us + 16 * BAR_US + 50_000
    bpm, beats_per_bar, _ = world.sessions[0].tempo
    assert (bpm, beats_per_bar) == (120.0, 4)


def test_a_turn_without_a_note_ends_the_trade_and_the_next_note_begins_another() -> None:
    world = AnsweringWorld()
    world.turn("mode", "trade")
    world.run(0.01)
    play_phrase(world, (60,))
    world.run(24.5)
    assert [what for what, _ in world.said] == ["listening", "playing", "listening", "rest"]
    world.run(20.0)
    silent_us = world.now_us
    assert not world.onsets(silent_us - 20_000_000)
    play_phrase(world, (60,))
    world.run(10.0)
    assert world.onsets(silent_us)


def test_trade_over_a_chart_answers_on_the_charts_chords() -> None:
    world = World()
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart("C | C | C | C | F | F | F | F"))
    world.turn("mode", "trade")
    world.run(0.1)
    play_phrase(world, (60,))
    world.run(14.0)
    assert len(world.onsets()) > 10
    assert {pitch % 12 for _, pitch in world.onsets()} <= {5, 9, 0}


def test_the_count_in_clicks_on_channel_10_and_then_the_chart_begins() -> None:
    world = World(options=SessionOptions(count_in_bars=1))
    began_us = world.now_us
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart("C"))
    world.run(6.0)
    clicks = [(due_us, data1) for _, due_us, status, data1, _ in world.sent if status == 0x99]
    assert [data1 for _, data1 in clicks] == [76, 77, 77, 77]
    assert [b - a for (a, _), (b, _) in pairwise(clicks)] == [500_000] * 3
    solo = [at_us for at_us, _, status, _, _ in world.sent if status == 0x90]
    assert solo
    assert solo[0] >= began_us + BAR_US
    assert ("count-in", "1 bar") in world.said


def test_a_position_of_the_host_is_met_by_what_is_heard() -> None:
    latency_us = 100_000
    world = World(options=SessionOptions(output_latency_ms=100.0))
    world.live.set_chart(parse_chart("C | F | G | A"))
    world.run(3.0)
    world.live.locate(9.0)
    at_us = world.now_us
    world.run(1.0)
    charting = world.live._modes.charting
    assert charting is not None
    now_beat = charting.beat_at(world.live._ahead.stream_s(world.now_us - latency_us))
    expected = 9.0 + (world.now_us - latency_us - at_us + latency_us) / 500_000
    assert now_beat == pytest.approx(expected, abs=0.02)
    calls = len(world.sessions[-1].chords)
    world.live.locate(expected)
    world.run(0.1)
    assert len(world.sessions[-1].chords) == calls, "a host that repeats itself changes nothing"


def test_a_position_at_rest_is_where_the_chart_starts() -> None:
    world = World()
    world.live.set_chart(parse_chart("C | F"))
    world.live.stop()
    world.run(0.1)
    world.live.locate(4.0)
    world.live.play()
    world.run(1.5)
    assert {pitch % 12 for _, pitch in world.onsets()} <= {5, 9, 0}


@pytest.mark.parametrize("seed", range(60))
def test_no_script_of_phrases_and_modes_leaves_a_stuck_note(seed: int) -> None:
    draw = random.Random(seed)
    slow = draw.choice((1_000, 10_000, 60_000))
    world = AnsweringWorld(
        decode_us=lambda: draw.randrange(200, slow),
        preempted_us=lambda: draw.randrange(80_000) if draw.random() < 0.01 else 0,
    )
    world.turn("mode", draw.choice(("continue", "trade")))
    for _ in range(25):
        action = draw.randrange(12)
        if action < 6:
            play_phrase(world, draw.choice((C_MAJOR_7, D_MINOR_7, G_7)), draw.choice((0.02, 0.2)))
        elif action == 6:
            world.turn("mode", draw.choice(("continue", "trade", "follow")))
        elif action == 7:
            world.turn(*draw.choice((("quantise", 1.0), ("swing", 0.7), ("temperature", 1.2))))
        elif action == 8:
            world.live.set_tempo(draw.uniform(60, 240))
        elif action == 9:
            world.live.set_chart(parse_chart("Dm7 G7 | Cmaj7"))
        elif action == 10:
            world.live.set_seed(draw.randrange(100))
        else:
            draw.choice((world.live.stop, world.live.panic))()
            world.run(0.02)
            world.live.play()
        world.run(draw.choice((0.01, 0.5, 2.0)))
    world.live.stop()
    world.run(0.05)
    assert not world.sounding


def test_the_shipped_base_trades_and_goes_on() -> None:
    checkpoint = load_checkpoint()
    for mode in ("trade", "continue"):
        world = World(make_session=lambda seed: Session(checkpoint, seed=seed))
        world.turn("mode", mode)
        world.live.set_tempo(160.0)
        for _ in range(3):
            play_phrase(world, (60, 62, 64, 65, 67), 0.15)
        world.run(12.0)
        assert len(world.onsets()) > 3
        world.live.stop()
        world.run(0.05)
        assert not world.sounding
