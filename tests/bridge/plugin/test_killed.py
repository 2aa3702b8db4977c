"""The engine is killed in every state: notes end, the host goes on, and another engine knows everything again."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bridge.plugin.conftest import is_ready, with_chart
from tests.support.live.world import D_MINOR_7
from tests.support.plugin.engine_process import have_it_started, kill_engine, stop_engine
from tests.support.plugin.fake_engine import wait_for
from tests.support.plugin.host import ClapHost

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked at through /proc")

Make = Callable[..., ClapHost]


@pytest.fixture(autouse=True)
def own_engine(address: Path) -> Iterator[None]:
    have_it_started()
    yield
    stop_engine()


def idle(host: ClapHost) -> None:
    host.play(0.2)
    kill_engine()


def a_chord_is_held(host: ClapHost) -> None:
    host.press(*D_MINOR_7)
    wait_for(lambda: host.process(64) == 1 and bool(host.sounding()), "it is not answered")
    kill_engine()


def a_chart_plays(host: ClapHost) -> None:
    with_chart(host).playing = True
    wait_for(lambda: host.process(64) == 1 and bool(host.sounding()), "nothing plays")
    kill_engine()


def a_state_is_loaded(host: ClapHost) -> None:
    kill_engine(signal.SIGSTOP)
    with_chart(host)
    host.process(512)
    kill_engine()


def it_connects(host: ClapHost) -> None:
    """It takes the connection, and never says a word to it."""
    kill_engine(signal.SIGSTOP)
    second = ClapHost(host.library)
    second.activate()
    time.sleep(0.7)
    assert second.text("Engine") != "ready"
    kill_engine()
    is_ready(second)
    second.deactivate()
    second.destroy()


def it_is_told_much(host: ClapHost) -> None:
    """It reads nothing, while the host automates everything."""
    kill_engine(signal.SIGSTOP)
    for i in range(300):
        host.turn("Temperature", 0.5 + i / 1000)
        host.turn("Density", i / 300)
        host.process(64)
    kill_engine()


@pytest.mark.parametrize(
    "dies_while", [idle, a_chord_is_held, a_chart_plays, a_state_is_loaded, it_connects, it_is_told_much]
)
def test_nothing_stays_and_everything_comes_back(make_host: Make, dies_while: Callable[[ClapHost], None]) -> None:
    host = make_host()
    is_ready(host)
    dies_while(host)
    wait_for(lambda: host.process(64) == 1 and not host.sounding(), "the note stays")
    project = host.save()
    is_ready(host)
    assert host.save() == project
    host.release(*D_MINOR_7)
    with_chart(host).playing = True
    host.played = []
    wait_for(lambda: host.play(0.2) is None and bool(host.onsets()), f"silence: {host.text('Engine')}")
    host.playing = False
    host.process(64)
    assert not host.sounding()


def test_a_render_ends_and_the_next_one_is_whole(make_host: Make) -> None:
    host = with_chart(make_host(offline=True))

    def render(seconds: float) -> list[tuple[int, int, int]]:
        began, host.played, host.playing, host.beat = host.frame, [], True, 0.0
        host.run(seconds, 512)
        host.playing = False
        host.process(512)
        assert not host.sounding()
        return [(event.frame - began, event.status, event.pitch) for event in host.played]

    whole = render(3.0)
    killer = threading.Timer(0.15, kill_engine)
    began_s = time.monotonic()
    killer.start()
    while killer.is_alive():
        cut = render(3.0)
        assert cut == whole[: len(cut)] or not killer.is_alive()
    killer.join()
    assert time.monotonic() - began_s < 60.0, "the host waits for an engine that is gone"
    is_ready(host)
    assert render(3.0) == whole


def test_a_render_waits_for_the_engine_that_it_starts(make_host: Make) -> None:
    host = with_chart(make_host(offline=True))
    host.playing = True
    host.run(1.0, 512)
    assert host.onsets()
