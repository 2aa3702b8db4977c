"""The plug-in and `sideman serve` together: what hosts do, and what comes of it. The sessions have no model."""

from __future__ import annotations

import random
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.plugin.finding.address_file import Address, read_address, write_address
from bridge.plugin.finding.claim import claim_engine, is_served
from bridge.plugin.server import PluginServer
from tests.bridge.plugin.conftest import CHART, is_ready, with_chart
from tests.support.live.fake_session import CONTROLS, FakeSession
from tests.support.live.world import D_MINOR_7
from tests.support.plugin.fake_engine import wait_for
from tests.support.plugin.host import ClapHost
from tests.support.plugin.moves import move

Make = Callable[..., ClapHost]
Serve = Callable[[], PluginServer]


def sounds(host: ClapHost) -> list[tuple[int, int, int]]:
    return [(event.frame, event.status, event.pitch) for event in host.played]


def test_a_render_is_the_same_however_often_and_in_whatever_blocks(make_server: Serve, make_host: Make) -> None:
    make_server()
    takes = []
    for block in (480, 480, 96, 1000, 4096):
        host = with_chart(make_host(offline=True, tempo_bpm=140.0))
        host.playing = True
        host.turn("Temperature", 0.2, at=400)
        host.press(*D_MINOR_7, at=3)
        host.run(2.5, block)
        takes.append([event for event in sounds(host) if event[0] < 100_000])
    assert len(takes[0]) > 10
    assert all(take == takes[0] for take in takes[1:])


def test_one_instance_renders_the_same_again(make_server: Serve, make_host: Make) -> None:
    make_server()
    host = with_chart(make_host(offline=True))
    takes = []
    for _ in range(3):
        host.playing, host.beat = True, 4.0
        began, host.played = host.frame, []
        host.run(3.0, 600)
        host.playing = False
        host.run(0.5, 600)
        takes.append([(frame - began, status, pitch) for frame, status, pitch in sounds(host)])
        assert not host.sounding()
    assert len(takes[0]) > 10
    assert takes[0] == takes[1] == takes[2]


def test_another_seed_plays_something_else(make_server: Serve, make_host: Make) -> None:
    make_server()
    takes = []
    for seed in (1, 2):
        host = with_chart(make_host(offline=True), seed)
        host.playing = True
        host.run(2.0, 600)
        takes.append(sounds(host))
    assert takes[0] != takes[1]


def test_the_chart_goes_by_the_song_round_its_loop(make_server: Serve, make_host: Make) -> None:
    """The loop lies in the third and fourth bar, which are C major: no chord but that is ever heard there."""
    make_server()
    host = with_chart(make_host(offline=True))
    host.playing, host.beat, host.loop = True, 8.0, (8.0, 16.0)
    host.run(14.0, 480)
    classes = {event.pitch % 12 for event in host.onsets()}
    assert classes <= {0, 4, 7, 11}, "a chord from beyond the loop"
    assert len(host.onsets()) > 30
    host.loop = None
    host.beat = 0.0
    host.played = []
    host.run(1.9, 480)
    assert {event.pitch % 12 for event in host.onsets()} <= {2, 5, 9, 0}


@pytest.mark.parametrize("offline", [True, False], ids=["offline", "live"])
def test_no_note_stays_after_loops_jumps_stops_and_ramps(make_server: Serve, make_host: Make, offline: bool) -> None:
    make_server()
    host = with_chart(make_host(offline=offline))
    draw = random.Random(5)
    host.playing = True
    for _ in range(25):
        move(host, draw)
        if offline:
            host.run(0.4, draw.choice([64, 512, 2048]))
        else:
            host.play(0.2)
        host.sounding()  # strikes and ends alternate
    host.tempo_per_s = 0.0
    host.playing = False
    host.process(512)
    assert not host.sounding()
    assert len(host.onsets()) > 10


def test_a_chord_that_is_held_is_answered_and_rest_follows_its_release(make_server: Serve, make_host: Make) -> None:
    make_server()
    host = make_host()
    is_ready(host)
    host.play(0.3)
    at = host.frame
    host.press(*D_MINOR_7, at=100)
    host.play(2.0)
    assert {event.pitch % 12 for event in host.onsets()} <= {2, 5, 9, 0}
    assert len(host.onsets()) > 3
    assert host.onsets()[0].frame - at < 0.5 * host.rate
    host.release(*D_MINOR_7)
    host.play(2.5)
    assert not host.sounding()
    count = len(host.played)
    host.play(0.5)
    assert len(host.played) == count, "it rests"


def test_a_new_engine_is_told_everything(make_server: Serve, make_host: Make) -> None:
    first = make_server()
    host = with_chart(make_host())
    is_ready(host)
    host.playing = True
    host.play(1.5)
    assert host.onsets()
    first.close()
    wait_for(lambda: host.process(64) == 1 and not host.sounding(), "the note stays")
    wait_for(lambda: host.text("Engine").startswith("not running"), "nothing is said")
    host.played = []
    make_server()
    is_ready(host)
    host.play(2.0)
    assert host.onsets(), "chart, mode and transport were told to the second one"


def test_instances_play_each_its_own(make_server: Serve, make_host: Make) -> None:
    make_server()
    hosts = [with_chart(make_host(offline=True), seed) for seed in (1, 1, 2)]
    for host in hosts:
        host.playing = True
    for _ in range(200):
        for host in hosts:
            host.process(480)
    takes = [sounds(host) for host in hosts]
    assert takes[0] == takes[1] != takes[2]
    assert len(takes[0]) > 8


def test_a_mode_without_its_chart_is_said_where_the_host_shows_it(make_server: Serve, make_host: Make) -> None:
    make_server()
    host = make_host()
    is_ready(host)
    host.turn("Mode", 1.0)
    host.process(64)
    wait_for(lambda: host.process(64) == 1 and "needs a chord chart" in host.text("Engine"), host.text("Engine"))


def test_a_project_comes_back_as_it_was(make_host: Make) -> None:
    first, second = make_host(), make_host()
    with_chart(first, seed=123_456_789)
    first.turn("Density", 0.35)
    first.turn("Groove", 3.0)
    first.turn("Temperature", 0.5, modulate=True)  # is the host's own
    first.flush()
    assert second.load(first.save())
    assert second.save() == first.save()
    assert second.text("Density") == "0.350"
    assert second.text("Groove") == "blues"
    assert second.text("Temperature") == "0.800"
    assert second.text("Seed") == "123456789"


def test_what_a_project_asks_and_this_machine_has_not_is_said_and_the_rest_plays(
    address: Path, make_host: Make
) -> None:
    """A style that was learned elsewhere, and a base that cannot be asked for a role."""
    sessions: list[FakeSession] = []

    def make(seed: int) -> FakeSession:
        session = FakeSession(seed)
        session.controls = tuple(control for control in CONTROLS if control.name != "role")
        sessions.append(session)
        return session

    server = PluginServer(make, lambda what, text: None)
    host = with_chart(make_host())
    host.turn("Role", 1.0)
    host.flush()
    assert host.load(host.save() + CHART + b"text style somebody_elses\n")
    server.open()  # not before: a role that was turned in an engine's hearing would be refused before the style
    host.playing = True
    wait_for(lambda: host.process(64) == 1 and "somebody_elses" in host.text("Engine"), host.text("Engine"))
    wait_for(lambda: "; role" in host.text("Engine"), host.text("Engine"))
    host.play(1.0)
    assert host.onsets()
    assert b"text style somebody_elses" in host.save(), "the project keeps it"
    host.turn("Role", 0.0)
    host.process(64)
    wait_for(lambda: "role" not in host.text("Engine"), "it is said for ever")
    assert "somebody_elses" in host.text("Engine")
    server.close()


@pytest.mark.parametrize("broken", [b"", b"sideman 2\n", b"\xff" * 100])
def test_a_foreign_state_is_refused_and_changes_nothing(make_host: Make, broken: bytes) -> None:
    host = with_chart(make_host())
    before = host.save()
    assert not host.load(broken)
    assert host.save() == before


def test_the_address_is_for_this_user_alone(make_server: Serve, address: Path) -> None:
    server = make_server()
    assert stat.S_IMODE(address.stat().st_mode) == 0o600
    server.close()
    assert not address.exists()


def test_who_does_not_know_the_token_is_sent_away(make_server: Serve, make_host: Make, address: Path) -> None:
    server = make_server()
    write_address(Address(server.port, bytes(32)))
    host = make_host()
    wait_for(lambda: host.text("Engine").startswith("refuses"), "a stranger is let in")


def test_a_file_that_others_can_read_is_not_believed(make_server: Serve, make_host: Make, address: Path) -> None:
    make_server()
    address.chmod(0o644)
    host = make_host()
    host.play(0.3)
    assert host.text("Engine").startswith("not running")


def test_one_engine_serves_a_user(make_server: Serve) -> None:
    with claim_engine(wait=False):
        make_server()
        with pytest.raises(BridgeError, match="runs already"), claim_engine(wait=False):
            pytest.fail("there are two")
        assert read_address() is not None
        assert is_served()
    with claim_engine(wait=False) as claimed:
        assert claimed, "the first one has ended"
