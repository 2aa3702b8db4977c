"""Faults of what goes out, one test each: servers and cables that go away, receivers that are slow, kills.

Beside them what decides who hears whom: channels and the echo of the player's own playing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import native
from bridge.live.deadline_thread import DeadlineThread
from bridge.midi.echo import Echo
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import (
    FAKE_ENGINE,
    SHIPPED_ENGINE,
    Lines,
    Listener,
    Play,
    free_udp_port,
    pianist,
    playing,
)
from tests.support.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

D_MINOR_7, G_7 = (50, 53, 57, 60), (43, 53, 59, 62)


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack() as jack:
        yield jack


@pytest.mark.parametrize(
    ("engine", "number"),
    [
        pytest.param(SHIPPED_ENGINE, signal.SIGKILL, id="shipped base, killed"),
        pytest.param(FAKE_ENGINE, signal.SIGTERM, id="fake engine, with a goodbye"),
    ],
)
def test_jackd_dies_and_comes_back_and_the_music_with_it(engine: list[str], number: int) -> None:
    answers_port = free_udp_port()
    with running_jack() as own, playing(own, engine, ["--chords", "C | F"]) as (play, listener):
        dump = Lines(["stdbuf", "-oL", "oscdump", str(answers_port)], own.environment)
        try:
            time.sleep(0.3)
            play.osc("/sideman/subscribe", "i", str(answers_port))
            time.sleep(1.0)
            own.kill(number)
            died = time.monotonic()
            assert "every note has ended" in play.wait_for("the JACK server went away")
            noticed_s = time.monotonic() - died
            listener.kill()
            assert "the ports come back" in dump.wait_for("/sideman/error")
            own.start()
            started = time.monotonic()
            play.wait_for("so are the ports")
            back_s = time.monotonic() - started
            print(f"\nnoticed after {noticed_s:.2f} s, back {back_s:.2f} s after the server")
            assert noticed_s < 2
            again = Listener("Sideman Out", own.environment)
            try:
                until(again.onsets)
                play.osc("/sideman/param/temperature", "f", "0.9")  # OSC has been there all the time
                dump.wait_for('"temperature" 0.9')
                assert play.end(signal.SIGINT) == 130
            finally:
                again.finish()
            assert again.onsets(), "the music goes on"
            assert again.unended() == set()
        finally:
            dump.kill()


def test_without_jackd_playing_can_still_be_ended() -> None:
    with running_jack() as own, playing(own, options=["--chords", "C"]) as (play, listener):
        time.sleep(1.0)
        own.kill()
        play.wait_for("the JACK server went away")
        listener.kill()
        begin = time.monotonic()
        assert play.end(signal.SIGTERM) == 143
        assert time.monotonic() - begin < 30


def test_a_sideman_that_is_killed_leaves_no_note_sounding(server: JackServer) -> None:
    with playing(server, options=["--chords", "C"]) as (play, listener):
        until(listener.unended)
        assert listener.unended()
        play.end(signal.SIGKILL)
        time.sleep(1.0)
        assert listener.unended() == set()
        assert listener.messages()[-1][1:] == (0xB0, 123, 0)
        assert "Sideman Out" not in "\n".join(server.ports())


def test_a_named_port_that_is_unplugged_and_plugged_in_again(server: JackServer) -> None:
    with playing(server) as (play, listener):  # its ports are somebody's keyboard and synth
        named = Play(FAKE_ENGINE, ["--in", "Sideman Out", "--out", "Sideman In", "--chords", "C"], server.environment)
        try:
            named.wait_for("Ctrl-C stops", 60)
            assert play.end() == 130
            listener.finish()
            named.wait_for("the port 'Sideman In:Sideman In' has gone")
            named.wait_for("the port 'Sideman Out:Sideman Out' has gone")
            with playing(server) as (again, heard):
                named.wait_for("the port 'Sideman In:Sideman In' is back")
                again.wait_for("chord")  # it hears the other's solo as chords
                assert named.end() == 130
                assert again.end() == 130
                heard.finish()
        finally:
            named.kill()


def test_a_slow_receiver_gets_every_end(server: JackServer, tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    source = (Path(__file__).parents[2] / "support" / "live" / "port_listener.py").read_text()
    slow.write_text(source.replace("heard.put([time", "time.sleep(0.01); heard.put([time"))  # in JACK's own thread
    with playing(server, SHIPPED_ENGINE, ["--chords", "C | Am", "--density", "1"]) as (play, listener):
        sleepy = Lines([sys.executable, str(slow), "Sideman Out"], server.environment)
        try:
            sleepy.wait_for("ready")
            time.sleep(4.0)
            assert play.end() == 130
            time.sleep(1.0)
            listener.finish()
            assert listener.onsets()
            assert listener.unended() == set()
            assert play.errors == []
        finally:
            sleepy.end(signal.SIGKILL)


def test_strikes_that_a_slow_port_makes_late_are_left_out_with_their_ends() -> None:
    scheduler = native.Scheduler()
    sent: list[tuple[int, ...]] = []

    def send(message: tuple[int, ...]) -> None:
        sent.append(tuple(message))
        if message[0] == 0x90 and message[1] == 60:
            time.sleep(0.6)  # the port hangs for a moment

    player = DeadlineThread(scheduler, send, native.now_us, pytest.fail)
    begin_us = native.now_us() + 20_000
    for number in range(12):
        scheduler.push(begin_us + number * 50_000, 0x90, 60 + number, 80)
        scheduler.push(begin_us + number * 50_000 + 30_000, 0x80, 60 + number, 0)
    player.start()
    time.sleep(1.2)
    assert player.finish()
    struck = [message[1] for message in sent if message[0] == 0x90]
    assert 0 < player.missed < 11
    assert len(struck) == 12 - player.missed
    assert [message[1] for message in sent if message[0] == 0x80] == struck


def test_only_the_chosen_channel_is_heard(server: JackServer) -> None:
    with playing(server, options=["--channel", "3", "--out-channel", "5"]) as (play, listener):
        send = [sys.executable, str(Path(__file__).parents[2] / "support" / "live" / "raw_player.py"), "Sideman In"]
        for status in ("90", "92"):
            chord = G_7 if status == "90" else D_MINOR_7
            script = str([[f"{status} {pitch:02X} 50", 0.0] for pitch in chord]).replace("'", '"')
            subprocess.run([*send, script], env=server.environment, check=True, timeout=20, stdout=subprocess.DEVNULL)
            time.sleep(0.5)
        assert play.end() == 130
        listener.finish()
    assert [line for line in play.lines if line.startswith("chord")] == ["chord Dm7"]
    assert {status for _, status, _, _ in listener.messages() if status & 0xF0 == 0x90} == {0x94}
    assert listener.unended() == set()


def test_the_players_own_notes_are_passed_through_on_a_channel_of_their_own(server: JackServer) -> None:
    with playing(server, options=["--echo", "2"]) as (play, listener):
        sent = pianist(server, [(0.0, "on", D_MINOR_7), (1.0, "off", D_MINOR_7[:2]), (1.5, "on", [])])
        assert play.end() == 130
        listener.finish()
    echoed = [(at, status, pitch) for at, status, pitch, _ in listener.messages() if status in (0x91, 0x81)]
    assert [pitch for _, status, pitch in echoed if status == 0x91] == list(D_MINOR_7)
    assert sorted(pitch for _, status, pitch in echoed if status == 0x81) == sorted(D_MINOR_7), (
        "the last two at the end"
    )
    assert (echoed[0][0] - sent[0][0]) / 1000 < 200
    assert any(status == 0x90 for _, status, _, _ in listener.messages()), "the sideman plays besides"


def test_an_echo_passes_what_sounds_and_nothing_else() -> None:
    echo = Echo(4)
    for message in ("90 3C 50", "B1 40 7F", "E2 00 40", "C0 05", "F8", "F2 01 02", "82 3C 00"):
        echo.put(bytes.fromhex(message))
    assert [bytes(message).hex(" ") for message in echo.take()] == ["94 3c 50", "b4 40 7f", "e4 00 40", "84 3c 00"]
    assert echo.take() == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--channel", "0"], "--channel 0 lies outside 1..16"),
        (["--out-channel", "17"], "--out-channel 17 lies outside 1..16"),
        (["--echo", "1"], "--echo 1 is the sideman's own channel"),
    ],
)
def test_wrong_channels_are_refused(options: list[str], text: str) -> None:
    play = Lines([*FAKE_ENGINE, *options], dict(os.environ))
    assert play.join(20) == 2
    assert text in play.errors[0]
