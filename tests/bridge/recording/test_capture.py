"""Laws of what is captured: the last bars from a bar line on, every note whole, as a file that opens."""

from __future__ import annotations

import io
import math
import threading

import mido
import pytest

from bridge.recording.capture import KEPT_US, Capture
from engine.metre import COMMON, Metre

BAR_US = 2_000_000  # four beats at 120


def played(bars: int, capture: Capture | None = None) -> Capture:
    """A note on every beat, half a beat long; the pitch says which beat; and one that is held across each bar line."""
    capture = capture or Capture()
    capture.beat(0, 120.0, 0, COMMON)
    for beat in range(bars * 4):
        at_us = beat * 500_000
        capture.note_out(at_us, bytes((0x90, beat % 100, 80)))
        capture.note_out(at_us + 250_000, bytes((0x80, beat % 100, 0)))
        if beat % 4 == 3:
            capture.heard(at_us + 300_000, bytes((0x92, 110, 90)))
        if beat % 4 == 0 and beat:
            capture.heard(at_us + 400_000, bytes((0x82, 110, 0)))
    return capture


def read(capture: Capture, bars: int, now_us: int) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(capture.midi(bars, now_us)))


def strikes(track: mido.MidiTrack) -> list[tuple[int, int]]:
    """(tick, pitch) of each; AssertionError for a note that does not end, or ends twice."""
    found, sounding, tick = [], set(), 0
    for message in track:
        tick += message.time
        if message.type == "note_on" and message.velocity:
            assert message.note not in sounding
            sounding.add(message.note)
            found.append((tick, message.note))
        elif message.type in ("note_on", "note_off"):
            sounding.remove(message.note)
    assert sounding == set()
    return found


@pytest.mark.parametrize("bars", [1, 2, 4, 8])
def test_the_last_bars_begin_on_a_bar_line_and_every_note_is_whole(bars: int) -> None:
    now_us = 20 * BAR_US - 1  # at the end of the twentieth bar
    capture = played(20)
    file = read(capture, bars, now_us)
    first = (20 - bars) * 4
    assert strikes(file.tracks[1]) == [(480 * i, (first + i) % 100) for i in range(bars * 4)]
    assert all(tick % 480 == 288 for tick, _ in strikes(file.tracks[2]))  # the player's, 0.3 s into the last beat


# Each (bars, beats a minute, beats a bar), one after the other.
CHANGES = {
    "another tempo at a bar line, faster": [(4, 60.0, 4), (2, 120.0, 4)],
    "another tempo at a bar line, slower": [(4, 120.0, 4), (2, 60.0, 4)],
    "another tempo within a bar": [(2.25, 60.0, 4), (1.75, 120.0, 4)],
    "another metre": [(4, 120.0, 3), (2, 120.0, 4)],
    "a clock that drifts": [(0.25, 120.0 + 0.5 * (i % 2), 4) for i in range(24)],
}


@pytest.mark.parametrize("parts", CHANGES.values(), ids=CHANGES)
def test_the_last_bars_are_as_many_as_asked_whatever_tempo_and_metre_did_in_them(
    parts: list[tuple[float, float, int]],
) -> None:
    capture, now_us, bar, lines = Capture(), 10_000_000.0, 0.0, list[int]()
    for bars, tempo_bpm, beats in parts:
        length_us = 60e6 / tempo_bpm * beats
        capture.beat(round(now_us), tempo_bpm, round(now_us - bar % 1 * length_us), Metre(beats))
        for line in range(math.ceil(bar), math.ceil(bar + bars)):
            at_us = round(now_us + (line - bar) * length_us)
            capture.note_out(at_us, bytes((0x90, 60 + line, 80)))
            capture.note_out(at_us + 100_000, bytes((0x80, 60 + line, 0)))
            lines.append(60 + line)
        now_us, bar = now_us + bars * length_us, bar + bars
    for asked in range(1, len(lines)):
        struck = strikes(read(capture, asked, round(now_us) - 100_000).tracks[1])
        assert [pitch for _, pitch in struck] == lines[-asked:]
        assert struck[0][0] == 0  # the file begins with the bar, not before it


def test_music_without_a_beat_is_captured_by_the_clock() -> None:
    capture = Capture()
    for second in range(10):
        capture.note_out(second * 1_000_000, bytes((0x90, 60 + second, 80)))
        capture.note_out(second * 1_000_000 + 500_000, bytes((0x80, 60 + second, 0)))
    assert [pitch for _, pitch in strikes(read(capture, 2, 9_900_000).tracks[1])] == [66, 67, 68, 69]


def test_nothing_played_is_an_empty_take() -> None:
    assert strikes(read(Capture(), 16, 5_000_000).tracks[1]) == []


def test_what_is_long_past_is_forgotten_but_not_its_beat() -> None:
    capture = played(2)
    now_us = KEPT_US + 100 * BAR_US
    for beat in range(8):
        at_us = now_us - (8 - beat) * 500_000
        capture.note_out(at_us, bytes((0x90, 60, 80)))
        capture.note_out(at_us + 100_000, bytes((0x80, 60, 0)))
    assert len(capture._entries) == 16
    assert [tick for tick, _ in strikes(read(capture, 2, now_us - 1).tracks[1])] == [480 * i for i in range(8)]


def test_what_is_played_meanwhile_makes_nobody_wait_and_breaks_no_file() -> None:
    capture = played(8)
    done = threading.Event()

    def play() -> None:
        for at_us in range(16_000_000, 16_800_000, 20):
            capture.note_out(at_us, b"\x90\x40\x50")
            capture.note_out(at_us + 10, b"\x80\x40\x00")
            if done.is_set():
                return

    players = [threading.Thread(target=play) for _ in range(2)]
    for player in players:
        player.start()
    try:
        for _ in range(50):
            assert strikes(read(capture, 4, 15_999_999))
    finally:
        done.set()
        for player in players:
            player.join()


def test_one_pitch_on_two_channels_is_two_notes_and_both_end() -> None:
    capture = Capture()
    for at, message in enumerate(((0x90, 60, 80), (0x91, 60, 80), (0x92, 60, 80), (0x81, 60, 0))):
        capture.heard(1_000_000 + at * 10_000, bytes(message))
    track = read(capture, 2, 3_000_000).tracks[2]
    told = [(m.type == "note_on" and m.velocity > 0, m.channel) for m in track if not m.is_meta]
    assert told == [(True, 0), (True, 1), (True, 2), (False, 1), (False, 0), (False, 2)]


@pytest.mark.parametrize("lifted", [None, (0xB0, 64, 0), (0xB0, 121, 0)], ids=["down", "lifted", "reset"])
def test_a_pedal_that_was_down_before_is_down_from_the_beginning_and_lifted_at_the_end(
    lifted: tuple[int, ...] | None,
) -> None:
    capture = played(8)
    capture.heard(5_100_000, bytes((0xB0, 64, 100)))
    if lifted is not None:
        capture.heard(5_200_000, bytes(lifted))
    capture.heard(15_000_000, bytes((0xB0, 67, 127)))  # the soft pedal holds nothing
    at, pedal = 0, []
    for message in read(capture, 2, 8 * BAR_US - 1).tracks[2]:
        at += message.time
        if message.type == "control_change" and message.control == 64:
            pedal.append((at, message.value))
    assert pedal == ([(0, 100), (2 * 4 * 480, 0)] if lifted is None else [])
