"""Channel mode messages in files: all notes off and its kin end notes, reset all controllers lifts the pedal."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engine.midi_io.pedal import extend_with_pedal
from engine.midi_io.read import read_performance
from engine.notes import Performance

END = b"\x00\xff\x2f\x00"
HALF_SECOND, NOW = b"\x83\x60", b"\x00"  # delta times at 480 ticks a quarter note, 120 bpm


def read(tmp_path: Path, *tracks: bytes, kind: int = 1) -> Performance:
    path = tmp_path / "a.mid"
    chunks = [b"MTrk" + struct.pack(">I", len(track + END)) + track + END for track in tracks]
    path.write_bytes(
        b"MThd" + struct.pack(">IHHH", 6, kind if len(chunks) > 1 else 0, len(chunks), 480) + b"".join(chunks)
    )
    return read_performance(path)


def sounds(performance: Performance) -> list[tuple[int, float, float]]:
    """(pitch, onset_s, offset_s) with the pedal written into them."""
    notes = extend_with_pedal(performance.notes, performance.pedal_s, performance.pedal_down)
    return [(int(note["pitch"]), round(float(note["onset_s"]), 2), round(float(note["offset_s"]), 2)) for note in notes]


LATER = HALF_SECOND + b"\x91\x30\x50" + HALF_SECOND + b"\x81\x30\x00"  # another channel, half a second after


@pytest.mark.parametrize("controller", [120, 123, 124, 125, 126, 127])
def test_all_notes_off_and_its_kin_end_the_notes_of_their_channel(tmp_path: Path, controller: int) -> None:
    off = bytes((0xB0, controller, 0))
    track = NOW + b"\x90\x3c\x50" + NOW + b"\x91\x40\x50" + HALF_SECOND + off + LATER + NOW + b"\x81\x40\x00"
    assert sounds(read(tmp_path, track)) == [(60, 0.0, 0.5), (64, 0.0, 1.5), (48, 1.0, 1.5)]


def test_an_end_behind_all_notes_off_belongs_to_the_note_struck_since(tmp_path: Path) -> None:
    track = (
        NOW + b"\x90\x3c\x50" + HALF_SECOND + b"\xb0\x7b\x00" + NOW + b"\x90\x3c\x51" + HALF_SECOND + b"\x80\x3c\x00"
    )
    assert sounds(read(tmp_path, track + LATER)) == [(60, 0.0, 0.5), (60, 0.5, 1.0), (48, 1.5, 2.0)]


def test_a_note_that_has_ended_by_itself_is_left_alone(tmp_path: Path) -> None:
    track = NOW + b"\x90\x3c\x50" + HALF_SECOND + b"\x80\x3c\x00" + HALF_SECOND + b"\xb0\x7b\x00"
    assert sounds(read(tmp_path, track)) == [(60, 0.0, 0.5)]


def test_all_notes_off_leaves_the_pedal_down_and_reset_controllers_lifts_it(tmp_path: Path) -> None:
    track = (
        NOW + b"\xb0\x40\x7f" + NOW + b"\x90\x3c\x50" + HALF_SECOND + b"\xb0\x7b\x00" + HALF_SECOND + b"\xb0\x79\x00"
    )
    assert sounds(read(tmp_path, track + LATER)) == [(60, 0.0, 1.0), (48, 1.5, 2.0)]


def test_all_sound_off_ends_what_the_pedal_holds_and_leaves_the_pedal_down(tmp_path: Path) -> None:
    struck = NOW + b"\x90\x3c\x50" + NOW + b"\x80\x3c\x00" + HALF_SECOND + b"\xb0\x78\x00"
    again = HALF_SECOND + b"\x90\x3e\x50" + NOW + b"\x80\x3e\x00" + HALF_SECOND + b"\xb0\x40\x00"
    found = sounds(read(tmp_path, NOW + b"\xb0\x40\x7f" + struck + again + LATER))
    assert found == [(60, 0.0, 0.5), (62, 1.0, 1.5), (48, 2.0, 2.5)]


def test_a_track_without_notes_speaks_for_its_channel_and_one_with_notes_for_itself(tmp_path: Path) -> None:
    held = NOW + b"\xb0\x40\x7f" + NOW + b"\x90\x3c\x50" + HALF_SECOND + b"\x80\x3c\x00" + LATER
    reset = HALF_SECOND + b"\xb0\x7b\x00" + HALF_SECOND + b"\xb0\x79\x00"
    assert sounds(read(tmp_path, held, reset))[0] == (60, 0.0, 1.0)
    assert sounds(read(tmp_path, held, NOW + b"\x92\x54\x50" + reset + NOW + b"\x82\x54\x00"))[0] == (60, 0.0, 1.5)
    assert sounds(read(tmp_path, NOW + b"\x90\x3c\x50" + HALF_SECOND + LATER, reset))[0] == (60, 0.0, 0.5)


def test_patterns_of_a_type_2_file_know_nothing_of_one_another(tmp_path: Path) -> None:
    first = NOW + b"\x90\x3c\x50" + HALF_SECOND + b"\x80\x3c\x00"
    assert sounds(read(tmp_path, first, NOW + b"\xb0\x7b\x00", kind=2)) == [(60, 0.0, 0.5)]


def test_mode_messages_at_the_start_change_nothing(tmp_path: Path) -> None:
    music = NOW + b"\xb0\x40\x7f" + NOW + b"\x90\x3c\x50" + HALF_SECOND + b"\x80\x3c\x00" + LATER
    start = NOW + b"\xb0\x79\x00" + NOW + b"\xb0\x7b\x00" + NOW + b"\xb0\x78\x00"
    assert sounds(read(tmp_path, start + music)) == sounds(read(tmp_path, music))
