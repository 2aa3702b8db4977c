"""One JACK server, one browser and one `sideman play` for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser import Visitor, running_browser, visit
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import FAKE_ENGINE, Listener, Play, playing

CHART = ["--chords", "[A] Dm7 | G7 | Cmaj7 | A7b9", "--tempo", "120", "--seed", "7"]


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
    """A visitor of its page, who has nothing to complain of at the end."""
    visitor = visit(browser, over_a_chart[0].osc_port)
    yield visitor
    assert visitor.complaints == []
    visitor.close()
