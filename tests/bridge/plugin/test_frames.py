"""Every note falls on the frame of its beat, whatever the host does, and no note stays; against an engine by hand."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import pytest

from bridge.errors import BridgeError
from bridge.live.commands import FollowHost
from bridge.plugin import wire
from tests.support.plugin.fake_engine import FakeEngine, place, wait_for
from tests.support.plugin.host import ClapHost, Played

Make = Callable[..., ClapHost]
ROUNDING = 0.5e-6  # of a quarter: hosts and wire round so much
FRAME_HEADER = 4  # bytes before a frame's payload


@pytest.mark.parametrize("tempo_bpm", [math.nan, math.inf, -math.inf, 0.0, -120.0])
def test_a_tempo_that_is_none_is_a_broken_frame(tempo_bpm: float) -> None:
    """The plug-in refuses such a host's; a session that took it from a stranger would have ended."""
    payload = struct.pack("<qqdqqIHHB", 0, 0, tempo_bpm, 0, 0, 1, 4, 4, 1)
    frame = struct.pack("<BBH", wire.PLACE, 0, len(payload)) + payload
    with pytest.raises(BridgeError, match="a tempo that is none"):
        list(wire.Frames().take(frame))


def played(host: ClapHost) -> list[tuple[int, int, int]]:
    return [(event.frame, event.status, event.pitch) for event in host.played]


def strike(engine: FakeEngine, epoch: int, beat: float, pitch: int, length: float = 0.25) -> None:
    engine.send(wire.note(epoch, wire.to_micro(beat), bytes((0x90, pitch, 100))))
    engine.send(wire.note(epoch, wire.to_micro(beat + length), bytes((0x80, pitch, 0))))


def send_once(engine: FakeEngine, send: Callable[[FollowHost], None]) -> None:
    """Sends before the first block of a render that is played is done."""
    waiting = [send]

    def before_done(now: wire.Now) -> None:
        if waiting and place(engine).playing:
            waiting.pop()(place(engine))

    engine.before_done = before_done


@pytest.mark.parametrize("rate", [22_050.0, 44_100.0, 48_000.0, 192_000.0])
@pytest.mark.parametrize("block", [32, 480, 1021, 8192])
def test_a_note_in_time_sounds_on_the_first_frame_at_or_after_its_beat(
    engine: FakeEngine, make_host: Make, rate: float, block: int
) -> None:
    beats = [0.0, 0.1, 1 / 3, 0.5, 0.777_777, 1.0, 1.1]
    host = make_host(offline=True, rate=rate, tempo_bpm=133.7)
    host.playing = True
    send_once(engine, lambda told: [strike(engine, told.epoch, beat, 60) for beat in beats] and None)
    host.run(0.8, block)
    frames_per_beat = rate * 60 / 133.7
    expected = [math.ceil((beat - ROUNDING) * frames_per_beat - 1e-6) for beat in beats]
    assert [event.frame for event in host.onsets()] == expected


def test_a_ramp_of_the_tempo_moves_no_note_off_its_beat(engine: FakeEngine, make_host: Make) -> None:
    host = make_host(offline=True, tempo_bpm=100.0, tempo_per_s=40.0)
    host.playing = True
    beats = [i / 4 for i in range(16)]
    send_once(engine, lambda told: [strike(engine, told.epoch, beat, 60, 0.1) for beat in beats] and None)
    host.run(2.0, 700)
    assert host.tempo_bpm > 170
    a_frame = 200 / 60 / host.rate
    for event, beat in zip(host.onsets(), beats, strict=True):
        assert -2 * ROUNDING <= event.beat - beat <= a_frame


def test_a_loop_is_no_jump_and_notes_beyond_its_end_fall_after_its_beginning(
    engine: FakeEngine, make_host: Make
) -> None:
    host = make_host(offline=True)
    host.playing, host.loop, host.beat = True, (1.0, 3.0), 2.0
    send_once(
        engine, lambda told: [strike(engine, told.epoch, told.at + beat, 60) for beat in (0.5, 1.25, 3.25)] and None
    )
    host.run(2.5, 500)
    assert [round(event.beat, 3) for event in host.onsets()] == [2.5, 1.25, 1.25]
    assert len({message.epoch for message in engine.heard if isinstance(message, FollowHost) and message.playing}) == 1


def test_a_jump_ends_what_sounds_and_voids_what_was_planned(engine: FakeEngine, make_host: Make) -> None:
    host = make_host(offline=True)
    host.playing = True

    def send(told: FollowHost) -> None:
        strike(engine, told.epoch, 0.1, 60, 50.0)
        strike(engine, told.epoch, 1.5, 62)

    send_once(engine, send)
    host.run(0.5, 480)
    before = place(engine).epoch
    host.beat = 7.0
    host.run(1.0, 480)
    assert place(engine).epoch != before
    assert played(host) == [(2400, 0x90, 60), (24_000, 0x80, 60)]
    strike(engine, before, place(engine).at + 1.0, 64)
    host.run(1.0, 480)
    assert len(host.played) == 2, "notes of before the jump are void"
    assert not host.sounding()


def test_stopping_ends_what_sounds_in_the_block_that_stops(engine: FakeEngine, make_host: Make) -> None:
    host = make_host(offline=True)
    host.playing = True
    send_once(engine, lambda told: strike(engine, told.epoch, 0.1, 60, 50.0))
    host.run(0.1, 480)
    host.playing = False
    at = host.frame
    host.process(480)
    assert host.played[-1][:1] + host.played[-1][2:4] == (at, 0x80, 60)


def test_what_is_taken_back_never_sounds_and_what_sounded_then_ends(engine: FakeEngine, make_host: Make) -> None:
    host = make_host(offline=True)
    host.playing = True

    def send(told: FollowHost) -> None:
        strike(engine, told.epoch, 0.5, 60, 1.0)  # sounds across the cancel: its end is owed
        strike(engine, told.epoch, 1.0, 62)
        engine.send(wire.cancel(told.epoch, wire.to_micro(0.75)))
        engine.send(wire.note(told.epoch, wire.to_micro(0.8), bytes((0x80, 60, 0))))
        strike(engine, told.epoch, 1.0, 64)

    send_once(engine, send)
    host.run(1.0, 480)
    frames_per_beat = 24_000
    assert played(host) == [
        (round(beat * frames_per_beat), status, pitch)
        for beat, status, pitch in ((0.5, 0x90, 60), (0.8, 0x80, 60), (1.0, 0x90, 64), (1.25, 0x80, 64))
    ]


def test_a_strike_that_comes_late_is_left_out_and_a_little_late_sounds_at_once(
    engine: FakeEngine, make_host: Make
) -> None:
    host = make_host()
    host.playing = True
    host.process(480)
    wait_for(lambda: engine.last(FollowHost) is not None and place(engine).playing, "nothing was told")
    host.run(1.0, 480)
    told = place(engine)
    strike(engine, told.epoch, 2.0 - 0.08, 60)  # 40 ms
    strike(engine, told.epoch, 2.0 - 0.4, 62)
    at = host.frame
    # A frame at a time, so that the song stands all but still while the notes are on their way.
    wait_for(lambda: host.process(1) == 1 and bool(host.played), "the note does not come")
    assert host.onsets()[0].pitch == 60
    host.run(1.0, 480)
    assert [event.pitch for event in host.onsets()] == [60]
    assert not host.sounding()
    assert host.onsets()[0].frame >= at


def test_the_notes_end_when_the_engine_is_gone_and_the_host_reads_why(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    wait_for(lambda: host.text("Engine") == "ready", "the engine is not found")
    host.playing = True
    host.process(480)
    wait_for(lambda: engine.last(FollowHost) is not None and place(engine).playing, "nothing was told")
    strike(engine, place(engine).epoch, 0.1, 60, 1000.0)
    wait_for(lambda: host.process(480) == 1 and bool(host.sounding()), "the note does not come")
    engine.close()
    wait_for(lambda: host.process(480) == 1 and not host.sounding(), "the note stays")
    wait_for(lambda: host.text("Engine").startswith("not running: start `sideman serve`"), "nothing is said")
    host.pump()
    assert host.rescans > 0


def test_the_notes_end_when_the_engine_says_nothing_for_long(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    wait_for(lambda: host.text("Engine") == "ready", "the engine is not found")
    host.process(480)
    wait_for(lambda: engine.last(FollowHost) is not None, "nothing was told")
    strike(engine, place(engine).epoch, 0.1, 60, 1000.0)
    wait_for(lambda: host.process(48) == 1 and bool(host.sounding()), "the note does not come")
    wait_for(lambda: host.process(48) == 1 and not host.sounding(), "the note stays")
    assert host.text("Engine") == "late"
    engine.send(wire.alive())
    wait_for(lambda: host.text("Engine") == "ready", "the engine is late for ever")


def test_both_dialects_are_heard_and_a_silent_strike_is_a_note(engine: FakeEngine, make_host: Make) -> None:
    host = make_host(offline=True)
    host.process(480)
    host.press(60, at=7)
    host.midi(0x91, 64, 33, at=9)
    host.midi(0xB0, 64, 127, at=11)
    host.midi(0x91, 64, 0, at=12)
    host.release(-1, at=20)  # every key
    host.process(480)
    keys = [message for message in engine.heard if isinstance(message, wire.Key) and message.message[0] & 0xF0 != 0xB0]
    assert [key.message.hex(" ") for key in keys] == ["90 3c 59", "91 40 21", "91 40 00", "80 3c 00"]
    beats = [round(key.at * host.rate * 60 / 120 / 1.0) for key in keys]
    assert beats == [487, 489, 492, 500]


def test_events_come_in_the_order_of_their_frames(engine: FakeEngine, make_host: Make) -> None:
    host = make_host(offline=True)
    host.playing, host.loop = True, (0.0, 0.5)

    def send(told: FollowHost) -> None:
        for i in range(40):
            strike(engine, told.epoch, i / 16, 60 + i % 3, 1 / 24)

    send_once(engine, send)
    host.run(1.2, 8192)
    frames = [event.frame for event in host.played]
    assert frames == sorted(frames)
    assert len(frames) > 60
    assert all(isinstance(event, Played) for event in host.played)


@pytest.mark.parametrize("letter", ["a", "é", "한", "𝄆"])
@pytest.mark.parametrize("before", range(4))
def test_a_long_status_ends_with_a_whole_letter(letter: str, before: int) -> None:
    said = "a" * before + letter * 200
    told = wire.status(said)[FRAME_HEADER:].decode("utf-8")
    assert said.startswith(told)
    assert 200 - len(letter.encode()) < len(told.encode()) <= 200
