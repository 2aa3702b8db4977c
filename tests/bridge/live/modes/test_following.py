"""Mode follow: how soon a chord is answered, on the virtual clock."""

from __future__ import annotations

import itertools
import statistics

import pytest

from bridge.live.session import BUSY_S
from engine.chords import parse_chord
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, G_7, World

CHORDS = (D_MINOR_7, G_7, C_MAJOR_7)


def answers_ms(world: World, changes: int) -> list[float]:
    """From the keys of each chord to the first note that is its own."""
    waits = []
    held = D_MINOR_7
    world.press(*held)
    world.run(1.0)
    for number in range(1, changes):
        world.release(*held)
        held = CHORDS[number % 3]
        world.press(*held)
        pressed_us, said = world.now_us, len(world.said)
        while len(world.said) == said:
            world.run(0.001)
        followed_us = world.live._ahead.handed_over_us
        world.run(1.0 + 0.013 * number)
        waits.append((world.onsets(followed_us)[0][0] - pressed_us) / 1000)
    return waits


def test_without_a_beat_a_chord_is_answered_at_once() -> None:
    waits_ms = answers_ms(World(decode_us=lambda: 300), 20)
    assert statistics.median(waits_ms) <= 40
    assert max(waits_ms) <= 80


def test_an_answer_costs_what_its_first_note_costs_and_no_margin_for_more() -> None:
    waits_ms = answers_ms(World(decode_us=lambda: 7_000), 20)  # 8 ms until a chord counts, 7 for a note
    assert statistics.median(waits_ms) <= 24
    assert max(waits_ms) <= 60  # the double may rest for half a second, which is several looks


def test_with_a_beat_the_first_note_comes_where_the_music_has_it() -> None:
    world = World(decode_us=lambda: 300)
    world.live.set_tempo(100)
    assert max(answers_ms(world, 20)) > 100


@pytest.mark.parametrize("late_ms", [12, 20, 35])
def test_a_late_finger_is_answered_without_striking_on_top_of_the_answer_before(late_ms: int) -> None:
    world = World(decode_us=lambda: 300)
    world.press(*D_MINOR_7)
    world.run(1.0)
    world.release(*D_MINOR_7)
    world.press(*C_MAJOR_7[:3])
    world.run(late_ms / 1000)
    pressed_us = world.now_us
    world.press(C_MAJOR_7[3])
    world.run(1.0)
    assert [text for what, text in world.said if what == "chord"] == ["Dm7", "C", "Cmaj7"]
    onsets = [at_us for at_us, _ in world.onsets(pressed_us)]
    assert onsets[0] - pressed_us <= 90_000
    assert all(not 0 < after - before < 5_000 for before, after in itertools.pairwise(onsets))


def test_a_key_let_go_under_a_named_chord_makes_no_haste() -> None:
    """What the keys do is looked at: else it would be due for ever, and nothing would be made ahead."""
    world = World(decode_us=lambda: 300)
    world.press(60)
    world.run(0.5)
    world.live.set_chord(parse_chord("Dm7"))
    world.run(0.5)
    world.release(60)
    world.run(1.0)
    assert world.live.step() == BUSY_S
    assert world.live._ahead.ready_us - world.now_us > 900_000


def test_a_single_note_of_the_player_names_no_chord_and_the_named_one_plays_on() -> None:
    world = World(decode_us=lambda: 300)
    world.live.set_chord(parse_chord("Dm7"))
    world.run(2.0)
    world.press(72)
    world.run(0.3)
    world.release(72)
    world.run(5.0)
    assert world.said == [("chord", "Dm7")]
    assert world.live._ahead.playing
    world.press(*G_7)
    world.run(0.5)
    world.release(*G_7)
    world.run(4.0)
    assert world.said[1:] == [("chord", "G7"), ("rest", "")]  # its keys are up, and the named one is past
    assert not world.live._ahead.playing
