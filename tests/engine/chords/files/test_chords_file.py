"""NAME.chords: what is written is read, what is read is written again, and a slip is named by line and column."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chords import Chord, parse_chord
from engine.chords.chord import ChordLabels
from engine.chords.files.chords_file import MAX_BEATS_PER_BAR, ChordsFile, parse_chords_file, read_chords_file
from engine.chords.files.chords_writer import format_chords_file
from engine.errors import DataError
from engine.vocabulary import QUALITIES


def _names(chords: ChordLabels) -> list[tuple[float, str]]:
    return [(onset_s, "N.C." if chord is None else chord.name) for onset_s, chord in chords]


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("0 Dm7\n1.5 G7/B", [(0.0, "Dm7"), (1.5, "G7/B")]),
        ("2.000 Dm7", [(0.0, "N.C."), (2.0, "Dm7")]),
        ("1:02.5 C\n1:04s F#", [(0.0, "N.C."), (62.5, "C"), (64.0, "F#")]),
        ("0 | Dm7 G7\n2 | C\n4 | F", [(0.0, "Dm7"), (1.0, "G7"), (2.0, "C"), (4.0, "F")]),
        ("0 | Dm7 | G7 |\n4 | C |\n6 | F", [(0.0, "Dm7"), (2.0, "G7"), (4.0, "C"), (6.0, "F")]),
        ("0 | Dm7 / / G7 |\n2 | / / C / |\n4 | %", [(0.0, "Dm7"), (1.5, "G7"), (3.0, "C"), (5.0, "C")][:3]),
        ("beats 3\n0 0.5 1.1 | C / G\n1.8 2.4 3.0 | %", [(0.0, "C"), (1.1, "G"), (1.8, "C"), (3.0, "G")]),
        (". . . 0.5 | G7\n1 1.5 2 2.5 | C", [(0.0, "N.C."), (0.5, "G7"), (1.0, "C")]),
        ("0 0.5 1 1.5 : C G\n2 2.6 : F", [(0.0, "C"), (1.0, "G"), (2.0, "F")]),
        ("-1:00.5 | Dm7\n-1 0 1 2 | G7 / C /", [(0.0, "G7"), (1.0, "C")]),
        ("-2 -1.5 -1 -0.5 | C\n0 0.5 1 1.5 | /", [(0.0, "C")]),
        ("# Haydn_H8 Hm7\n0 Gmaj7/B", [(0.0, "Gmaj7/B")]),  # a comment's H makes no German names
        ("# by hand\n\n0 0.5 1 1.5 | C\n0.75 F#m7b5\n2 2.5 3 3.5 | G", [(0.0, "C"), (0.75, "F#m7b5"), (2.0, "G")]),
    ],
)
def test_a_chart_says_when_each_chord_begins(text: str, chords: list[tuple[float, str]]) -> None:
    assert _names(parse_chords_file(text).chords) == chords


@pytest.mark.parametrize(
    ("text", "beats_s", "in_bar"),
    [
        ("0 Dm7", [], None),
        ("0 | C\n2 2.5 3 3.5 | G", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], [0, 1, 2, 3] * 2),
        ("beats 2\n. 0.5 | G7\n1 1.5 | C", [0.5, 1, 1.5], [1, 0, 1]),
        ("0 0.5 1 1.5 | C\n2 2.5 . . | G", [0, 0.5, 1, 1.5, 2, 2.5], [0, 1, 2, 3, 0, 1]),
        ("0 0.5 1 1.5 | C\n2 | G", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], [0, 1, 2, 3] * 2),  # as fast as the bar before
        ("0 0.5 1 : C", [0, 0.5, 1], None),
        ("-1.071 -0.25 -0 0.5 | C", [-1.071, -0.25, 0, 0.5], [0, 1, 2, 3]),
        ("-1 | C\n1 | G\n3 3.5 4 4.5 | C", [-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5], [0, 1, 2, 3] * 3),
    ],
)
def test_a_chart_names_its_beats(text: str, beats_s: list[float], in_bar: list[int] | None) -> None:
    chart = parse_chords_file(text)
    assert chart.beats_s.tolist() == beats_s
    assert (None if chart.beat_in_bar is None else chart.beat_in_bar.tolist()) == in_bar


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no chord: write lines like"),
        ("0 | Dm7 | Gm8\n4 | C", "line 1, column 11: 'Gm8' is no chord symbol: did you mean 'Gm"),
        ("0 Dm7\nzwei C", "line 2, column 1: 'zwei' is no time: write seconds"),
        ("2 Dm7\n1 C", "line 2, column 1: 1.000 lies before 2.000 above it"),
        ("0 Dm7 G7", "line 1, column 7: one chord follows a time"),
        ("0 |", "line 1, column 3: no chord follows"),
        ("0 | Dm7", "line 1, column 1: where this line's bars end is unknown: give the time of every beat"),
        ("0 0.5 1 | C", "line 1, column 1: 3 times in a bar of 4 beats: write 'beats 3' above it"),
        ("0 1 2 1.5 | C", "line 1, column 7: 1.5 is not after 2.000"),
        ("0 1 2 3 | C\n2.5 3.5 4.5 5.5 | G", "line 2, column 1: the bar begins at 2.500, before the last beat"),
        ("0 0.5 1 1.5 | C | G", "line 1, column 19: beats are timed for one bar"),
        ("0 0.5 1 1.5 | C\n2 2.5 : G", "line 2, column 1: '|' and ':' are mixed"),
        ("beats none\n0 C", "line 1, column 7: the beats of a bar are missing or wrong: write 'beats 4'"),
        ("0 0.5 1 1.5 | %", "line 1, column 15: '%' repeats the bar before"),
        ("0 0.5 1 1.5 | / C", "line 1, column 15: '/' holds the chord before, but there is none"),
        ("| C", "line 1, column 1: a time is missing"),
    ],
)  # fmt: skip
def test_a_slip_is_named_with_its_place_and_remedy(text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_chords_file(text, "tune.chords")
    assert message in str(caught.value)
    assert str(caught.value).startswith("tune.chords")
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.chords: cannot be read"):
        read_chords_file(tmp_path / "gone.chords")
    (tmp_path / "odd.chords").write_bytes(b"0 C\xff\xfe")
    with pytest.raises(DataError, match="no UTF-8"):
        read_chords_file(tmp_path / "odd.chords")


CHORDS = st.one_of(
    st.none(), st.builds(Chord, st.integers(0, 11), st.sampled_from(list(QUALITIES)), st.none() | st.integers(0, 11))
)


@st.composite
def charts(draw: st.DrawFn) -> ChordsFile:
    gaps = draw(st.lists(st.floats(0.2, 2.0), max_size=24))
    if draw(st.booleans()):
        gaps = [0.4567] * len(gaps)
    beats_s = np.array(list(itertools.accumulate([draw(st.floats(-3, 3)), *gaps])) if gaps else [], dtype=np.float64)
    size = draw(st.integers(1, 5))
    known = bool(gaps) and draw(st.booleans())
    in_bar = (np.arange(len(beats_s)) + draw(st.integers(0, size - 1))) % size if known else None
    moments = [*beats_s[beats_s >= 0].tolist(), *draw(st.lists(st.floats(0, 40), min_size=1, max_size=10))]
    labels: ChordLabels = [(0.0, draw(CHORDS))]
    for moment in sorted(draw(st.lists(st.sampled_from(moments), max_size=12))):
        chord = draw(CHORDS)
        changed = _names([(moment, chord)])[0][1] != _names(labels[-1:])[0][1]
        if changed and moment > labels[-1][0] + 0.01:
            labels.append((moment, chord))
    return ChordsFile(labels, beats_s, in_bar)


@given(charts())
def test_what_is_written_is_read(chart: ChordsFile) -> None:
    text = format_chords_file(chart, ["a comment"])
    read = parse_chords_file(text)
    wrote = [name for _, name in _names(chart.chords)]
    assert [name for _, name in _names(read.chords)] == wrote
    assert [s for s, _ in read.chords] == pytest.approx([s for s, _ in chart.chords], abs=0.0025)
    assert read.beats_s == pytest.approx(chart.beats_s, abs=0.0025)
    if chart.beat_in_bar is None:
        assert read.beat_in_bar is None
    else:
        assert read.beat_in_bar is not None
        assert read.beat_in_bar.tolist() == chart.beat_in_bar.tolist()
    assert format_chords_file(read, ["a comment"]) == text


def test_a_grid_moved_before_the_music_begins_with_its_first_chord_and_is_read_back() -> None:
    chords: ChordLabels = [(0.0, parse_chord("Em")), (1.0, parse_chord("B7"))]
    chart = ChordsFile(chords, np.linspace(-1.0, 2.5, 8), np.arange(8) % 4)
    text = format_chords_file(chart)
    assert text.splitlines() == ["beats 4", "   -1.000 | Em", "    1.000 1.500 2.000 2.500 | B7"]
    assert parse_chords_file(text).chords == chords
    assert parse_chords_file(text).beats_s.tolist() == chart.beats_s.tolist()


def test_of_two_chords_at_one_moment_the_last_is_written() -> None:
    chords: ChordLabels = [(0.0, parse_chord("C")), (1.0, parse_chord("F")), (1.0002, parse_chord("G7"))]
    chords += [(2.0, parse_chord("Am")), (2.0, parse_chord("G7"))]
    assert format_chords_file(ChordsFile(chords)) == "    0.000 C\n    1.000 G7\n"


@pytest.mark.parametrize("beats_per_bar", [1, 2, 7, 32, 33, 40, 255])
def test_bars_of_any_length_are_written_so_that_they_are_read(beats_per_bar: int) -> None:
    beats = np.arange(2 * beats_per_bar + 3)
    chart = ChordsFile([(0.0, parse_chord("C")), (2.0, parse_chord("F"))], beats / 2, beats % beats_per_bar)
    text = format_chords_file(chart)
    read = parse_chords_file(text)
    assert read.chords == chart.chords
    assert read.beats_s.tolist() == chart.beats_s.tolist()
    assert (read.beat_in_bar is None) == (beats_per_bar > MAX_BEATS_PER_BAR)
    assert format_chords_file(read) == text


@pytest.mark.parametrize("start_s", [0.0, 0.1, 1.0, 12.345, 59.999, 1000.001])
@pytest.mark.parametrize("beat_s", [0.0004, 0.0009, 0.00099, 0.001, 0.0011, 0.0015])
def test_beats_a_thousandth_apart_are_written_so_that_they_are_read(start_s: float, beat_s: float) -> None:
    chart = ChordsFile([(0.0, parse_chord("C"))], start_s + np.arange(20) * beat_s, np.arange(20) % 4)
    text = format_chords_file(chart)
    read = parse_chords_file(text)
    assert len(read.beats_s) == len(np.unique(np.round(chart.beats_s, 3)))
    assert format_chords_file(read) == text


def test_a_steady_tune_takes_one_time_a_bar() -> None:
    chords: ChordLabels = [(0.0, parse_chord("Dm7")), (2.0, parse_chord("G7")), (3.0, parse_chord("Db7/F"))]
    text = format_chords_file(ChordsFile(chords, np.linspace(0.0, 4.0, 9), np.arange(9) % 4))
    assert text.splitlines() == ["beats 4", "    0.000 | Dm7", "    2.000 | G7 Db7/F", "    4.000 . . . | Db7/F"]
