"""Laws of intros and tags: which bars they are, and that the music over them is a chart's like any other."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from bridge.cli import main
from engine.chords import Chart, parse_chart
from engine.solo.form import with_intro, with_tag

TURNAROUND, RESTS = "Cmaj7 | Am7 | Dm7 | G7", "Dm7 | G7 | Cmaj7 | %"


def bars(chart: Chart) -> list[str]:
    """The first chord of each bar."""
    starts = [bar * chart.beats_per_bar for bar in range(chart.bars)]
    spans = [next(span for span in reversed(chart.spans) if span.start_beat <= start) for start in starts]
    return [span.chord.label if span.chord else "N.C." for span in spans]


@pytest.mark.parametrize(
    ("text", "count", "intro"),
    [
        (TURNAROUND, 2, ["Dm7", "G7"]),
        (TURNAROUND, 4, ["Cmaj7", "Am7", "Dm7", "G7"]),
        (TURNAROUND, 6, ["Dm7", "G7", "Cmaj7", "Am7", "Dm7", "G7"]),
        (RESTS, 2, ["Dm7", "G7"]),
        (RESTS, 5, ["Dm7", "G7", "Cmaj7", "Cmaj7", "Dm7"]),
        ("F7 | Bb7 | F7 | F7", 2, ["F7", "Bb7"]),  # a blues' home is a dominant, which leads nowhere
    ],
)
def test_an_intro_is_the_turnaround_where_there_is_one_or_the_first_bars(
    text: str, count: int, intro: list[str]
) -> None:
    chart = parse_chart(text)
    longer = with_intro(chart, count)
    assert bars(longer) == intro + bars(chart)
    assert longer.beats == chart.beats + 4 * count


@pytest.mark.parametrize("text", ["[A] " + RESTS + " | Fm6 | Em7 A7 | Dm7 G7 | C6", "6/8 Dm7 | G7"])
def test_a_tag_plays_the_last_four_bars_three_times(text: str) -> None:
    chart = parse_chart(text)
    tag = bars(chart)[-4:]
    longer = with_tag(chart)
    assert bars(longer) == bars(chart) + tag + tag
    assert longer.metre == chart.metre
    assert longer.spans[-1].end_beat == longer.beats


def test_sections_move_with_their_bars() -> None:
    chart = with_tag(with_intro(parse_chart("[A] Dm7 | G7 [B] | Cmaj7 | %"), 2))
    assert [(name, start / 4) for name, start in chart.sections] == [
        ("Intro", 0), ("A", 2), ("B", 4), ("Tag", 6), ("Tag", 10),
    ]  # fmt: skip


def test_generate_plays_intro_chart_and_tag_and_comes_home(tmp_path: Path) -> None:
    out = tmp_path / "solo.mid"
    assert main(["generate", "--chords", "Dm7 | Cmaj7", "--intro", "2", "--tag", "--ending", "-o", str(out)]) == 0
    file = mido.MidiFile(out)
    markers, tick = [], 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "marker":
            markers.append((tick / file.ticks_per_beat / 4, message.text))
    assert markers == [(bar, ("Dm7", "Cmaj7")[bar % 2]) for bar in range(8)]


@pytest.mark.parametrize("intro", ["-1", "17"])
def test_an_intro_out_of_range_is_one_line(intro: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--chords", "C", "--intro", intro, "-o", str(tmp_path / "solo.mid")]) == 2
    assert capsys.readouterr().err == f"sideman: --intro {intro} lies outside 0..16\n"
