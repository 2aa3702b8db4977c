"""MIDI files in and out: hostile bytes, tempo maps, pedal, and what three readers make of our files."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import MidiFileError
from engine.midi_io.pedal import extend_with_pedal
from engine.midi_io.read import read_performance
from engine.midi_io.tempo_map import TempoMap, beat_grid
from engine.notes import Notes, TimedText, make_notes
from tests.support.midi_bytes import ONE_NOTE, TEMPO_60, body, chunk, header, midi

Row = tuple[float, float, int, int]


def _read(tmp_path: Path, data: bytes, **options: object) -> list[Row]:
    path = tmp_path / "file.mid"
    path.write_bytes(data)
    return [tuple(note) for note in read_performance(path, **options).notes.tolist()]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        pytest.param(midi("0060", ONE_NOTE), [(0, 0.5, 60, 64)], id="no tempo is 120 bpm"),
        pytest.param(midi("0060", TEMPO_60 + ONE_NOTE), [(0, 1, 60, 64)], id="tempo"),
        pytest.param(midi("0060", TEMPO_60, ONE_NOTE), [(0, 1, 60, 64)], id="tempo in another track"),
        pytest.param(
            midi(
                "0060",
                """
                00 90 3C 40   # C4 on
                60 FF 51 03 0F 42 40   # 96 ticks later: 60 bpm
                60 80 3C 00   # 96 ticks at 60 bpm
                """,
            ),
            [(0, 1.5, 60, 64)],
            id="tempo change under a note",
        ),
        pytest.param(
            midi("0060", "00 FF 51 03 00 00 00  # a tempo of 0 us\n" + ONE_NOTE), [(0, 0.5, 60, 64)], id="tempo 0"
        ),
        pytest.param(
            midi(
                "0060",
                """
                00 90 3C 40   # C4 on
                00 40 50      # E4 on, running status
                60 3C 00      # C4 off: velocity 0
                00 40 00      # E4 off
                """,
            ),
            [(0, 0.5, 60, 64), (0, 0.5, 64, 80)],
            id="running status",
        ),
        pytest.param(
            midi("E728", "00 90 3C 40\n87 68 80 3C 00  # 1000 ticks of 1 ms"), [(0, 1, 60, 64)], id="SMPTE 25 x 40"
        ),
        pytest.param(
            midi("E728", TEMPO_60 + "00 90 3C 40\n87 68 80 3C 00"), [(0, 1, 60, 64)], id="SMPTE ignores tempo"
        ),
        pytest.param(
            midi("E364", "00 90 3C 40\n" + "97 38 80 3C 00  # 3000 ticks, drop frame"),
            [(0, 1.001, 60, 64)],
            id="SMPTE 29 is 29.97",
        ),
        pytest.param(
            midi("0060", ONE_NOTE, ONE_NOTE, kind=2), [(0, 0.5, 60, 64), (0.5, 1, 60, 64)], id="type 2 follows on"
        ),
        pytest.param(midi("0060", TEMPO_60 + ONE_NOTE, kind=0), [(0, 1, 60, 64)], id="type 0"),
        pytest.param(
            midi("0060", "00 FF 03 06 E5 A4 A2 FF FE 80  # a name that is no UTF-8\n" + ONE_NOTE),
            [(0, 0.5, 60, 64)],
            id="name in no known script",
        ),
        pytest.param(
            midi("0060", "00 F0 05 7E 7F 09 01 F7  # SysEx\n" + ONE_NOTE), [(0, 0.5, 60, 64)], id="system exclusive"
        ),
        pytest.param(
            midi("0060", "00 99 24 40  # bass drum\n60 89 24 00\n", ONE_NOTE), [(0, 0.5, 60, 64)], id="drums left out"
        ),
        pytest.param(
            midi("0060", "00 B0 07 A8  # controller value 168\n" + ONE_NOTE), [(0, 0.5, 60, 64)], id="value above 127"
        ),
        pytest.param(
            midi("0060", "00 90 3C 40\n30 90 3C 50\n30 80 3C 00\n30 80 3C 00"),
            [(0, 0.5, 60, 64), (0.25, 0.75, 60, 80)],
            id="the older of two equal notes ends first",
        ),
        pytest.param(
            midi(
                "0060",
                """
                00 80 3C 00   # the example in the docstring of _pair: an end of nothing
                18 90 3C 40
                18 90 3C 50
                18 80 3C 00
                18 80 3C 00
                18 80 3C 00   # and another
                18 90 3C 60
                30 FF 2F 00
                """,
            ),
            [(0.125, 0.375, 60, 64), (0.25, 0.5, 60, 80), (0.75, 1.0, 60, 96)],
            id="ends without a beginning are nothing",
        ),
        pytest.param(
            midi("0060", "00 90 3C 40\n30 FF 2F 00  # an end of track inside the track\n30 80 3C 00\n00 FF 2F 00"),
            [(0, 0.5, 60, 64)],
            id="music behind the end of track",
        ),
        pytest.param(
            midi("0060", ONE_NOTE + "00 FF 2F 00\n00 00 00 00  # padding"), [(0, 0.5, 60, 64)], id="padding behind it"
        ),
        pytest.param(midi("0060", ONE_NOTE) + b"XFIH\0\0\0\2ab", [(0, 0.5, 60, 64)], id="foreign chunk"),
    ],
)
def test_legal_if_awkward_files_are_read(tmp_path: Path, data: bytes, rows: list[Row]) -> None:
    assert np.array(_read(tmp_path, data)) == pytest.approx(np.array(rows))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a MIDI file"),
        (b"MThd", "not a MIDI file"),
        (b"RIFF" + bytes(100), "not a MIDI file"),
        (b"PK\3\4" + bytes(30), "zip archive: unpack it"),
        (b"\x1f\x8b" + bytes(30), "gzip data: unpack it"),
        (b"\n<!DOCTYPE html><title>404</title>", "web page"),
        (midi("0060", ONE_NOTE)[14:], "without its header"),
        (midi("0060", "00 90 3C 40\n" + "FF FF FF FF FF 00\n" * 10), "track 1: unreadable from byte 26"),
        (midi("0060"), "no pitched notes"),
        (midi("0060", ""), "no pitched notes"),
        (midi("0060", "00 99 24 40\n60 89 24 00"), "no pitched notes"),
        (midi("0000", ONE_NOTE), "0 ticks a quarter note"),
        (midi("E700", ONE_NOTE), "0 ticks a frame"),
        (midi("0001", "00 90 3C 40\nFF FF FF 7F 80 3C 00  # 2^28 ticks of half a second"), "hours"),
    ],
)
def test_files_without_music_are_refused_in_one_line(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(MidiFileError, match=reason) as refusal:
        _read(tmp_path, data)
    assert str(refusal.value).startswith(str(tmp_path / "file.mid"))
    assert "\n" not in str(refusal.value)


def test_only_regular_files_of_a_sane_size_are_opened(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match="no such file"):
        read_performance(tmp_path / "missing.mid")
    with pytest.raises(MidiFileError, match="a folder"):
        read_performance(tmp_path)
    with pytest.raises(MidiFileError, match="cannot be read"):
        read_performance(tmp_path / "zero\0byte.mid")
    with (tmp_path / "huge.mid").open("wb") as file:
        file.write(midi("0060", ONE_NOTE))
        file.truncate(2**33)  # sparse: takes no room
    with pytest.raises(MidiFileError, match="larger than 4 MB"):
        read_performance(tmp_path / "huge.mid")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_or_device_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mid")
    for path in (tmp_path / "pipe.mid", Path("/dev/zero")):
        with pytest.raises(MidiFileError, match="a pipe, socket or device"):
            read_performance(path)


NOTE_HEX = "90 3C 40\n60 3C 00\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"\0\x90\x3c\x40" + b"\1\x3c\x00\1\x3c\x40" * 600_000, "more than 500,000 notes", id="notes"),
        pytest.param(
            body("00" + NOTE_HEX) + b"\0\xff\1\0" * 300_000, "more text, tempo, system or damaged", id="texts"
        ),
        pytest.param(
            body("00" + NOTE_HEX) + b"\0\xc0\1" * 300_000, "more text, tempo, system or damaged", id="programs"
        ),
        pytest.param(b"\0\x90\x3c\xc0" * 300_000, "more text, tempo, system or damaged", id="damaged events"),
        pytest.param(b"\1\xff\x58\2\4\2" * 20_000 + body("00" + NOTE_HEX), "10,000 time signatures", id="metres"),
    ],
)
def test_what_would_take_for_ever_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(MidiFileError, match=reason):
        _read(tmp_path, header() + chunk(b"MTrk", content))


def test_a_note_whose_end_was_lost_is_cut_and_named(tmp_path: Path) -> None:
    path = tmp_path / "file.mid"
    path.write_bytes(midi("0060", TEMPO_60 + "00 90 3C 40\n83 C2 00 90 40 40  # 600 s later\n60 80 40 00"))
    performance = read_performance(path)
    assert performance.notes["offset_s"].tolist() == pytest.approx([300, 601])
    assert performance.repairs == ("1 notes longer than 300 s cut there",)


def test_many_repairs_are_told_in_short(tmp_path: Path) -> None:
    path = tmp_path / "file.mid"
    path.write_bytes(header(tracks=20) + chunk(b"MTrk", body("00 90 3C 40 60 3C 00")) * 20)
    repairs = read_performance(path).repairs
    assert repairs[0] == "track 1: no end of track: ends with its last event"
    assert repairs[8:] == ("and 12 more",)


def test_texts_come_with_their_time_and_kind(tmp_path: Path) -> None:
    words = """
    00 FF 06 03 43 6D 37         # marker Cm7
    60 FF 05 04 6C 61 2D C3      # lyric, latin-1
    00 FF 01 03 E3 83 94         # text, UTF-8
    60 FF 07 02 67 6F            # cue
    00 FF 02 01 78               # a copyright is none
    """
    path = tmp_path / "file.mid"
    path.write_bytes(midi("0060", words, TEMPO_60 + ONE_NOTE))
    assert read_performance(path).texts == (
        TimedText(0, "marker", "Cm7"), TimedText(1, "lyric", "la-Ã"), TimedText(1, "text", "ピ"),
        TimedText(2, "cue", "go"),
    )  # fmt: skip


def test_a_karaoke_file_in_japanese_says_so(tmp_path: Path) -> None:
    path = tmp_path / "song.kar"
    path.write_bytes(midi("0060", "00 FF 01 05 40 4C 4A 41 50  # @LJAP\n00 FF 05 02 82 A0  # あ\n" + ONE_NOTE))
    assert [text.text for text in read_performance(path).texts] == ["@LJAP", "あ"]


def test_patterns_of_a_type_2_file_keep_their_own_tempo(tmp_path: Path) -> None:
    data = midi("0060", TEMPO_60 + ONE_NOTE, ONE_NOTE, kind=2)
    assert np.array(_read(tmp_path, data)) == pytest.approx(np.array([(0, 1, 60, 64), (1, 1.5, 60, 64)]))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_never_worse(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = midi("0060", TEMPO_60, "00 FF 03 02 41 42\n00 C0 00\n00 B0 40 7F\n" + ONE_NOTE + "00 B0 40 00")
    damaged = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        damaged[at] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(whole)))]
    path = tmp_path_factory.mktemp("damaged") / "file.mid"
    path.write_bytes(damaged)
    with contextlib.suppress(MidiFileError):
        notes = read_performance(path, beats=True).notes
        assert (notes["offset_s"] > notes["onset_s"]).all()
        assert (notes["onset_s"] >= 0).all()


def test_tracks_are_chosen_by_name(tmp_path: Path) -> None:
    low = "00 FF 03 05 50 49 41 4E 4F  # PIANO\n" + ONE_NOTE
    high = "00 FF 03 06 4D 45 4C 4F 44 59  # MELODY\n00 90 48 40\n60 80 48 00"
    data = midi("0060", low, high)
    assert len(_read(tmp_path, data)) == 2
    assert [row[2] for row in _read(tmp_path, data, tracks=("PIANO",))] == [60]
    assert [row[2] for row in _read(tmp_path, data, tracks=("MELODY",))] == [72]
    with pytest.raises(MidiFileError, match="no track named BRIDGE: its tracks are 'MELODY', 'PIANO'"):
        _read(tmp_path, data, tracks=("BRIDGE",))


def test_a_unicode_path_and_name_are_read(tmp_path: Path) -> None:
    path = tmp_path / "Träumerei ピアノ.mid"
    path.write_bytes(midi("0060", "00 FF 03 06 E3 83 94 E3 82 A2  # ピア in UTF-8\n" + ONE_NOTE))
    assert len(read_performance(path, tracks=("ピア",)).notes) == 1


def test_pedal_is_down_from_64_and_while_any_channel_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "pedal.mid"
    path.write_bytes(
        midi(
            "0060",
            TEMPO_60 + ONE_NOTE,
            """
            00 B0 40 3F   # 63: up, as before
            60 B0 40 40   # 1 s: 64 is down
            60 B0 40 7F   # 2 s: still down
            60 B1 40 7F   # 3 s: channel 2 too
            60 B0 40 00   # 4 s: channel 1 up, channel 2 holds
            60 B1 40 00   # 5 s: up
            """,
        )
    )
    performance = read_performance(path)
    assert performance.pedal_s.tolist() == pytest.approx([1, 5])
    assert performance.pedal_down.tolist() == [True, False]


# Beats


@pytest.mark.parametrize(
    ("signatures", "end", "beats", "in_bar"),
    [
        ([], 960, [0, 480, 960], [0, 1, 2]),
        ([(0, 3, 4)], 1920, [0, 480, 960, 1440, 1920], [0, 1, 2, 0, 1]),
        ([(0, 2, 2)], 1920, [0, 960, 1920], [0, 1, 0]),
        ([(0, 6, 8)], 1440, [0, 720, 1440], [0, 1, 0]),
        ([(0, 3, 8)], 480, [0, 240, 480], [0, 1, 2]),
        ([(960, 3, 4), (0, 2, 4)], 1920, [0, 480, 960, 1440, 1920], [0, 1, 0, 1, 2]),
        ([(0, 4, 4), (240, 4, 4)], 960, [0, 240, 720, 1200], [0, 0, 1, 2]),
        ([(0, 4, 4), (9999, 3, 4)], 480, [0, 480], [0, 1]),
        ([(0, 4, 4), (0, 3, 4)], 1920, [0, 480, 960, 1440, 1920], [0, 1, 2, 0, 1]),
    ],
)
def test_beat_grid(signatures: list[tuple[int, int, int]], end: int, beats: list[int], in_bar: list[int]) -> None:
    ticks, index = beat_grid(480, signatures, end)
    assert ticks.tolist() == beats
    assert index.tolist() == in_bar


@settings(deadline=None)
@given(
    st.integers(1, 0x7FFF),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 2_000_000)), max_size=8),
    st.lists(st.integers(0, 20_000), min_size=1, max_size=20),
)
def test_the_tempo_map_adds_up_tick_by_tick(division: int, tempos: list[tuple[int, int]], ticks: list[int]) -> None:
    tempo_us = dict(sorted(tempos, key=lambda tempo: tempo[0]))
    borders = sorted({0, *tempo_us, *ticks})
    at, us, seconds = 0.0, tempo_us.get(0, 500_000), {0: 0.0}
    for start, stop in itertools.pairwise(borders):
        us = tempo_us.get(start, us)
        at += (stop - start) * us / division / 1e6
        seconds[stop] = at
    found = TempoMap.from_division(division, tempos).to_seconds(ticks)
    assert found.tolist() == pytest.approx([seconds[tick] for tick in ticks])


def test_beats_follow_the_tempo_and_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "score.mid"
    path.write_bytes(
        midi("0060", "00 FF 58 04 03 02 18 08  # 3/4\n60 FF 51 03 0F 42 40", "00 90 3C 40\n83 00 80 3C 00  # 384 ticks")
    )
    performance = read_performance(path, beats=True)
    assert performance.beats_s.tolist() == pytest.approx([0, 0.5, 1.5, 2.5, 3.5])
    assert performance.beat_in_bar.tolist() == [0, 1, 2, 0, 1]
    assert len(read_performance(path).beats_s) == 0


def test_a_file_in_smpte_frames_has_no_beats(tmp_path: Path) -> None:
    path = tmp_path / "frames.mid"
    path.write_bytes(midi("E728", "00 90 3C 40\n87 68 80 3C 00"))
    assert len(read_performance(path, beats=True).beats_s) == 0


# Pedal extension


def _extended(notes: list[Row], pedal: list[tuple[float, bool]]) -> list[tuple[float, float]]:
    columns = list(zip(*notes, strict=True))
    result = extend_with_pedal(
        make_notes(*columns), np.array([p[0] for p in pedal]), np.array([p[1] for p in pedal], dtype=bool)
    )
    return list(zip(result["onset_s"].tolist(), result["offset_s"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("notes", "pedal", "expected"),
    [
        ([(0, 1, 60, 64)], [], [(0, 1)]),
        ([(0, 1, 60, 64)], [(0.5, True), (3, False)], [(0, 3)]),
        ([(0, 1, 60, 64)], [(1, True), (3, False)], [(0, 3)]),  # the pedal catches a key as it rises
        ([(0, 1, 60, 64)], [(0.5, True), (1, False)], [(0, 1)]),
        ([(0, 1, 60, 64)], [(2, True), (3, False)], [(0, 1)]),
        ([(0, 1, 60, 64)], [(0.5, True), (2, True), (3, False)], [(0, 3)]),
        ([(0, 1, 60, 64), (4, 5, 62, 64)], [(0.5, True)], [(0, 5), (4, 5)]),  # never rises
        ([(0, 1, 60, 64), (2, 2.5, 60, 64)], [(0.5, True), (3, False)], [(0, 2), (2, 3)]),  # re-struck
        ([(0, 1, 60, 64), (0, 1.5, 60, 64), (2, 2.5, 60, 64)], [(0.5, True), (3, False)], [(0, 2), (0, 2), (2, 3)]),
        ([(0, 4, 60, 64), (2, 5, 60, 64)], [], [(0, 2), (2, 5)]),
    ],
)
def test_pedal_extension(
    notes: list[Row], pedal: list[tuple[float, bool]], expected: list[tuple[float, float]]
) -> None:
    assert _extended(notes, pedal) == expected


NOTES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 30), st.integers(58, 62), st.integers(1, 127)), max_size=30
).map(
    lambda rows: make_notes(
        *(zip(*[(a / 10, (a + b) / 10, p, v) for a, b, p, v in rows], strict=True) if rows else [[]] * 4)
    )
)


@given(NOTES, st.lists(st.integers(0, 90), unique=True, max_size=12))
def test_pedal_extension_only_lengthens_up_to_the_next_onset(notes: Notes, changes: list[int]) -> None:
    pedal_s = np.array(sorted(changes)) / 10
    extended = extend_with_pedal(notes, pedal_s, np.arange(len(changes)) % 2 == 0)
    assert extended["pitch"].tolist() == notes["pitch"].tolist()
    for note, longer in zip(notes, extended, strict=True):
        later = [n["onset_s"] for n in notes if n["pitch"] == note["pitch"] and n["onset_s"] > note["onset_s"]]
        assert longer["onset_s"] < longer["offset_s"] <= min([*later, np.inf])
        assert longer["offset_s"] >= min([note["offset_s"], *later])
