"""Laws of moving a chart to another key: the music moves, and what is written around the chords stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chords import parse_chart
from engine.chords.charts.transpose import transpose_chart
from engine.errors import ChordError

CHARTS = (
    "[A] |: Dm7 G7/B | C^7 % :| x3 [B] F#m7b5 | N.C. | Bb13sus4 / / Ab7",
    "3/4 Es | As7 | B7 | H",
    "Do | Sol7 | Lam | Fa",
    "Dm7,G7,C",
    "(Dm7 G7) | C///",
    "Dm7 | G7 |⏎Cmaj7 | A7",
    "Bb#5 | Gbb9 | C#b5/E | Bb#11 | F##9 | Abb5/Gb",
)


def heard(text: str, semitones: int = 0) -> list[tuple[float, float, tuple[int, ...] | None]]:
    """Spans with pitch classes, moved by so many semitones."""
    return [
        (start, end, None if chord is None else tuple((tone + semitones) % 12 for tone in chord.pitch_classes()))
        for start, end, chord in parse_chart(text).spans
    ]


@pytest.mark.parametrize("text", [text for text in CHARTS if "Es" not in text])
@given(semitones=st.integers(-24, 24))
def test_every_chord_moves_by_as_much_and_nothing_else_does(text: str, semitones: int) -> None:
    assert heard(transpose_chart(text, semitones)) == heard(text, semitones)


def test_what_is_written_around_the_chords_stays() -> None:
    assert transpose_chart(CHARTS[0], 1) == "[A] |: Ebm7 Ab7/C | Db^7 % :| x3 [B] Gm7b5 | N.C. | B13sus4 / / A7"


def test_a_chart_of_sharps_stays_one() -> None:
    assert transpose_chart("F#m7 | B7 | C#m7", 2) == "G#m7 | C#7 | D#m7"


def test_furniture_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ChordError, match="column"):
        transpose_chart("Dm7 | D.C. x | C", 1)
