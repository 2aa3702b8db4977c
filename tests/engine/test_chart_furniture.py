"""Charts as people paste them: every bar that is written is played, in its turn, and what is not read is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chords import Chart, Section, parse_chart
from engine.errors import ChordError
from engine.metre import Metre


def _bars(chart: Chart) -> str:
    """The chords of each bar as names, bars parted by `|`."""
    size = chart.beats_per_bar
    rows = []
    for bar in range(chart.bars):
        inside = [span for span in chart.spans if bar * size <= span.start_beat < (bar + 1) * size]
        rows.append(" ".join(str(span.chord) for span in inside))
    return "|".join(rows)


@pytest.mark.parametrize(
    ("text", "played"),
    [
        ("|: Dm7 | G7 :| C |", "Dm7|G7|Dm7|G7|C"),
        ("Dm7 | G7 :| C", "Dm7|G7|Dm7|G7|C"),
        ("||: Dm7 | G7 :|| C ||", "Dm7|G7|Dm7|G7|C"),
        ("[|: Dm7 | G7 :|] C |]", "Dm7|G7|Dm7|G7|C"),
        ("𝄆 Dm7 | G7 𝄇 C", "Dm7|G7|Dm7|G7|C"),
        ("|: C :|: F :| G", "C|C|F|F|G"),
        ("|: C :||: F :| G", "C|C|F|F|G"),
        ("A | C :| F :| G", "A|C|A|C|F|F|G"),
        ("|: C | F :| x3", "C|F|C|F|C|F"),
        ("|: C | F :| x 3 | G", "C|F|C|F|C|F|G"),
        ("|: C :| (3x) | G", "C|C|C|G"),
        ("|: Dm7 |1. G7 :|2. C |", "Dm7|G7|Dm7|C"),
        ("|: Dm7 |[1. G7 :|[2. C | F", "Dm7|G7|Dm7|C|F"),
        ("|: Dm7 | [1] G7 | A7 :| [2] C | F :| E", "Dm7|G7|A7|Dm7|C|F|E"),
        ("|: Dm7 |1 G7 :|2 C |: F :|", "Dm7|G7|Dm7|C|F|F"),
        ("|: Dm7 |1.G7 :|2.C |", "Dm7|G7|Dm7|C"),
        ("|: C |1,2. G7 :|3. F | A", "C|G7|C|G7|C|F|A"),
        ("|: C |1-3. G7 :|4. F |", "C|G7|C|G7|C|G7|C|F"),
        ("|: C |1. G7 :|2. F :|3. A | E", "C|G7|C|F|C|A|E"),
        ("Dm7 | G7 x2", "Dm7|G7|Dm7|G7"),
        ("A | E\nDm7 | G7 x2\nC", "A|E|Dm7|G7|Dm7|G7|C"),
        ("Dm7 G7 ×3", "Dm7|G7|Dm7|G7|Dm7|G7"),
        ("[A] C | F x2 [B] G", "C|F|C|F|G"),
        ("Dm7 | | G7 | |", "Dm7|Dm7|G7|G7"),
        ("Dm7 || G7 |", "Dm7|G7"),
        ("| C G | | F |", "C G|G|F"),
        ("| C | % | F |", "C|C|F"),
        ("| C | F | %% | G |", "C|F|C|F|G"),
        ("| C | F | 𝄏 |", "C|F|C|F"),
        ("| C | ./. | F |", "C|C|F"),
        ("C . . F | G . . .", "C F|G"),
        ("C... | G///", "C|G"),
        ("C / / F | / / G /", "C F|F G"),
        ("C . . . F . G .", "C|F G"),
        ("| C - - F | G - - - |", "C F|G"),
        ("| Dm7 - G7 | C |", "Dm7 G7|C"),
        ("Dm7 - G7 - C", "Dm7|G7|C"),
        ("Dm7 – G7 – C", "Dm7|G7|C"),
        ("Dm7,G7,C", "Dm7|G7|C"),
        ("C7(b9,#11),F", "C7b9|F"),
        ("C,F | G", "C F|G"),
        ("Dm7 | G7 | (Dm7 G7) |", "Dm7|G7|Dm7 G7"),
        ("Verse:\nC | G\nChorus 2:\nF", "C|G|F"),
        ("Intro: C | G", "C|G"),
        ("Do | Sol7 | Lam", "C|G7|Am"),
        ("H7 | Em | Bb", "B7|Em|Bb"),
        ("｜ C ｜ F ｜", "C|F"),
        ("¦C¦F¦", "C|F"),
        ("C ／ F ／ | ％ |", "C F|C F"),
        ("𝄀 C 𝄀 F 𝄂", "C|F"),
        ("│C│F‖G‖", "C|F|G"),
        ("4/4: C | F", "C|F"),
        ("|: C |1.,2. G :|3. A |", "C|G|C|G|C|A"),
        ("|: C | F |1. G :|2. % | A |", "C|F|G|C|F|F|A"),  # an ending goes on from the bar that is played before it
        ("|: C | F |1. G :|2. / A | B |", "C|F|G|C|F|F A|B"),
        ("|: C | F |1. G :|2. | A |", "C|F|G|C|F|F|A"),
        ("|: C | F |1. G :|[2.] | A |", "C|F|G|C|F|F|A"),
        ("|: C | F |1. G :|2. |", "C|F|G|C|F|F"),
        ("|: C | F |1. G | D :|2. %% | A |", "C|F|G|D|C|F|C|F|A"),
        ("C |: % | F :|", "C|C|F|C|F"),
        ("|: C | F |(1) G :|(2) A |", "C|F|G|C|F|A"),
        ("|: C :|3x", "C|C|C"),
        ("||: C | F :||2x", "C|F|C|F"),
        ("C | F | (x2)", "C|F|C|F"),
        ("| C / F / | G // C // |", "C F|G C"),
        ("C |\nF |\n\n\nG |", "C|F|G"),
        ("|C |F |\n|% |G |", "C|F|F|G"),
        ("A: | C | G |\nB: | F | C |", "C|G|F|C"),
        ("[A1] | C | G | [A2] | C | F |", "C|G|C|F"),
        ("C;F;G", "C|F|G"),
        ("C | N.C. | G", "C|None|G"),
        ("| A |\n| C | G |", "A|C|G"),
        ("A\nC\nG", "A|C|G"),
    ],
)
def test_what_is_written_is_played(text: str, played: str) -> None:
    assert _bars(parse_chart(text)) == played
    if "\n" in text:
        assert parse_chart(text.replace("\n", "⏎")) == parse_chart(text), "of one line, with signs for its line ends"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("|: C | F", "has no end"),
        ("|:", "has no end"),
        ("|: C |: F :|", "repeat within a repeat"),
        (":| C", "no bar stands before"),
        ("C x2 | F", "a count stands behind the last bar of a row"),
        ("|: C x2 | F :|", "write its bars out"),
        ("x2 | C", "there are none"),
        ("C | F x99", "x1..x64"),
        ("| | C", "an empty bar holds the chord before"),
        ("|: | C :|", "beside a repeat sign"),
        ("C | %%", "two bars that are not there"),
        ("C | D.C. al Coda", "jump"),
        ("C | Fine", "jump"),
        ("Verse C | F", r"\[Verse\]"),
        ("[Am7] | C", "without them"),
        ("[] C", "a section's name"),
        ("C | 3/4 F", "give each part its own chart"),
        ("3/4 C | 4/4 F", "give each part its own chart"),
        ("7/7 C", "use one of"),
        ("C . . F .", "no whole bars"),
        ("H7 | B7", "'Bb7' or 'H7'"),
        ("Dm7 | X7", "no chord symbol"),
        ("C | 2 F", "turn never comes"),
        ("|: C |2. F :| G", "turn never comes"),
        ("C | G 2 F", "an ending stands behind a bar line"),
        ("C ] F", "says nothing"),
        ("C maj 7 | F", "did you mean 'Cmaj7'"),
        ("Bb m7 | Eb", "did you mean 'Bbm7'"),
        ("C dim | D aug", "did you mean 'Cdim'"),
        ("C add9 G sus4", "did you mean 'Cadd9'"),
        ("A min | D", "did you mean 'Amin'"),
        ("C 7 | F 7", "did you mean 'C7'"),
        ("Sol 7 | Do", "did you mean 'Sol7'"),
        ("C /E | F", "did you mean 'C/E'"),
        ("C/ E | F", "did you mean 'C/E'"),
        ("A\n| C | G |\nB\n| F | C |", r"write \[A\], or \| A \|"),
        ("| C |\nB\n|| F |", r"write \[B\], or \| B \|"),
        ("A\n\n| C | G |", r"write \[A\], or \| A \|"),
        ("A\nC | F", r"write \[A\], or \| A \|"),
        ("C | F\nB\n\n G7 | C", r"write \[B\], or \| B \|"),
        ("A\r\n| C | G |\r\n", r"write \[A\], or \| A \|"),
        ("Key: C\nC | F", "'Key' is a heading"),
        ("Tom: G\nG | D", "'Tom' is a heading"),
        ("Tonart: C\nC", "'Tonart' is a heading"),
        ("Tonalité : Do\nDo | Fa", "'Tonalité' is a heading"),
        ("Title: A\n| A | E |", "'Title' is a heading"),
        ("Capo: 2\nC | G", "'Capo' is a heading"),
        ("Tempo 120\nC | F", "'Tempo' is a heading"),
        ("Capo 2\nC | G", "'Capo' is a heading"),
        ("C | G | Da Capo |", "'Da' is a jump"),
        ("C | G | DaCapo |", "'DaCapo' is a jump"),
        ("# a comment\nC | F", "Else take it out"),
        ("{A} C | F", r"a section is written \[A\]"),
        ("A) C | G", r"a section is written \[A\]"),
        ("1. C\n2. F", "an ending stands behind a bar line"),
        ("|: C |1st G :|2nd A |", "an ending stands behind a bar line"),
        ("C → F → G", "no chord symbol"),
        ("C | ditto | F", "no chord symbol"),
        ("| C | r | F |", "Else take it out"),
        ("*A[T44C   |F   |G7  |C   Z", "no chord symbol"),
        ("ii | V7 | I", "Else take it out"),
    ],
)
def test_what_is_not_read_is_refused_with_what_to_write(text: str, part: str) -> None:
    with pytest.raises(ChordError, match=part) as refusal:
        parse_chart(text)
    assert "\n" not in str(refusal.value)


def test_sections_keep_their_place_in_what_is_played() -> None:
    chart = parse_chart("3/4 [A] |: C | F :| [Bridge] G |")
    assert chart.sections == (Section("A", 0), Section("A", 6), Section("Bridge", 12))
    assert chart.fill(6).sections[3:] == (Section("A", 15),)


@pytest.mark.parametrize(
    ("text", "metre", "beats"),
    [("4/4 C", "4/4", 4), ("|3/4 C | F |", "3/4", 6), ("[A] 6/8 C F | G |", "6/8", 4), ("(5/4) C", "5/4", 5),
     ("7/8 C", "7/8", 7), ("12/8 C", "12/8", 4), ("[3/4] C", "3/4", 3), ("2/2 C", "2/2", 2)],
)  # fmt: skip
def test_a_metre_in_front_is_the_charts(text: str, metre: str, beats: int) -> None:
    chart = parse_chart(text)
    assert (str(chart.metre), chart.beats) == (metre, beats)
    assert parse_chart(text, metre=chart.metre) == parse_chart(text, otherwise=Metre(11, 4)) == chart
    with pytest.raises(ChordError, match="give one of them"):
        parse_chart(text, metre=Metre(11, 4))
    assert parse_chart("C | F", otherwise=Metre(11, 4)) == parse_chart("C | F", metre=Metre(11, 4))


def test_a_chord_keeps_what_the_musician_wrote() -> None:
    written = "C#m7 | G#m7 | Gb7 | D#dim7 | Bbmaj7#11 | Gadd9 | B7(b9,b13)"
    assert [span.chord.label for span in parse_chart(written).spans if span.chord] == written.split(" | ")


@settings(deadline=None)
@given(st.text(alphabet="CFG7m |:[]()12x.%/-,\n", max_size=40))
def test_any_chart_is_played_whole_or_refused(text: str) -> None:
    with contextlib.suppress(ChordError):
        chart = parse_chart(text)
        assert chart.spans[0].start_beat == 0
        assert chart.spans[-1].end_beat == pytest.approx(chart.beats)
        assert {span.start_beat // chart.beats_per_bar for span in chart.spans} == set(range(chart.bars))
