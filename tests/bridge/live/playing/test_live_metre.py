"""A session's metre: live, over OSC, and under a clock that counts quarters."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.app.arguments import add_arguments
from bridge.app.remote import Remote
from bridge.live.playing.beat import Beat
from engine.chords import Chart
from engine.errors import ChordError
from engine.metre import Metre


class Session:
    """What Remote asks of a live session."""

    controls = ()

    def __init__(self) -> None:
        self.metres: list[str] = []
        self.charts: list[Chart] = []

    def set_metre(self, metre: str) -> None:
        self.metres.append(metre)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None

    def set_chart(self, chart: Chart) -> None:
        self.charts.append(chart)


def test_a_metre_over_osc_holds_for_charts_that_name_none() -> None:
    session = Session()
    road = Remote(session, {}, port=0)  # type: ignore[arg-type]
    for address, text in (
        ("/sideman/chords", "C | F"),
        ("/sideman/metre", "6/8"),
        ("/sideman/chords", "C | F"),
        ("/sideman/chords", "3/4 C | F"),
    ):
        road._on_command(address, (text,))
    assert session.metres == ["6/8"]
    assert [str(chart.metre) for chart in session.charts] == ["4/4", "6/8", "3/4"]
    with pytest.raises(ChordError, match="no metre"):
        road._on_command("/sideman/metre", ("waltz",))


class Ahead:
    """What Beat asks of the music ahead."""

    playing = True

    def wall_us(self, stream_s: float) -> int:
        return round(stream_s * 1e6)


class Clock:
    """An outside clock that is at a quarter."""

    def __init__(self, quarter: float) -> None:
        self._quarter = quarter

    def beat_at(self, _: int) -> float:
        return self._quarter


@pytest.mark.parametrize(
    ("metre", "bpm", "quarter", "since_bar_s"),
    [
        (Metre(4), 60, 5.0, 1.0),
        (Metre(3), 60, 5.0, 2.0),
        (Metre(5), 60, 5.0, 0.0),
        (Metre(6, 8), 60, 4.5, 1.0),  # a bar is three quarters, two beats of a second
        (Metre(7, 8), 120, 4.5, 1.0),  # a bar is three and a half quarters, seven beats of half a second
        (Metre(12, 8), 60, 9.0, 2.0),
    ],
)
def test_a_clock_that_counts_quarters_has_its_bar_lines_where_the_metre_has(
    metre: Metre, bpm: float, quarter: float, since_bar_s: float
) -> None:
    ahead, clock = Ahead(), Clock(quarter)
    beat = Beat(
        ahead,  # type: ignore[arg-type]
        lambda: 0,
        lambda _, __: None,
        tempo_bpm=bpm,
        outside=clock,  # type: ignore[arg-type]
        latency_us=0,
        metre=metre,
    )
    assert -beat._outside_origin_s(0.0) == pytest.approx(since_bar_s)


def test_play_takes_a_metre() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args(["--metre", "6/8"]).metre == "6/8"
    assert parser.parse_args(["--beats-per-bar", "3"]).beats_per_bar == 3
