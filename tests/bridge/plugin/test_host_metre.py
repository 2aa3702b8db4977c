"""The host's metre: what nobody can play in is said and ends nothing, and a chart that names none goes in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.live.commands import FollowHost
from bridge.plugin import wire
from bridge.plugin.instance import Instance
from tests.support.live.fake_session import FakeSession
from tests.support.plugin.fake_engine import wait_for


class Plugin:
    """An instance, and what its host says of itself."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.instance = Instance(FakeSession, lambda frame: None, lambda what, text: self.said.append((what, text)))
        self._serial = 0

    def follow(self, metre: str, epoch: int, *, playing: bool = True) -> None:
        at = 0.2 * self._serial
        host = FollowHost(at, 0.0, 120.0, metre, playing=playing, loop_start=0.0, loop_end=0.0, epoch=epoch)
        self.instance.take(host)
        self._serial += 1
        self.instance.take(wire.Now(at, self._serial, offline=False))

    def metre(self) -> str:
        session = self.instance._session
        assert session is not None
        return str(session._modes.mode.metre)


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    made = Plugin()
    yield made
    made.instance.close()


def test_a_metre_that_nobody_can_play_in_is_said_once_and_the_one_before_stays(plugin: Plugin) -> None:
    plugin.follow("3/4", 1)
    wait_for(lambda: plugin.metre() == "3/4", "the host's metre is not taken up")
    for metre in ("4/64", "4/64", "33/4", "3/12", "100/8"):
        before = len(plugin.said)
        plugin.follow(metre, 1)
    wait_for(lambda: len([what for what, _ in plugin.said if what == "error"]) == 4, "a metre is refused in silence")
    assert all("the host's metre is not taken up" in text for what, text in plugin.said[before:] if what == "error")
    plugin.follow("5/4", 1)
    wait_for(lambda: plugin.metre() == "5/4", "the session has ended")


def test_a_chart_without_a_metre_goes_in_the_hosts_where_that_stands_or_starts(plugin: Plugin) -> None:
    plugin.follow("3/4", 1, playing=False)
    plugin.instance.take(wire.Text("chords", "Dm7 | G7"))
    wait_for(lambda: plugin.metre() == "3/4", "the chart is in another metre")
    plugin.follow("6/8", 1, playing=False)
    wait_for(lambda: plugin.metre() == "6/8", "the chart stays behind")
    plugin.follow("4/4", 2)
    wait_for(lambda: plugin.metre() == "4/4", "a start is not heard")
    plugin.follow("3/4", 2)  # a bar of three in a song of four
    plugin.follow("5/4", 2)
    wait_for(lambda: str(plugin.instance._session._beat.metre) == "5/4", "the news does not come")  # type: ignore[union-attr]
    assert plugin.metre() == "4/4"
    plugin.instance.take(wire.Text("chords", "7/8 Dm7 | G7"))
    plugin.follow("3/4", 3)
    wait_for(lambda: plugin.metre() == "7/8", "a chart's own metre is not its own")
