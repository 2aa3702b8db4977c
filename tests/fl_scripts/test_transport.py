"""Laws of what FL tells but once: whatever the port loses, and whenever FL closes, the engine ends as FL is."""

from __future__ import annotations

import pytest

from osc_protocol.wire.codec import encode
from tests.support.fl.gaps import (
    GAPS,
    PANIC,
    PANIC_CC,
    PLAY,
    PLAY_CC,
    POSITION,
    SETTLED_S,
    STOP,
    STOP_CC,
    TEMPO,
    Gap,
    plays,
    press,
    told,
    words,
)
from tests.support.fl.rig import Studio

# --- what is lost arrives ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("playing", [True, False])
def test_play_and_stop_arrive(playing: bool, gap: Gap, studio: Studio) -> None:
    studio.fl.change(playing=not playing)
    studio.run(1.0)
    gap(studio, lambda: studio.fl.change(playing=playing))
    studio.run(SETTLED_S)
    assert plays(studio) is playing
    studio.check()


def test_a_tempo_arrives(gap: Gap, studio: Studio) -> None:
    gap(studio, lambda: studio.fl.change(tempo_bpm=99.0))
    studio.run(SETTLED_S)
    assert told(studio, TEMPO)[-1] == 99.0
    studio.check()


@pytest.mark.parametrize(("number", "address"), [(PANIC_CC, PANIC), (STOP_CC, STOP), (PLAY_CC, PLAY)])
def test_a_pad_that_may_be_pressed_twice_arrives(number: int, address: str, gap: Gap, studio: Studio) -> None:
    gap(studio, lambda: press(studio, number))
    studio.run(SETTLED_S)
    assert set(words(studio)) == {address}
    assert len(words(studio)) <= 3
    studio.check()


def test_a_pad_that_would_do_twice_as_much_is_pressed_once(studio: Studio) -> None:
    GAPS["loss of 0.2 s"](studio, lambda: press(studio, 105))
    studio.run(SETTLED_S)
    assert told(studio, "/sideman/mode/next") == []
    press(studio, 105)
    studio.run(SETTLED_S)
    assert told(studio, "/sideman/mode/next") == [None]


def test_a_knob_arrives(gap: Gap, studio: Studio) -> None:
    gap(studio, lambda: studio.fl.control_change(21, 127))
    studio.run(SETTLED_S)
    assert studio.engine.values["top_p"] == 1.0


def test_a_song_begins_where_fl_is_though_its_first_frames_are_lost(gap: Gap, studio: Studio) -> None:
    studio.fl.position_beats = 8.0
    gap(studio, lambda: studio.fl.change(playing=True))
    studio.fl.position_beats = 12.0
    studio.run(SETTLED_S)
    addresses = [address for address, _ in studio.engine.commands]
    assert addresses[addresses.index(PLAY) - 1 : addresses.index(PLAY)] == [POSITION]
    assert told(studio, POSITION) == [12.0]


@pytest.mark.parametrize("lose", [0.3, 0.5])
def test_a_port_that_loses_frames_all_the_time_ends_as_fl_does(lose: float, studio: Studio) -> None:
    studio.lose = lose
    for trial in range(10):
        studio.fl.change(playing=trial % 2 == 0, tempo_bpm=100.0 + trial)
        studio.run(12.0)
        assert plays(studio) is (trial % 2 == 0)
        assert told(studio, TEMPO)[-1] == 100.0 + trial
    studio.check()


# --- FL closes and opens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("playing", [True, False])
@pytest.mark.parametrize("tempo_bpm", [130.0, 99.0])
def test_an_fl_that_closes_while_it_plays_stops_the_engine_and_tells_it_all_when_it_opens(
    playing: bool, tempo_bpm: float, studio: Studio
) -> None:
    studio.fl.change(playing=True)
    studio.run(1.0)
    studio.fl.call("OnDeInit")
    studio.exchange()  # a closed FL calls nothing
    assert not plays(studio)
    studio.fl.playing, studio.fl.tempo_bpm = playing, tempo_bpm
    studio.fl.call("OnInit")
    studio.run(SETTLED_S)
    assert plays(studio) is playing
    assert told(studio, TEMPO)[-1] == tempo_bpm
    studio.check()


def test_a_script_that_is_loaded_again_while_fl_plays_leaves_the_engine_playing(studio: Studio) -> None:
    studio.fl.change(playing=True)
    studio.run(1.0)
    studio.fl.reinit()
    studio.run(SETTLED_S)
    assert plays(studio)
    studio.check()


@pytest.mark.parametrize("lost", [False, True])
def test_a_stop_that_nobody_has_confirmed_is_told_as_fl_closes(lost: bool, studio: Studio) -> None:
    studio.fl.change(playing=True)
    studio.run(1.0)
    studio.lose = float(lost)
    studio.fl.change(playing=False)
    if lost:
        studio.run(0.1)
        studio.lose = 0.0
    studio.fl.call("OnDeInit")
    studio.run(0.1)
    assert not plays(studio)


def test_an_fl_that_closes_while_a_project_loads_or_while_it_refuses_frames_breaks_no_rule(studio: Studio) -> None:
    studio.fl.change(playing=True)
    studio.run(1.0)
    studio.fl.loading = True
    studio.fl.call("OnProjectLoad", 0)
    studio.fl.call("OnDeInit")
    studio.fl.loading = False
    studio.fl.call("OnInit")
    studio.run(1.0)
    take, refusals = studio.fl.take_sysex, iter([True, True])

    def refuse(message: bytes) -> None:
        if next(refusals, False):
            raise TypeError("Device is not assigned")
        take(message)

    studio.fl.take_sysex = refuse  # type: ignore[method-assign]
    studio.fl.call("OnDeInit")
    studio.exchange()
    assert not plays(studio)
    studio.check()


def test_an_fl_that_closes_at_rest_stops_nobody(studio: Studio) -> None:
    studio.fl.change(playing=True)
    studio.run(1.0)
    studio.fl.change(playing=False)
    studio.run(1.0)
    studio.server.handle_packet(encode(PLAY))
    studio.fl.reinit()
    studio.run(SETTLED_S)
    assert plays(studio)
