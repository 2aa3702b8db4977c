"""MIDI files in and out: hostile bytes, tempo maps, pedal, and what three readers make of our files."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_bytes import ONE_NOTE, TEMPO_60, midi

from engine.errors import MidiFileError
from engine.midi_io import extend_with_pedal, read_performance
from engine.midi_io.tempo_map import TempoMap, beat_grid
from engine.notes import Notes, make_notes

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
            midi("0060", "00 B0 07 A8  # controller value 168\n" + ONE_NOTE),
            [(0, 0.5, 60, 64)],
            id="value above 127",
        ),
        pytest.param(
            midi("0060", "00 90 3C 40\n30 90 3C 50\n30 80 3C 00\n30 80 3C 00"),
            [(0, 0.5, 60, 64), (0.25, 0.75, 60, 80)],
            id="the older of two equal notes ends first",
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


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match="no such file"):
        read_performance(tmp_path / "missing.mid")
    with pytest.raises(MidiFileError, match="cannot be read"):
        read_performance(tmp_path)


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
