"""Laws of the commands that step through modes and styles."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from bridge.app import remote
from bridge.app.remote import Remote
from bridge.errors import ModeError
from bridge.live.commands import Command
from bridge.live.playing.knobs import Refused
from engine.errors import CheckpointError
from engine.model.controls import Control
from engine.styles.library import Shelved
from osc_protocol.table.parameters import BY_NAME, CONTROL_NAMES, Setting, Value
from osc_protocol.wire.codec import Message, decode, encode
from osc_protocol.wire.replies import ASKED, ERROR, VALUE
from tests.support.live.fake_session import CONTROLS, FakeSession
from tests.support.live.world import World

BASE = "ab" * 32


class Session:
    """A live session that has no chart, and notes what it is told."""

    def __init__(self, has_chart: bool) -> None:
        self.has_chart = has_chart
        self.told: list[tuple[str, object]] = []
        self.asked: dict[str, str | float] = {}
        self.controls: tuple[Control, ...] = CONTROLS
        self.base_sha256 = BASE
        self.refused: deque[Refused] = deque()
        self.disobeyed: deque[tuple[Command, str]] = deque()

    def set_parameter(self, setting: Setting) -> None:
        if setting.value == "changes" and not self.has_chart:
            raise ModeError("mode 'changes' needs a chord chart")
        self.told.append((setting.name, setting.value))

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def press(has_chart: bool, address: str, times: int) -> list[object]:
    """What a button sets that is pressed so often; everyone hears of each."""
    session = Session(has_chart)
    road = Remote(session, {}, port=0)  # type: ignore[arg-type]
    heard: list[object] = []
    road.server.add_listener(lambda packet: heard.append(decode(packet)[0].arguments[1]))
    for _ in range(times):
        assert road.server.handle_packet(encode(address)) == []
    assert heard == [value for _, value in session.told]
    return heard


@pytest.mark.parametrize(
    ("has_chart", "modes"),
    [
        (True, ["changes", "trade", "continue", "comp", "follow", "changes"]),
        (False, ["trade", "continue", "comp", "follow", "trade"]),
    ],
)
def test_the_next_mode_is_the_next_that_can_be_had(has_chart: bool, modes: list[str]) -> None:
    assert press(has_chart, "/sideman/mode/next", len(modes)) == modes


@pytest.mark.parametrize("name", ["role", "groove", "left_hand", "manner"])
def test_the_next_choice_goes_through_all_of_them_and_round(name: str) -> None:
    choices = [*BY_NAME[name].choices]
    assert press(False, f"/sideman/{name}/next", len(choices) + 1) == [*choices[1:], *choices[:2]]


@pytest.mark.parametrize("name", CONTROL_NAMES)
def test_what_a_base_was_not_trained_for_is_refused_at_the_door_and_auto_is_not(name: str) -> None:
    session = Session(False)
    session.controls = ()
    road = Remote(session, {}, port=0)  # type: ignore[arg-type]
    row = BY_NAME[name]
    value = row.choices[1] if row.choices else 0.5
    ((said, (where, reason)),) = (decode(reply)[0] for reply in road.server.handle_packet(encode(row.address, value)))
    assert (said, where) == (ERROR, row.address)
    assert f"leave {name} at auto, or take the shipped base" in str(reason)
    assert road.server.handle_packet(encode(row.address, "auto")) == []
    assert session.told == [(name, "auto")]
    assert road.server.value(name) == "auto"


def test_what_the_session_asks_is_told_beside_the_value() -> None:
    session = Session(False)
    session.asked = {"role": "comping"}
    road = Remote(session, {}, port=0)  # type: ignore[arg-type]
    heard: list[object] = []
    road.server.add_listener(lambda packet: heard.extend(decode(packet)))
    road.report("asked", "role density")
    assert heard == [(ASKED, ("role", "comping")), (ASKED, ("density", "auto"))]
    replies = [decode(packet)[0] for packet in road.server.handle_packet(encode("/sideman/get", "role"))]
    assert replies == [(VALUE, ("role", "auto")), (ASKED, ("role", "comping"))]


def test_the_next_style_goes_through_the_sound_ones_and_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    shelf = [
        Shelved(name, tmp_path, True, base, error)
        for name, base, error in (
            ("klezmer", BASE, None), ("lute", "another base", None), ("old", None, "broken"), ("rag", BASE, None),
        )
    ]  # fmt: skip
    monkeypatch.setattr(remote, "list_styles", lambda: shelf)
    monkeypatch.setattr(remote, "find_style", lambda name: None)
    assert press(False, "/sideman/style/next", 4) == ["klezmer", "rag", "", "klezmer"]


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "C:\\Windows", "$(reboot)", "~", ".", "a/b"])
def test_no_address_opens_a_file_of_the_senders_choice(name: str) -> None:
    road = Remote(Session(False), {}, port=0)  # type: ignore[arg-type]
    for address in ("/sideman/style", "/sideman/param/scale", "/sideman/mode", "/sideman/chord", "/sideman/chords"):
        ((said, (where, reason)),) = (decode(reply)[0] for reply in road.server.handle_packet(encode(address, name)))
        assert (said, where) == (ERROR, address)
        assert len(str(reason).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("top_p 7.0 lies outside 0.05..1", "/sideman/param/top_p"),
        ("style: no such style", "/sideman/style"),
        ("the session hangs, every note ended", ""),
    ],
)
def test_a_knob_that_the_music_refuses_later_is_told_with_its_address(text: str, address: str) -> None:
    road = Remote(Session(False), {}, port=0)  # type: ignore[arg-type]
    heard: list[bytes] = []
    road.server.add_listener(heard.append)
    road.report("error", text)
    assert decode(heard[0]) == [Message(ERROR, (address, text))]


def test_what_the_music_refuses_late_is_told_to_every_surface_as_no_longer_in_force() -> None:
    gone: list[object] = []

    class Styled(FakeSession):
        def set_params(self, *settings: Setting, **values: Value) -> None:
            if any(setting.value in gone for setting in settings):
                raise CheckpointError("style x: its file has gone")
            super().set_params(*settings, **values)

    world = World(make_session=Styled)
    road = Remote(world.live, {}, port=0)
    heard: list[Message] = []
    road.server.add_listener(lambda packet: heard.extend(decode(packet)))
    address = BY_NAME["top_p"].address
    assert road.server.handle_packet(encode(address, 0.5)) == []
    world.run(0.1)
    gone.append(0.75)
    assert road.server.handle_packet(encode(address, 0.75)) == []
    world.run(0.1)
    road.report(*world.said[-1])
    assert heard == [
        (VALUE, ("top_p", 0.5)),
        (VALUE, ("top_p", 0.75)),
        (VALUE, ("top_p", 0.5)),
        (ERROR, (address, "top_p: style x: its file has gone")),
    ]
    assert road.server.value("top_p") == 0.5
    road.server.handle_packet(encode(address, 0.75))
    world.run(0.1)
    road.server.handle_packet(encode(address, 0.9))  # turned on before the refusal is told
    road.report(*world.said[-1])
    assert road.server.value("top_p") == 0.9


def test_what_the_session_refuses_later_is_told_with_the_address_that_asked() -> None:
    world = World()
    road = Remote(world.live, {}, port=0)
    heard: list[Message] = []
    road.server.add_listener(lambda packet: heard.append(decode(packet)[0]))
    asked = [("/sideman/undo",), ("/sideman/bank/recall", "C"), ("/sideman/keep", "5-8"), ("/sideman/again", "9"),
             ("/sideman/variation", "2")]  # fmt: skip
    for address, *arguments in asked:
        assert road.server.handle_packet(encode(address, *arguments)) == []
    world.live._report = road.report
    world.run(0.1)
    assert [where for said, (where, _) in heard if said == ERROR] == [address for address, *_ in asked]
    road.report("error", "a port is gone")
    assert heard[-1] == (ERROR, ("", "a port is gone"))


def test_a_host_that_counts_quarters_is_met_in_every_metre() -> None:
    world = World()
    road = Remote(world.live, {}, port=0)

    def tell(address: str, value: Value) -> float | None:
        assert road.server.handle_packet(encode(address, value)) == []
        world.run(0.5)
        return world.live._beat.tempo_bpm

    quarters = "/sideman/transport/quarters/"
    assert tell(quarters + "tempo", 120.0) == 120.0
    assert tell("/sideman/chords", "6/8 Am | F | C | G") == 80.0
    tell(quarters + "position", 6.0)  # the third bar
    beat = world.live._modes.mode.chart is not None and world.live._ahead.timeline
    assert beat
    assert beat.beat(world.live._ahead.stream_s(world.now_us)) == pytest.approx(4.0 + 0.5 * 80 / 60, abs=0.1)
    assert tell("/sideman/mode", "continue") == 120.0
    assert tell("/sideman/metre", "2/2") == 60.0
    assert tell("/sideman/transport/tempo", 90.0) == 90.0
    assert tell("/sideman/metre", "4/4") == 90.0
