"""One JACK server, one browser and one `sideman play` for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser import Visitor, running_browser, until, visit
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import FAKE_ENGINE, Listener, Play, playing

CHART = ["--chords", "[A] Dm7 | G7 | Cmaj7 | A7b9", "--tempo", "120", "--seed", "7"]
TEXT, TEMPO = "sideman.live.chart?.text", "sideman.live.state.tempo"
SENDS = "text => sideman.values.command('/sideman/chords', text)"


@pytest.fixture(scope="package")
def jack() -> Iterator[JackServer]:
    with running_jack() as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="package")
def over_a_chart(jack: JackServer) -> Iterator[tuple[Play, Listener]]:
    """`sideman play --panel` over a chart of four bars, and who hears its notes."""
    with playing(jack, FAKE_ENGINE, ["--panel=serve", *CHART]) as running:
        yield running


@pytest.fixture
def page(browser: Any, over_a_chart: tuple[Play, Listener]) -> Iterator[Visitor]:
    """A visitor of its page over the chart that all tests know, who has nothing to complain of at the end.

    The engine is shared, and a test before may have left another chart: nobody's first look may find that one.
    """
    visitor = visit(browser, over_a_chart[0].osc_port)
    if visitor.evaluate(TEXT) != CHART[1]:
        visitor.evaluate(SENDS, CHART[1])
    if visitor.evaluate(TEMPO) != 120:
        visitor.evaluate("sideman.values.command('/sideman/transport/tempo', 120)")
    until(lambda: (visitor.evaluate(TEXT), visitor.evaluate(TEMPO)) == (CHART[1], 120), "the chart that all know")
    yield visitor
    assert visitor.complaints == []
    visitor.close()
