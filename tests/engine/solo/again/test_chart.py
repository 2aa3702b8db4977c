"""Each bar of a chart lies over one bar of the take, whatever its length; a chart in another metre is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.cli import main
from engine.errors import SidemanError
from engine.metre import Metre
from engine.midi_io.write import write_midi
from engine.notes import make_notes
from engine.solo.again.chart import chart_chords


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """Sixteen quarters at 120 in 4/4."""
    at_s = np.arange(16) / 2
    write_midi(tmp_path / "take.mid", make_notes(at_s, at_s + 0.4, np.full(16, 60), np.full(16, 70)), tempo_bpm=120.0)
    return tmp_path / "take.mid"


def laid(take: Path, text: str, in_bar: list[int]) -> list[tuple[float, str]]:
    """(beat, symbol), where the take's beats lie a second apart."""
    chords = chart_chords(text, take, np.arange(len(in_bar), dtype=np.float64), np.array(in_bar))
    return [(onset_s, str(chord)) for onset_s, chord in chords]


@pytest.mark.parametrize(
    ("text", "in_bar", "chords"),
    [
        ("C | F G", [0, 1, 2, 3] * 2 + [0], [(0, "C"), (4, "F"), (6, "G")]),
        ("C | F", [0, 1, 2, 3] * 3 + [0], [(0, "C"), (4, "F"), (8, "C")]),  # round and round
        ("C | F G", [0] + [0, 1, 2, 3] * 2 + [0], [(1, "C"), (5, "F"), (7, "G")]),  # a pickup of a beat
        ("C | F G", [3] + [0, 1, 2, 3] * 2 + [0], [(1, "C"), (5, "F"), (7, "G")]),
        ("C | F G | A", [0, 1, 2, 3, 0, 1, 0, 1, 2, 3, 0], [(0, "C"), (4, "F"), (5, "G"), (6, "A")]),  # a bar of two
        ("C F |", [0, 1, 2, 0], [(0, "C"), (1.5, "F")]),  # the take is one short bar
    ],
)
def test_every_chord_has_its_share_of_its_bar(
    take: Path, text: str, in_bar: list[int], chords: list[tuple[float, str]]
) -> None:
    assert laid(take, text, in_bar) == chords


@pytest.mark.parametrize("text", ["3/4 C | F", "6/8 C | F", "2/4 C"])
def test_a_chart_in_another_metre_is_refused_in_one_line(
    take: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["again", str(take), "--bars", "2", "--chords", text]) == 2
    said, metre = capsys.readouterr().err, text.partition(" ")[0]
    assert said == f"sideman: --chords is in {metre}, but {take} is in 4/4: write its bars in that\n"


def test_a_chart_in_the_takes_own_metre_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "waltz.mid"
    note = make_notes([0.0], [2.9], [60], [70])
    write_midi(path, note, tempo_bpm=120.0, metre=Metre(3, 4))
    for text in ("3/4 C | F", "C | F"):
        assert laid(path, text, [0, 1, 2, 0, 1, 2, 0]) == [(0, "C"), (3, "F")]
    with pytest.raises(SidemanError, match="has no beat to lay --chords over: leave it out"):
        laid(path, "C", [])
