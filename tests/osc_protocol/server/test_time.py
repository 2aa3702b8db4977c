"""Laws of time on the wire: bundles wait for their tags, subscribers hear no more than they can bear."""

from __future__ import annotations

import contextlib
import socket
import time
from datetime import datetime, timezone
from itertools import pairwise

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage

from osc_protocol.server.later import Later
from osc_protocol.server.limits import MAX_SENDERS
from osc_protocol.server.subscriptions import MAX_SUBSCRIBERS, RATE_HZ, Address, Peer, Subscriptions
from osc_protocol.server.udp import MAX_PACKETS_PER_S, UdpPort
from osc_protocol.server.waiting import MAX_AHEAD_S, MAX_WAITING
from osc_protocol.table.parameters import ParameterError
from osc_protocol.wire.codec import Message, decode, decode_timed, encode
from osc_protocol.wire.replies import ERROR, PONG
from tests.support.osc.fake_engine import FakeEngine

WALL_S = 1_800_000_000.0


def bundle(due_s: float | None, *elements: bytes) -> bytes:
    """due_s: Unix seconds; None for at once."""
    ticks = 1 if due_s is None else round((due_s + 2_208_988_800) * 2**32) % 2**64  # NTP begins anew in 2036
    return (
        b"#bundle\x00" + ticks.to_bytes(8, "big") + b"".join(len(item).to_bytes(4, "big") + item for item in elements)
    )


@pytest.mark.parametrize(
    ("outer", "inner", "due"),
    [(None, None, None), (5.5, None, 5.5), (None, 7.0, 7.0), (5.0, 7.0, 7.0), (7.0, 5.0, 7.0)],
)
def test_a_message_is_due_with_the_latest_of_its_bundles(
    outer: float | None, inner: float | None, due: float | None
) -> None:
    ((message, got),) = decode_timed(bundle(outer, bundle(inner, encode("/a"))))
    assert message == Message("/a", ())
    assert got == pytest.approx(due, abs=1e-6)


def test_a_time_tag_of_python_osc_is_read() -> None:
    builder = OscBundleBuilder(WALL_S + 0.25)  # type: ignore[no-untyped-call]
    builder.add_content(OscMessage(encode("/a")))
    assert decode_timed(builder.build().dgram)[0].due_s == pytest.approx(WALL_S + 0.25, abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "fraction", "moment"),
    [
        (0, 0, None),  # at once, as 0 and as 1
        (0, 1, None),
        (0x80000000, 0, "1968-01-20T03:14:08"),
        (2_208_988_800, 0, "1970-01-01T00:00:00"),
        (3_990_000_000, 0x80000000, "2026-06-09T13:20:00.500000"),
        (0xFFFFFFFF, 0, "2036-02-07T06:28:15"),
        (0xFFFFFFFF, 0xC0000000, "2036-02-07T06:28:15.750000"),
        (0, 0x40000000, "2036-02-07T06:28:16.250000"),
        (1, 0, "2036-02-07T06:28:17"),
        (86_400, 0, "2036-02-08T06:28:16"),
        (757_382_400, 0, "2060-02-07T06:28:16"),
        (0x7FFFFFFF, 0, "2104-02-26T09:42:23"),
    ],
)
def test_a_time_tag_is_a_moment_between_1968_and_2104(seconds: int, fraction: int, moment: str | None) -> None:
    element = encode("/a")
    tag = seconds.to_bytes(4, "big") + fraction.to_bytes(4, "big")
    ((_, due_s),) = decode_timed(b"#bundle\x00" + tag + len(element).to_bytes(4, "big") + element)
    if moment is None:
        assert due_s is None
        return
    assert due_s is not None
    assert datetime.fromtimestamp(due_s, timezone.utc) == datetime.fromisoformat(f"{moment}+00:00")


@pytest.mark.parametrize("year", [2026, 2035, 2036, 2037, 2099])
def test_a_bundle_waits_in_any_year_and_across_the_roll_over(year: int) -> None:
    """Half a minute ahead is waited for, half a minute ago acts at once, and so does what is tagged before 2036."""
    wall_s = datetime(year, 2, 7, 6, 28, 16, tzinfo=timezone.utc).timestamp()  # when NTP rolls over, in 2036
    for ahead_s, value in ((30.0, 0), (0.001, 0), (-0.001, 5), (-30.0, 5)):
        engine = FakeEngine()
        server = engine.server(wall_clock=lambda: wall_s)
        assert server.handle_packet(bundle(wall_s + ahead_s, encode("/sideman/param/top_k", 5))) == []
        assert engine.values["top_k"] == value, (ahead_s, value)


@pytest.mark.parametrize("late_s", [0.0, 0.001, 1e9])
def test_a_bundle_that_is_due_or_past_acts_at_once(late_s: float) -> None:
    engine = FakeEngine()
    server = engine.server(wall_clock=lambda: WALL_S)
    assert server.handle_packet(bundle(WALL_S - late_s, encode("/sideman/param/top_k", 5))) == []
    assert engine.values["top_k"] == 5


def test_a_bundle_ahead_waits_and_then_acts_as_one() -> None:
    engine = FakeEngine()
    with engine.server() as server:
        begin_s = time.time()
        packet = bundle(begin_s + 0.3, encode("/sideman/param/top_k", 5), encode("/sideman/seed", 3), encode("/no"))
        assert server.handle_packet(packet) == []
        assert engine.values["top_k"] == 0
        while not engine.commands and time.time() < begin_s + 10:
            assert engine.values["top_k"] == 0 or time.time() > begin_s + 0.25
            time.sleep(0.005)
        assert time.time() >= begin_s + 0.28
        assert (engine.values["top_k"], engine.commands) == (5, [("/sideman/seed", (3,))])
        while not server.rejected and time.time() < begin_s + 10:
            time.sleep(0.005)
        assert server.rejected == 1


def test_the_refusal_of_a_late_message_reaches_its_sender() -> None:
    with FakeEngine().server() as server, contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as peer:
        peer.settimeout(60)
        peer.sendto(bundle(time.time() + 0.1, encode("/nowhere")), ("127.0.0.1", server.port))
        (message,) = decode(peer.recv(4096))
        assert (message.address, message.arguments[0]) == (ERROR, "/nowhere")


def test_a_bundle_too_far_ahead_is_refused_with_the_range() -> None:
    engine = FakeEngine()
    server = engine.server(wall_clock=lambda: WALL_S)
    (reply,) = server.handle_packet(bundle(WALL_S + MAX_AHEAD_S + 1, encode("/sideman/param/top_k", 5)))
    (message,) = decode(reply)
    assert message.address == ERROR
    assert message.arguments[0] == "/sideman/param/top_k"
    assert "legal is 0..60" in str(message.arguments[1])
    assert engine.values["top_k"] == 0


def test_bundles_that_wait_are_bounded_and_the_rest_is_refused() -> None:
    server = FakeEngine().server(wall_clock=lambda: WALL_S)
    packet = bundle(WALL_S + 50, *[encode("/sideman/ping")] * 64)
    assert [len(server.handle_packet(packet)) for _ in range(MAX_WAITING // 64 + 1)] == [0] * (MAX_WAITING // 64) + [64]


class Ears:
    """Subscriptions on a clock of their own; everything sent, by address."""

    def __init__(self) -> None:
        self.now_s, self.value, self.sent = 0.0, 0, list[tuple[float, bytes, tuple[str, int]]]()
        self.later = Later(lambda: self.now_s)
        self.subscriptions = Subscriptions(
            lambda name, feedback: [f"{name} {self.value}{' feedback' * feedback}".encode()],
            lambda packet, address: self.sent.append((self.now_s, packet, address)),
            self.later,
            lambda: self.now_s,
        )


def test_a_flood_of_changes_is_thinned_and_its_last_value_is_told() -> None:
    ears = Ears()
    ears.subscriptions.add(Peer("a", 1))
    for ears.value in range(1, 1001):
        ears.subscriptions.publish("top_k")
        ears.now_s += 0.001
        ears.later.step()
    ears.now_s += 1.0
    ears.later.step()
    assert len(ears.sent) <= RATE_HZ + 2
    assert ears.sent[0][1:] == (b"top_k 1", ("a", 1))
    assert ears.sent[-1][1] == b"top_k 1000"
    times = [sent_s for sent_s, _, _ in ears.sent]
    assert min(after - before for before, after in pairwise(times)) >= 1 / RATE_HZ - 1e-9


def test_names_and_peers_have_a_rate_each_and_one_that_left_hears_nothing_more() -> None:
    ears = Ears()
    ears.subscriptions.add(Peer("a", 1))
    ears.subscriptions.add(Peer("b", 2, feedback=True), ("b", 50))
    for _ in range(2):
        ears.subscriptions.publish("x")
        ears.subscriptions.publish("y")
    assert [(packet, address[0]) for _, packet, address in ears.sent] == [
        (b"x 0", "a"), (b"x 0 feedback", "b"), (b"y 0", "a"), (b"y 0 feedback", "b"),
    ]  # fmt: skip
    ears.subscriptions.remove(("b", 50), feedback=True)
    ears.now_s = 1.0
    ears.later.step()
    assert [address[0] for _, _, address in ears.sent[4:]] == ["a", "a"]
    assert ears.subscriptions.addresses == (("a", 1),)


def test_subscribers_are_bounded_and_one_twice_is_one() -> None:
    ears = Ears()
    for port in range(MAX_SUBSCRIBERS):
        ears.subscriptions.add(Peer("a", port))
    ears.subscriptions.add(Peer("a", 0))
    with pytest.raises(ParameterError, match="served already"):
        ears.subscriptions.add(Peer("a", 999))


def test_faders_hear_every_value_at_its_own_address_at_once_and_after_changes() -> None:
    with FakeEngine().server() as server, contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as fader:
        fader.bind(("127.0.0.1", 0))
        fader.settimeout(60)
        target = ("127.0.0.1", server.port)
        fader.sendto(encode("/sideman/feedback", fader.getsockname()[1]), target)
        fader.sendto(encode("/sideman/ping"), target)
        heard = dict[str, object]()
        while (message := decode(fader.recv(4096))[0]).address != PONG:
            heard[message.address] = message.arguments[0]
        assert heard["/sideman/param/temperature"] == 0.8
        assert heard["/sideman/norm/temperature"] == pytest.approx((0.8 - 0.05) / 1.95, abs=1e-6)
        assert heard["/sideman/style"] == ""
        fader.sendto(encode("/sideman/param/density", 0.25), target)
        assert [decode(fader.recv(4096))[0] for _ in range(2)] == [
            Message("/sideman/param/density", (0.25,)), Message("/sideman/norm/density", (0.25,)),
        ]  # fmt: skip


@pytest.mark.parametrize("address", ["/sideman/subscribe", "/sideman/feedback"])
def test_the_engines_own_port_is_no_subscriber(address: str) -> None:
    with FakeEngine().server() as server, contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as peer:
        peer.settimeout(60)
        peer.sendto(encode(address, server.port), ("127.0.0.1", server.port))
        assert "engine's own" in str(decode(peer.recv(4096))[0].arguments[1])


def test_a_sender_beyond_the_rate_is_told_once_a_second_and_nothing_breaks() -> None:
    told: list[tuple[bytes, Address]] = []
    udp = UdpPort("127.0.0.1", 0, lambda packet, sender: None, lambda packet, sender: told.append((packet, sender)))
    begin_s = time.monotonic()
    refused = sum(not udp.admit(b"/x", ("127.0.0.1", 5)) for _ in range(3 * MAX_PACKETS_PER_S))
    spent_s = time.monotonic() - begin_s
    assert refused >= 3 * MAX_PACKETS_PER_S - (1 + spent_s) * MAX_PACKETS_PER_S - 1
    assert udp.dropped == refused
    assert 1 <= len(told) <= 1 + spent_s
    assert told[0] == (b"/x", ("127.0.0.1", 5))
    assert udp.admit(b"/x", ("127.0.0.1", 6))
    for port in range(1000):
        udp.admit(b"/x", ("127.0.0.1", port))
    assert len(udp._senders) <= MAX_SENDERS


def test_a_subscription_is_ended_by_who_asked_for_it_and_a_standing_one_by_nobody() -> None:
    subscriptions = Ears().subscriptions
    subscriptions.add(Peer("a", 9124))
    for port in (1, 2):
        subscriptions.add(Peer("a", port), ("a", 50 + port))
    with pytest.raises(ParameterError, match="ports 1, 2 are served on your machine: send 0 from where"):
        subscriptions.remove(("a", 99), feedback=False)
    subscriptions.remove(("a", 51), feedback=False)
    assert subscriptions.addresses == (("a", 9124), ("a", 2))
    subscriptions.remove(("a", 99), feedback=True)
    subscriptions.remove(("a", 99), feedback=False)  # the one that is left: there is no other to mean
    subscriptions.remove(("a", 99), feedback=False)
    assert subscriptions.addresses == (("a", 9124),)
