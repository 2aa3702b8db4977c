"""Chord symbols, charts and data-set labels."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chords import Chart, Chord, ChordSpan, parse_chart, parse_chord
from engine.chords.files.labels import read_openewld, read_pop909
from engine.chords.nearest import NEAREST
from engine.errors import ChordError, DataError
from engine.vocabulary import QUALITIES

CHORDS = st.builds(Chord, st.integers(0, 11), st.sampled_from(sorted(QUALITIES)), st.none() | st.integers(0, 11))

SPELLINGS = [
    # major sevenths
    ("CM7", "Cmaj7"), ("C^7", "Cmaj7"), ("CΔ", "Cmaj7"), ("CΔ7", "Cmaj7"), ("C△7", "Cmaj7"), ("Cma7", "Cmaj7"),
    ("CMAJ7", "Cmaj7"), ("Cmajor7", "Cmaj7"), ("Cmaj7#11", "Cmaj7"), ("Cmaj7#5", "Cmaj7"), ("CM9", "Cmaj9"),
    ("Cmaj11", "Cmaj9"), ("Cmaj13", "Cmaj9"), ("C^9", "Cmaj9"),
    # minors
    ("C-", "Cm"), ("Cmin", "Cm"), ("Cmi", "Cm"), ("Cminor", "Cm"), ("C-7", "Cm7"), ("C−7", "Cm7"), ("Cmin7", "Cm7"),
    ("CMI7", "Cm7"), ("C-9", "Cm9"), ("Cm11", "Cm9"), ("Cm13", "Cm9"), ("C-6", "Cm6"), ("Cm6/9", "Cm6"),
    ("Cm69", "Cm6"), ("Cm(maj7)", "CmMaj7"), ("CmM7", "CmMaj7"), ("C-Δ7", "CmMaj7"), ("C-^7", "CmMaj7"),
    ("Cminmaj7", "CmMaj7"),
    ("CmMaj9", "CmMaj7"), ("Cm#7", "CmMaj7"), ("Cmadd9", "Cm"), ("Cm(add9)", "Cm"), ("Cm#5", "Cm"),
    # diminished, half diminished, augmented
    ("C°", "Cdim"), ("Co", "Cdim"), ("C°7", "Cdim7"), ("Co7", "Cdim7"), ("Cdim9", "Cdim7"), ("Cø", "Cm7b5"),
    ("Cø7", "Cm7b5"), ("CØ", "Cm7b5"), ("Cø9", "Cm7b5"), ("C-7b5", "Cm7b5"), ("Cm7-5", "Cm7b5"), ("Cmin7(b5)", "Cm7b5"),
    ("Ch7", "Cm7b5"), ("C+", "Caug"), ("C+7", "C7#5"), ("C7+", "C7#5"), ("Caug7", "C7#5"), ("C7+5", "C7#5"),
    # dominants
    ("Cdom7", "C7"), ("C7(b9,#11)", "C7b9"), ("C7(b9, #11)", "C7b9"), ("C7b9#5", "C7b9"), ("C13b9", "C7b9"),
    ("C7-9", "C7b9"), ("C7(-9)", "C7b9"), ("C7#5#9", "C7#9"), ("C7alt", "C7#9"), ("Calt", "C7#9"), ("C9#11", "C7#11"),
    ("C13#11", "C7#11"), ("C7b5", "C7#11"), ("C7b13", "C7#5"), ("C9#5", "C7#5"), ("C7(13)", "C13"), ("C7/6", "C13"),
    ("C7/9", "C9"), ("C7no5", "C7"), ("C7add11", "C7"),
    # suspensions
    ("Csus", "Csus4"), ("C4", "Csus4"), ("C7sus", "C7sus4"), ("Csus7", "C7sus4"), ("C9sus4", "C7sus4"),
    ("G13sus4", "G7sus4"), ("C7sus4b9", "C7sus4"), ("C11", "C7sus4"), ("Csus24", "Csus4"),
    # triads, sixths, powers
    ("CM", "C"), ("Cmaj", "C"), ("Cadd9", "C"), ("C(add9)", "C"), ("C2", "C"), ("C(b5)", "C"), ("C6/9", "C6"),
    ("C69", "C6"), ("CM6", "C6"), ("C(no3)", "C5"), ("Comit3", "C5"),
    # roots and basses
    ("B♭", "Bb"), ("F♯m7♭5", "F#m7b5"), ("D#7", "Eb7"), ("Cb", "B"), ("E#", "F"), ("Bbb7", "A7"), ("F##m", "Gm"),
    ("Bb9", "Bb9"), ("Bbb9", "Bb"), ("C/E", "C/E"), ("C/D♯", "C/Eb"), ("C6/9/E", "C6/E"), ("C/C", "C"),
    ("Am7/G", "Am7/G"),    (" Dm7 ", "Dm7"),
]  # fmt: skip


@given(CHORDS)
def test_a_name_reads_back_as_its_chord(chord: Chord) -> None:
    expected = Chord(chord.root, chord.quality, None if chord.bass == chord.root else chord.bass)
    assert parse_chord(chord.name) == expected


def test_all_288_ids_round_trip_through_their_names() -> None:
    for root in range(12):
        for quality in QUALITIES:
            chord = Chord(root, quality)
            assert parse_chord(chord.name) == chord
            assert Chord.from_id(chord.id) == chord


@pytest.mark.parametrize(("written", "name"), SPELLINGS)
def test_spellings_reach_the_nearest_quality(written: str, name: str) -> None:
    chord = parse_chord(written)
    assert chord is not None
    assert chord.name == name


@pytest.mark.parametrize("written", ["N.C.", "NC", "n.c.", "N", "N.C"])
def test_no_chord_is_none(written: str) -> None:
    assert parse_chord(written) is None


@pytest.mark.parametrize("quality", [quality for quality in QUALITIES])
def test_the_nearest_quality_of_a_vocabulary_quality_is_itself(quality: str) -> None:
    assert quality in {reached for _, reached in NEAREST}
    chord = parse_chord("C" + quality)
    assert chord is not None
    assert chord.quality == quality


@pytest.mark.parametrize(
    ("written", "column", "hint"),
    [
        ("X7", 1, "G7"), ("dm7", 1, "Dm7"), ("Cfoo", 2, "C"), ("C7b8", 3, "C7b9"), ("Gmja7", 3, "Gmaj7"),
        ("Cm7x", 4, "Cm7"), ("C7(b9", 6, "C7b9"), ("Cmaj7/X", 7, "Cmaj7"), ("Cmaj7/", 6, "Cmaj7"), ("C//E", 2, "C"),
        ("Cmm", 3, "Cm"), ("C77", 3, "C7"), ("", 1, "N.C."),
    ],
)  # fmt: skip
def test_a_wrong_symbol_names_its_column_and_the_nearest_legal_one(written: str, column: int, hint: str) -> None:
    with pytest.raises(ChordError) as refusal:
        parse_chord(written)
    text = str(refusal.value)
    assert text.startswith(f"column {column}: ")
    assert text.endswith(f"did you mean {hint!r}?")
    assert "\n" not in text


@given(st.text(max_size=30))
def test_any_text_is_a_chart_or_a_chord_error(text: str) -> None:
    with contextlib.suppress(ChordError):
        assert parse_chart(text).bars >= 1


@pytest.mark.parametrize(
    "bad", [{"root": 12, "quality": ""}, {"root": 0, "quality": "x"}, {"root": 0, "quality": "", "bass": -1}]
)
def test_a_chord_outside_the_vocabulary_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ChordError):
        Chord(**bad)  # type: ignore[arg-type]


def _spans(chart: Chart) -> list[tuple[float, float, str]]:
    return [(start, end, chord.name if chord else "-") for start, end, chord in chart.spans]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("C", [(0, 4, "C")]),
        ("C G", [(0, 4, "C"), (4, 8, "G")]),
        ("C, G;", [(0, 4, "C"), (4, 8, "G")]),
        ("C\nG", [(0, 4, "C"), (4, 8, "G")]),
        ("C %", [(0, 4, "C"), (4, 8, "C")]),
        ("C | G", [(0, 4, "C"), (4, 8, "G")]),
        ("| C || G |", [(0, 4, "C"), (4, 8, "G")]),
        ("| C | G |\n\n| F |", [(0, 4, "C"), (4, 8, "G"), (8, 12, "F")]),
        ("C | G\nF | A", [(0, 4, "C"), (4, 8, "G"), (8, 12, "F"), (12, 16, "A")]),
        ("C G |", [(0, 2, "C"), (2, 4, "G")]),
        ("C G | %", [(0, 2, "C"), (2, 4, "G"), (4, 6, "C"), (6, 8, "G")]),
        ("C % G F | %", [(0, 2, "C"), (2, 3, "G"), (3, 4, "F"), (4, 6, "C"), (6, 7, "G"), (7, 8, "F")]),
        ("C / / G |", [(0, 3, "C"), (3, 4, "G")]),
        ("C | % G", [(0, 4, "C"), (4, 6, "C"), (6, 8, "G")]),
        ("C | N.C. |", [(0, 4, "C"), (4, 8, "-")]),
        ("C7(b9, #11) | F", [(0, 4, "C7b9"), (4, 8, "F")]),
    ],
)
def test_charts(text: str, spans: list[tuple[float, float, str]]) -> None:
    assert _spans(parse_chart(text)) == spans


def test_three_chords_share_a_bar_of_five_evenly() -> None:
    chart = parse_chart("C F G |", beats_per_bar=5)
    assert chart.beats == 5
    assert [span.start_beat for span in chart.spans] == pytest.approx([0, 5 / 3, 10 / 3])
    assert chart.spans[-1].end_beat == 5


@given(
    st.lists(st.lists(CHORDS, min_size=1, max_size=4), min_size=1, max_size=8), st.integers(1, 7), st.integers(1, 20)
)
def test_spans_lie_end_to_end_whatever_is_filled(bars: list[list[Chord]], beats_per_bar: int, filled: int) -> None:
    text = "|".join(" ".join(chord.name for chord in bar) for bar in bars) + "|"
    for chart in (parse_chart(text, beats_per_bar), parse_chart(text, beats_per_bar).fill(filled)):
        assert chart.spans[0].start_beat == 0
        assert chart.spans[-1].end_beat == pytest.approx(chart.beats)
        for span, following in zip(chart.spans, chart.spans[1:], strict=False):
            assert span.end_beat == pytest.approx(following.start_beat)
    assert chart.bars == filled


def test_changes_name_a_chord_once_while_it_goes_on() -> None:
    chart = parse_chart("C | % | G7 C |").fill(6)
    assert [(onset_s, str(chord)) for onset_s, chord in chart.changes(tempo_bpm=60)] == [
        (0, "C"), (8, "G7"), (10, "C"), (20, "G7"), (22, "C"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "start", "part"),
    [
        ("", "the chord chart is empty", "write chords"),
        (" | || \n", "the chord chart is empty", "write chords"),
        ("% | C", "bar 1, column 1", "repeats"),
        ("/ C | C", "bar 1, column 1", "holds"),
        ("C | G | Xm7", "bar 3, column 9", "did you mean"),
        ("| C | G |\n| F | Gmja7 |", "bar 4, line 2, column 7", "'Gmaj7'"),
        ("C Y", "bar 2, column 3", "did you mean"),
    ],
)
def test_a_wrong_chart_says_where(text: str, start: str, part: str) -> None:
    with pytest.raises(ChordError) as refusal:
        parse_chart(text)
    assert str(refusal.value).startswith(start)
    assert part in str(refusal.value)


def test_a_chart_of_no_bars_or_no_beats_is_refused() -> None:
    with pytest.raises(ChordError, match="at least 1"):
        Chart((ChordSpan(0, 4, None),), 1).fill(0)
    with pytest.raises(ChordError, match=r"1\.\.32"):
        parse_chart("C", beats_per_bar=0)


def test_pop909_labels(tmp_path: Path) -> None:
    (tmp_path / "chord_midi.txt").write_text(
        "0.5\t1.0\tN\n1.0\t2.0\tC#:maj/5\n2.0\t3.0\tC#:maj/5\n3.0\t4.5\tA:sus4(b7)\n"
    )
    (tmp_path / "beat_midi.txt").write_text("0.5 1.0 0.0\n1.0 0.0 1.0\n1.5 1.0 0.0\n2.0 0.0 0.0\n2.5 1.0 1.0\n")
    chords, beats_s, beat_in_bar = read_pop909(tmp_path)
    assert chords == [(0.0, None), (1.0, Chord(1, "", 8)), (3.0, Chord(9, "7sus4")), (4.5, None)]
    assert beats_s.tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert beat_in_bar.tolist() == [3, 0, 1, 2, 0]


@pytest.mark.parametrize("line", ["0.0 1.0 C:foo", "0.0 C:maj", "x 1.0 C:maj", "0.0 1.0 C:maj/b17"])
def test_a_broken_pop909_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "chord_midi.txt").write_text("0.0 1.0 N\n" + line + "\n")
    (tmp_path / "beat_midi.txt").write_text("0.0 1.0 1.0\n")
    with pytest.raises(DataError, match="line 2"):
        read_pop909(tmp_path)


def test_openewld_labels(tmp_path: Path) -> None:
    rows = [
        (4, "B-7 add b9", "B-", "dominant-seventh", "B-"),
        (6, "C#ø7/B", "C#", "half-diminished-seventh", "B"),
        (8, "Dsus/C add 7", "D", "suspended-fourth", "C"),
        (10, "E-", "E-", "augmented-ninth", "E-"),
        (12, "F7 alter b5", "F", "dominant-seventh", "F"),
    ]
    sheet = {
        "bpm": 60,
        "time_signatures": [[0.0, 3, 4]],
        "chords": [dict(zip(("beat", "figure", "root", "kind", "bass"), row, strict=True), pcs=[]) for row in rows],
    }
    path = tmp_path / "tune.json"
    path.write_text(json.dumps(sheet))
    chords, beats_s, beat_in_bar = read_openewld(path, end_s=13)
    names = [(onset_s, chord.name if chord else None) for onset_s, chord in chords]
    assert names == [(0, None), (4, "Bb7b9"), (6, "Dbm7b5/B"), (8, "D7sus4/C"), (10, "Eb7#5"), (12, "F7#11")]
    assert beats_s.tolist() == list(range(14))
    assert beat_in_bar.tolist()[:7] == [0, 1, 2, 0, 1, 2, 0]


def test_a_file_that_is_no_lead_sheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tune.json"
    path.write_text("[]")
    with pytest.raises(DataError, match="not an OpenEWLD lead sheet"):
        read_openewld(path)
