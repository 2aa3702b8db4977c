"""What goes wrong under a session that plays: every note ends, it is said in one line, and the music goes on.

Crashes, kills and full disks, over real JACK ports where processes matter.
"""

from __future__ import annotations

import os
import pty
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest

import native
from bridge.app.watchman import Watchman
from bridge.live.deadline_thread import DeadlineThread
from bridge.live.inbox import Inbox
from bridge.live.session import LiveSession
from bridge.live.session_thread import SessionThread
from bridge.live.supervision import RESTARTS, RestartLimit
from bridge.midi.clock import MidiClock
from engine.chords import parse_chart, parse_chord
from engine.notes import NoteEvent
from osc_protocol.table.parameters import Setting
from tests.support.live.fake_session import FakeSession
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import FAKE_ENGINE, Lines, Listener, Play, free_udp_port, pianist, playing, send_raw
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, World

D_MINOR = (50, 53, 57, 60)


# ---- the laws, on a virtual clock -----------------------------------------------------------------------------------


def test_a_worker_may_fail_three_times_a_minute() -> None:
    now_s = 0.0
    limit = RestartLimit(lambda: now_s)
    assert [limit.allows() for _ in range(RESTARTS + 1)] == [True] * RESTARTS + [False]
    now_s = 59.0
    assert not limit.allows()
    now_s = 61.0
    assert limit.allows()


@pytest.mark.parametrize("mode", ["follow", "changes", "trade", "continue"])
@pytest.mark.parametrize("jump_us", [5_000_000, -5_000_000])
def test_a_clock_that_jumps_ends_every_note_and_the_music_goes_on(mode: str, jump_us: int) -> None:
    world = World()
    if mode == "changes":
        world.live.set_chart(parse_chart("C | F"))
    world.turn("mode", mode)
    world.press(*C_MAJOR_7)
    world.run(2.0)
    struck = len(world.onsets())
    world.now_us += jump_us
    world.run(0.02)
    assert len(world.sounding) <= len(world.onsets()) - struck, "what sounds has begun since"
    if mode in ("trade", "continue"):
        world.release(*C_MAJOR_7)
        world.press(60)
        world.run(0.2)
        world.release(60)
    world.run(10.0 if mode == "trade" else 3.0)
    resumed = [sent for sent in world.sent if sent[2] & 0xF0 == 0x90][struck:]
    assert bool(resumed) == (mode in ("follow", "changes"))  # the double plays nothing without a chord
    assert all(at_us - due_us <= 30_000 for at_us, due_us, *_ in resumed)
    gaps_us = [b[0] - a[0] for a, b in zip(resumed, resumed[4:], strict=False)]
    assert not gaps_us or min(gaps_us) > 10_000, "five strikes at once"


def test_a_chart_keeps_the_bars_of_the_wall_through_lost_time() -> None:
    world = World()
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart("C | F# | C | F#"))
    world.run(3.0)
    charting = world.live._modes.charting
    assert charting is not None

    def beat() -> float:
        return charting.beat_at(world.live._ahead.stream_s(world.now_us))

    before, at_us = beat(), world.now_us
    world.advance(5_300_000)
    world.run(0.5)
    expected = before + (world.now_us - at_us) / 500_000
    assert beat() == pytest.approx(expected, abs=0.05)


def test_a_failed_round_ends_every_note_and_the_chord_that_is_held_is_followed_again() -> None:
    class Fails(FakeSession):
        lives = 2

        def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
            if self.time_s > 1.0 and Fails.lives:
                Fails.lives -= 1
                raise SystemExit("killed")
            return super().generate(until_s, to_strike)

    world = World(make_session=Fails)
    world.turn("temperature", 0.1)  # the double then plays the root alone
    world.press(*D_MINOR_7)
    for _ in range(400):
        try:
            world.run(0.01)
        except SystemExit as error:
            world.live.broke(error)
            world.advance(4_000)
            assert not world.sounding
    assert Fails.lives == 0
    assert {pitch % 12 for _, pitch in world.onsets(world.now_us - 1_000_000)} == {2}, "chord and knob are kept"
    errors = [text for what, text in world.said if what == "error"]
    assert len(errors) == 2
    assert "SystemExit: killed" in errors[0]


def test_the_sessions_thread_survives_whatever_its_decoder_throws() -> None:
    class Fails(FakeSession):
        lives = RESTARTS

        def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
            if self.time_s > 0.2 and Fails.lives:
                Fails.lives -= 1
                raise (MemoryError, SystemExit, ValueError)[Fails.lives]("lost")
            return super().generate(until_s, to_strike)

    scheduler, port, said = native.Scheduler(), [], []
    player = DeadlineThread(scheduler, lambda message: port.append(tuple(message)), native.now_us, pytest.fail)
    live = LiveSession(Fails, scheduler, Inbox(native.now_us), lambda what, text: said.append(what))
    live.set_parameter(Setting("look_ahead_ms", 200))
    live.set_chord(parse_chord("C"))
    player.start()
    live.start_thread(pytest.fail)
    give_up = time.monotonic() + 60
    while (Fails.lives or len(port) < 30) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert live.stop_thread()
    assert player.finish()
    assert said.count("error") == RESTARTS
    assert len(port) >= 30


def test_a_machine_that_slept_is_noticed_where_the_monotonic_clock_stood_still() -> None:
    slept_us = [0]
    scheduler, said = native.Scheduler(), []
    live = LiveSession(FakeSession, scheduler, Inbox(native.now_us), lambda *report: said.append(report))
    live.set_parameter(Setting("look_ahead_ms", 100))
    live.set_chord(parse_chord("C"))
    thread = SessionThread(live, pytest.fail, lambda: slept_us[0])
    thread.start()
    time.sleep(0.3)
    slept_us[0] = 3_600_000_000
    give_up = time.monotonic() + 60
    while not any(what == "note" for what, _ in said) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert thread.stop(2.0)
    assert [text for what, text in said if what == "note"] == [
        "the machine slept: every note ended, the music goes on from now"
    ]


def test_a_host_clock_that_jumps_back_locks_again() -> None:
    clock = MidiClock()
    clock.take(0, b"\xfa")
    at_us = 10_000_000
    for _ in range(200):
        clock.take(at_us, b"\xf8")
        at_us += 20_833
    at_us -= 5_000_000
    for _ in range(200):
        clock.take(at_us, b"\xf8")
        at_us += 20_833
    assert clock.tempo_bpm == pytest.approx(120.0, rel=0.02)


def test_strikes_that_fell_due_while_the_process_stood_still_are_left_out_with_their_ends() -> None:
    port: list[tuple[int, ...]] = []
    scheduler = native.Scheduler()
    now_us = native.now_us()
    for number in range(10):
        scheduler.push(now_us - 900_000 + number * 80_000, 0x90, 60 + number, 80)
        scheduler.push(now_us + 30_000 + number * 1_000, 0x80, 60 + number, 0)
    player = DeadlineThread(scheduler, lambda message: port.append(tuple(message)), native.now_us, pytest.fail)
    player.start()
    time.sleep(0.2)
    assert player.finish()
    struck = [pitch for status, pitch, _ in port if status == 0x90]
    assert player.missed >= 8
    assert len(struck) + player.missed == 10
    assert [pitch for status, pitch, _ in port if status == 0x80] == struck


def test_a_receiver_that_holds_notes_of_a_killed_process_is_silenced_at_the_start_and_before_the_first_strike() -> None:
    port: list[tuple[int, ...]] = []
    scheduler = native.Scheduler()
    player = DeadlineThread(scheduler, lambda message: port.append(tuple(message)), native.now_us, pytest.fail)
    player.start()
    time.sleep(0.05)
    at_start, port[:] = list(port), []
    scheduler.push(native.now_us(), 0x90, 60, 80)
    time.sleep(0.1)
    assert player.finish()
    assert at_start == [(0xB0, 64, 0), (0xB0, 123, 0), (0xB9, 64, 0), (0xB9, 123, 0)]
    assert port[:3] == [(0xB0, 64, 0), (0xB0, 123, 0), (0x90, 60, 80)]


def test_the_watchman_hears_of_our_threads_and_leaves_others_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[object] = []
    monkeypatch.setattr(threading, "excepthook", others.append)
    died: list[tuple[str, str]] = []
    watchman = Watchman(lambda name, error: died.append((name, str(error))))

    def fail() -> None:
        raise ValueError("lost")

    for name in ("sideman-osc", "else"):
        thread = threading.Thread(target=fail, name=name)
        thread.start()
        thread.join()
    watchman.close()
    assert died == [("sideman-osc", "lost")]
    assert len(others) == 1
    assert threading.excepthook == others.append


# ---- as processes, over real ports ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack() as jack:
        yield jack


FRAGILE_ENGINE = [sys.executable, str(Path(__file__).parents[2] / "support" / "live" / "play_fragile.py")]


@pytest.mark.real
@pytest.mark.timeout(120)
def test_a_decoder_an_osc_server_and_knobs_that_die_are_started_again_and_reported(server: JackServer) -> None:
    answers_port = free_udp_port()
    with playing(server, FRAGILE_ENGINE, ["--chords", "C"]) as (play, listener):
        dump = Lines(["stdbuf", "-oL", "oscdump", str(answers_port)], server.environment)
        try:
            time.sleep(0.3)
            play.osc("/sideman/subscribe", "i", str(answers_port))
            play.osc("/sideman/seed", "i", "666")  # the double's sign to fail
            dump.wait_for("decoder lost")
            dump.wait_for("/sideman/error")
            failed = len(listener.onsets())
            time.sleep(1.0)
            assert len(listener.onsets()) > failed, "it plays again"
            play.osc("/sideman/break")
            dump.wait_for("OSC is open again")
            play.osc("/sideman/ping")
            dump.wait_for("/sideman/pong")
            send_raw(server, [("B0 18 42", 0.0)])
            dump.wait_for("knob lost: the knobs work again, the music goes on")
            send_raw(server, [("B0 18 7F", 0.0)])
            dump.wait_for("density")
        finally:
            dump.kill()
        assert play.end() == 130
        listener.finish()
        assert listener.unended() == set()
        assert play.errors == []


@pytest.mark.real
@pytest.mark.timeout(120)
def test_a_decoder_that_hangs_leaves_no_note_sounding_and_the_music_comes_back(server: JackServer) -> None:
    with playing(server, FRAGILE_ENGINE, ["--chords", "C", "--look-ahead-ms", "300"]) as (play, listener):
        play.osc("/sideman/seed", "i", "667")
        play.wait_for("the session hangs, every note ended", 15)
        time.sleep(0.3)
        assert listener.unended() == set()
        begin = len(listener.onsets())
        time.sleep(4.5)
        assert len(listener.onsets()) > begin
        assert play.end() == 130
        listener.finish()
        assert listener.unended() == set()


@pytest.mark.real
@pytest.mark.timeout(120)
def test_a_process_that_stood_still_goes_on_without_a_bunch_of_notes(server: JackServer) -> None:
    with playing(server, options=["--chords", "C", "--tempo", "120"]) as (play, listener):
        time.sleep(1.5)
        play.process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        stood = len(listener.onsets())
        continued_us = time.monotonic_ns() // 1000
        play.process.send_signal(signal.SIGCONT)
        play.wait_for("every note ended", 30)  # time was lost; or it stood still in a round, and seems to hang
        resumed: list[int] = []
        give_up_s = time.monotonic() + 60  # beside other work the music takes its time to come back
        while not any(at_us - continued_us > 500_000 for at_us in resumed) and time.monotonic() < give_up_s:
            time.sleep(0.05)
            resumed = [at_us for at_us, _ in listener.onsets()[stood:]]
        assert play.end() == 130
        listener.finish()
        assert listener.unended() == set()
        assert resumed
        assert sum(at_us - continued_us < 20_000 for at_us in resumed) <= 5


@pytest.mark.real
@pytest.mark.timeout(120)
def test_a_killed_recording_opens_and_the_next_start_silences_what_was_left(server: JackServer, tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    options = ["--record", str(path), "--chords", "Dm7"]
    # A server of its own: a client that dies without goodbye stalls everyone else's for seconds.
    with running_jack() as own, playing(own, options=options) as (play, listener):
        pianist(own, [(0.0, "on", D_MINOR), (1.0, "off", D_MINOR), (1.2, "on", [])])
        time.sleep(0.6)
        heard_by_then = len(listener.onsets())
        time.sleep(0.6)
        play.process.send_signal(signal.SIGKILL)
        assert play.join() == -signal.SIGKILL
        own.kill()
        listener.kill()
    assert not path.exists()
    ears = Listener("Synth In", server.environment, virtual=True)
    try:
        again = Play(FAKE_ENGINE, ["--record", str(path), "--out", "Synth In"], server.environment)
        try:
            line = again.wait_for("broken off", 30)
            again.wait_for("Ctrl-C stops", 30)
            time.sleep(0.5)
            assert again.end() == 130
        finally:
            again.kill()
    finally:
        ears.finish()
    assert [message[1:] for message in ears.messages()[:2]] == [(0xB0, 64, 0), (0xB0, 123, 0)]
    recovered = tmp_path / "take-recovered.mid"
    assert str(recovered) in line
    tracks = mido.MidiFile(recovered).tracks
    assert sum(message.type == "note_on" for message in tracks[1]) >= heard_by_then > 3
    assert [message.note for message in tracks[2] if message.type == "note_on"] == list(D_MINOR)
    assert sorted(tmp_path.iterdir()) == [recovered, path]


@pytest.mark.real
@pytest.mark.timeout(120)
def test_a_disk_that_fills_while_recording_is_one_line_and_the_music_goes_on(
    server: JackServer, tmp_path: Path
) -> None:
    path = tmp_path / "take.mid"
    answers_port = free_udp_port()
    with playing(server, options=["--record", str(path), "--chords", "C"]) as (play, listener):
        dump = Lines(["stdbuf", "-oL", "oscdump", str(answers_port)], server.environment)
        try:
            time.sleep(0.5)
            play.osc("/sideman/subscribe", "i", str(answers_port))
            full = os.path.getsize(tmp_path / "take.mid.journal") + 100
            resource.prlimit(play.process.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
            dump.wait_for("playing goes on")
            dump.wait_for("/sideman/error")
            begin = len(listener.onsets())
            time.sleep(1.5)
            assert len(listener.onsets()) > begin
            resource.prlimit(play.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        finally:
            dump.kill()
        assert play.end() == 130
        listener.finish()
        assert len([line for line in play.lines if line.startswith("error")]) == 1
        assert play.errors == []
    played = [message.note for message in mido.MidiFile(path).tracks[1] if message.type == "note_on"]
    heard = [pitch for _, pitch in listener.onsets()]  # from when it was connected
    assert played[-len(heard) :] == heard, "what waited in memory is in the file"


@pytest.mark.real
@pytest.mark.usefixtures("hangups")
@pytest.mark.timeout(120)
def test_a_terminal_that_is_closed_ends_every_note_and_keeps_the_take(server: JackServer, tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    options = ["--record", str(path), "--chords", "C", "--osc-port", str(free_udp_port())]
    # A session of its own, with this terminal: what a window's shell is.
    become = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    terminal, window = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", become, *FAKE_ENGINE, *options], env=server.environment, stdin=window, stdout=window,
        stderr=window, start_new_session=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    os.close(window)
    try:
        said = b""
        while b"Ctrl-C stops" not in said:
            said += os.read(terminal, 4096)
        listener = Listener("Sideman Out", server.environment)
        time.sleep(1.0)
        os.close(terminal)
        assert process.wait(60) == 128 + signal.SIGHUP
    finally:
        process.kill()
        process.wait(60)
    listener.finish()
    assert listener.onsets()
    assert listener.unended() == set()
    assert sum(message.type == "note_on" for message in mido.MidiFile(path).tracks[1]) >= len(listener.onsets())
