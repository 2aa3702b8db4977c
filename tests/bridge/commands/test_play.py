"""`sideman play` over real JACK ports: pianist, listener, OSC tools and synthesiser are processes of their own."""

from __future__ import annotations

import collections
import math
import os
import shutil
import signal
import socket
import sys
import time
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import rtmidi

from engine.chords import parse_chord
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import FAKE_ENGINE, SHIPPED_ENGINE, Lines, Play, free_udp_port, pianist, playing

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

D_MINOR_7, G_7, C_MAJOR_7 = (50, 53, 57, 60), (43, 53, 59, 62), (48, 52, 55, 59)
FIRST_NOTE_LIMIT_MS = 500  # 200 asked on a calm machine; builds are not calm

ENGINES = [pytest.param(FAKE_ENGINE, id="fake engine"), pytest.param(SHIPPED_ENGINE, id="shipped base")]


IDENTITY_REPLY = bytes.fromhex("F0 7E 00 06 02")


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack() as jack:
        yield jack


def entropy_bits(values: Iterable[object]) -> float:
    """Shannon entropy of the values' histogram."""
    counts = collections.Counter(values)
    total = sum(counts.values())
    return sum(count / total * math.log2(total / count) for count in counts.values())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_solo_follows_the_chords_held_and_ends_with_ctrl_c(server: JackServer, engine: list[str]) -> None:
    with playing(server, engine, ["--seed", "7"]) as (play, listener):
        time.sleep(0.3)
        assert listener.messages() == [], "silent before the first chord"
        sent = pianist(
            server,
            [
                (0.0, "on", D_MINOR_7),
                (2.0, "off", D_MINOR_7),
                (2.0, "on", G_7),
                (4.0, "off", G_7),
                (4.0, "on", C_MAJOR_7),
                (6.0, "on", []),
            ],
        )
        assert play.end(signal.SIGINT) == 130
        listener.finish()
    chords_s = [at_us / 1e6 for at_us, kind, pitches in sent if kind == "on" and pitches]
    onsets = listener.onsets()
    first_ms = onsets[0][0] / 1e3 - chords_s[0] * 1e3
    print(f"\nfirst note {first_ms:.1f} ms after the chord; {len(onsets)} notes; {play.lines[-1]}")
    assert 0 < first_ms < FIRST_NOTE_LIMIT_MS
    assert [line for line in play.lines if line.startswith("chord")] == ["chord Dm7", "chord G7", "chord Cmaj7"]
    assert listener.unended() == set()
    assert listener.messages()[-1][1:] == (0xB0, 123, 0)
    assert play.errors == []
    if engine == FAKE_ENGINE:  # which plays nothing but chord tones
        for start_s, symbol in zip(chords_s, ("Dm7", "G7", "Cmaj7"), strict=True):
            heard = {pitch % 12 for at_us, pitch in onsets if start_s + 0.15 < at_us / 1e6 < start_s + 2.0}
            assert heard <= set(parse_chord(symbol).pitch_classes())


@pytest.mark.parametrize("engine", ENGINES)
def test_the_temperature_knob_is_heard(server: JackServer, engine: list[str]) -> None:
    bits = collections.defaultdict(list)
    with playing(server, engine, ["--chords", "Cmaj7 | Am7", "--tempo", "120", "--seed", "3"]) as (play, listener):
        for temperature in (0.1, 1.8, 0.1, 1.8):  # twice, as six seconds of a pianist vary by half a bit
            play.osc("/sideman/param/temperature", "f", str(temperature))
            time.sleep(1.0)  # music plays on as it went, and a wild past is left slowly
            begin = len(listener.onsets())
            time.sleep(6.0)
            pitches = [pitch for _, pitch in listener.onsets()[begin:]]
            bits[temperature].append(entropy_bits(pitches))  # 0 of silence, which a cold model may choose
            print(f"\n{len(pitches)} notes of {bits[temperature][-1]:.2f} bits at temperature {temperature}")
        assert play.end() == 130
        listener.finish()
    assert sum(bits[1.8]) > sum(bits[0.1]) + 0.5
    assert listener.unended() == set()


@pytest.mark.parametrize("mode", ["continue", "trade"])
def test_the_shipped_base_answers_a_phrase(server: JackServer, mode: str) -> None:
    options = ["--mode", mode, "--tempo", "120", "--trade-bars", "1", "--seed", "7"]
    with playing(server, SHIPPED_ENGINE, options) as (play, listener):
        sent = pianist(
            server, [(0.2 * i + d, kind, [60 + i]) for i in range(6) for d, kind in ((0.0, "on"), (0.15, "off"))]
        )
        time.sleep(3.0)
        assert play.end(signal.SIGINT) == 130
        listener.finish()
    first_s = listener.onsets()[0][0] / 1e6 - sent[0][0] / 1e6
    print(f"\nanswers {first_s:.2f} s after the first key")
    assert 1.0 < first_s < 4.0
    assert listener.unended() == set()
    assert play.errors == []


def test_a_chart_starts_and_stops_with_the_clock_of_a_host(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    host = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="Host")
    try:
        with playing(server, options=["--chords", "C", "--clock", "midi"]) as (play, listener):
            host.open_port(next(i for i, name in enumerate(host.get_ports()) if "Sideman In" in name), "clock")
            time.sleep(0.5)
            assert not listener.onsets()
            host.send_message([0xFA])
            began = time.monotonic()
            for tick in range(24 * 8):  # at 150 beats a minute
                time.sleep(max(0.0, began + tick / 60 - time.monotonic()))
                host.send_message([0xF8])
            assert listener.onsets()
            host.send_message([0xFC])
            time.sleep(0.3)
            assert listener.unended() == set()
            stopped = len(listener.onsets())
            time.sleep(0.7)
            assert len(listener.onsets()) == stopped
            assert play.end() == 130
            listener.finish()
            assert play.errors == []
    finally:
        host.close_port()
        host.delete()


@pytest.mark.usefixtures("hangups")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_end_every_note_too(server: JackServer, number: int, code: int) -> None:
    with playing(server, options=["--chords", "C"]) as (play, listener):
        time.sleep(1.5)
        assert play.end(number) == code
        listener.finish()
        assert listener.onsets()
        assert listener.unended() == set()


def test_stop_panic_and_play_over_osc(server: JackServer) -> None:
    with playing(server, options=["--chords", "C"]) as (play, listener):
        time.sleep(1.0)
        for command, answers in (("/sideman/stop", False), ("/sideman/play", True), ("/sideman/panic", False)):
            play.osc(command)
            time.sleep(0.3)
            if not answers:
                assert listener.unended() == set()
            begin = len(listener.onsets())
            time.sleep(1.0)
            assert bool(len(listener.onsets()) - begin) == answers
        play.osc("/sideman/play")
        play.osc("/sideman/chord", "s", "Am7")  # in changes mode the chart goes on
        play.osc("/sideman/transport/tempo", "f", "90")
        play.osc("/sideman/seed", "i", "4")
        play.osc("/sideman/mode", "s", "follow")
        play.wait_for("chord Am7")
        assert play.end() == 130
        listener.finish()
        assert listener.unended() == set()
        assert play.errors == []


def test_osc_answers_values_and_reasons(server: JackServer) -> None:
    answers_port = free_udp_port()
    with playing(server) as (play, _):
        dump = Lines(["stdbuf", "-oL", "oscdump", str(answers_port)], server.environment)
        try:
            time.sleep(0.3)
            play.osc("/sideman/subscribe", "i", str(answers_port))
            play.osc("/sideman/param/temperature", "f", "1.25")
            dump.wait_for('"temperature" 1.25')
            play.osc("/sideman/param/temperature", "f", "9")
            assert "0.05..2" in dump.wait_for("/sideman/error")
            play.osc("/sideman/chords", "s", "Dm7 | X7")
            assert "column 7" in dump.wait_for("'X7'")
            play.osc("/sideman/mode", "s", "changes")
            assert "needs a chord chart" in dump.wait_for("'changes'")
            play.osc("/sideman/chord", "s", "Dm7")
            dump.wait_for('/sideman/status ss "chord" "Dm7"')
            play.osc("/sideman/ping")
            dump.wait_for("/sideman/pong")
        finally:
            dump.kill()
        assert play.end() == 130


@pytest.mark.parametrize(("option", "name"), [("--in", "Sideman Nowhere"), ("--out", "Sideman Nowhere")])
def test_an_unknown_port_is_refused_with_those_that_exist(server: JackServer, option: str, name: str) -> None:
    with playing(server) as (play, _):  # its ports exist
        other = Lines([*FAKE_ENGINE, option, name], server.environment)
        assert other.join(20) == 2
        assert len(other.errors) == 1
        assert name in other.errors[0]
        there = {"--in": "'Sideman Out:Sideman Out'", "--out": "'Sideman In:Sideman In'"}[option]
        assert there in other.errors[0]
        play.end()


def test_a_udp_port_in_use_is_refused(server: JackServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = str(holder.getsockname()[1])
        play = Lines([*FAKE_ENGINE, "--osc-port", port], server.environment)
        assert play.join(20) == 2
        assert len(play.errors) == 1
        assert port in play.errors[0]


def test_without_a_midi_system_there_is_one_line_with_the_remedy(server: JackServer) -> None:
    environment = {**server.environment, "JACK_DEFAULT_SERVER": "sideman-nobody"}
    for command in ([*FAKE_ENGINE], [sys.executable, "-m", "bridge.cli", "ports"]):
        process = Lines(command, environment)
        assert process.join(20) == 2
        assert len(process.errors) == 1
        assert "start jackd" in process.errors[0]


def test_the_ports_are_listed(server: JackServer) -> None:
    with playing(server) as (play, _):
        ports = Lines([sys.executable, "-m", "bridge.cli", "ports"], server.environment)
        assert ports.join(20) == 0
        assert "Sideman Out:Sideman Out" in "\n".join(ports.lines)
        play.end()


def test_existing_ports_can_be_named(server: JackServer) -> None:
    with playing(server) as (play, _):
        named = Play(FAKE_ENGINE, ["--in", "sideman out", "--out", "sideman in", "--chords", "C"], server.environment)
        try:
            assert "'Sideman Out:Sideman Out'" in named.wait_for("JACK:")
            play.wait_for("chord", 10)  # the one hears the other's solo as chords, and answers
            assert named.end() == 130
            assert play.end() == 130
        finally:
            named.kill()


def test_the_control_road_can_take_named_ports(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    ears = rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK, name="Script ears")
    mouth = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="Script mouth")
    ears.ignore_types(sysex=False)
    ears.open_virtual_port("in")
    mouth.open_virtual_port("out")
    try:
        with playing(server, options=["--control-in", "mouth", "--control-out", "ears"]) as (play, _):
            mouth.send_message(bytes.fromhex("F0 7E 00 06 01 F7"))  # identity request, as FL Studio sends it
            give_up, heard = time.monotonic() + 60, []
            while time.monotonic() < give_up and not any(m.startswith(IDENTITY_REPLY) for m in heard):
                message = ears.get_message()
                heard += [] if message is None else [bytes(message[0])]
                time.sleep(0.01)
            assert any(message.startswith(IDENTITY_REPLY) for message in heard), heard  # among the values that are told
            assert play.end() == 130
    finally:
        for client in (ears, mouth):
            client.close_port()
            client.delete()


def test_a_flood_of_knobs_and_notes_is_survived(server: JackServer) -> None:
    with playing(server) as (play, listener):
        keys = [(0.002 * i, kind, [36 + i % 48]) for i in range(1000) for kind in ("on", "off")]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knob:
            from osc_protocol.wire.codec import encode

            for i in range(2000):
                knob.sendto(encode("/sideman/param/temperature", 0.1 + i % 100 / 100), ("127.0.0.1", play.osc_port))
        pianist(server, keys)
        assert play.end() == 130
        listener.finish()
        assert listener.unended() == set()
        assert play.errors == []


def test_a_take_holds_what_was_played_in_and_out(server: JackServer, tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    with playing(server, options=["--record", str(path)]) as (play, listener):
        pianist(server, [(0.0, "on", D_MINOR_7), (1.5, "off", D_MINOR_7)])
        assert play.end() == 130
        listener.finish()
    take = mido.MidiFile(path)
    assert [track.name for track in take.tracks] == ["Take", "Sideman", "Player"]
    assert [message.text for message in take.tracks[0] if message.type == "marker"] == ["Dm7"]
    played = [message for message in take.tracks[1] if message.type == "note_on"]
    assert len(played) == len(listener.onsets())
    assert [message.note for message in take.tracks[2] if message.type == "note_on"] == list(D_MINOR_7)
    assert list(tmp_path.iterdir()) == [path]


def test_a_real_synthesiser_sounds_and_falls_silent(server: JackServer, tmp_path: Path) -> None:
    font = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
    if shutil.which("fluidsynth") is None or not font.exists():
        if os.environ.get("SIDEMAN_NATIVE") == "require":
            pytest.fail("fluidsynth is not installed: apt-get install fluidsynth timgm6mb-soundfont")
        pytest.skip("fluidsynth is not installed")
    jack = server.environment["JACK_DEFAULT_SERVER"]
    synth = Lines(
        ["fluidsynth", "-is", "-a", "jack", "-m", "jack", "-r", "48000", "-g", "0.8", "-R", "0", "-C", "0",
         "-o", f"audio.jack.server={jack}", "-o", f"midi.jack.server={jack}", str(font)],
        server.environment,
    )  # fmt: skip
    ears = None
    try:
        with playing(server, options=["--chords", "C"]) as (play, _):
            left = _wait_for_port(server, "fluidsynth", ":left")
            server.connect("Sideman Out:Sideman Out", _wait_for_port(server, "fluidsynth", ":midi_00"))
            recording = tmp_path / "heard.wav"
            ears = Lines(
                [
                    sys.executable,
                    str(Path(__file__).parents[2] / "support" / "live" / "jack_recorder.py"),
                    left,
                    str(recording),
                    "5",
                ],
                server.environment,
            )
            time.sleep(2.0)
            assert play.end() == 130
        assert ears.join() == 0, ears.errors
        synth.end(signal.SIGTERM)
    finally:
        synth.kill()
        if ears is not None:
            ears.kill()
    with wave.open(str(recording)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16).astype(float) / 32768
    loudest_db = 20 * math.log10(np.abs(samples[:72000]).max() + 1e-9)
    last_db = 20 * math.log10(np.abs(samples[-24000:]).max() + 1e-9)
    print(f"\nthe synth's peak: {loudest_db:.0f} dB while playing, {last_db:.0f} dB after the end")
    assert loudest_db > -40
    assert last_db < loudest_db - 30


def _wait_for_port(server: JackServer, start: str, end: str) -> str:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        for name in server.ports():
            if name.startswith(start) and name.endswith(end):
                return name
        time.sleep(0.1)
    raise AssertionError(f"no port {start}...{end}: {server.ports()}")
