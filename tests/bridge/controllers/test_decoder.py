"""Laws of the controllers: every row by every kind of knob, both ways; nothing but controllers moves anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.controllers.decoder import CcDecoder, ticks
from bridge.controllers.map import RELATIVE, parse_cc_map
from osc_protocol.table.parameters import BY_NAME, DEFAULTS, PARAMETERS, Parameter, Value, check, from_cc
from osc_protocol.table.twins import from_position, has_position, to_position

ORDERED = [row for row in PARAMETERS if has_position(row)]
rows = pytest.mark.parametrize("row", ORDERED, ids=lambda row: row.name)
KINDS: dict[str, dict[str, Any]] = {
    "7 bits": {"cc": 70},
    "14 bits": {"cc": 16, "bits": 14},
    "NRPN": {"nrpn": 1025},
    "NRPN of 7 bits": {"nrpn": 1025, "bits": 7},
}
kinds = pytest.mark.parametrize("kind", KINDS)


class Desk:
    """A decoder with an engine of one dict."""

    def __init__(self, controls: dict[str, Any] | None = None, any_channel: bool = False, **top: Any) -> None:
        self.values = dict(DEFAULTS)
        self.decoder = CcDecoder(
            parse_cc_map({"controls": controls or {}, **top}), self.values.__getitem__, any_channel=any_channel
        )

    def send(self, *pairs: tuple[int, int], channel: int = 0, time_s: float = 0.0) -> list[tuple[str, Value]]:
        """Controller messages; what they set is in force at once."""
        got = []
        for number, data in pairs:
            for name, value in self.decoder.take(bytes((0xB0 | channel, number, data)), time_s):
                assert check(name, value) == value
                self.values[name] = value
                got.append((name, value))
        return got


def move(kind: str, position: int) -> list[tuple[int, int]]:
    high, low = position >> 7, position & 127
    if kind == "7 bits":
        return [(70, position)]
    if kind == "14 bits":
        return [(16, high), (48, low)]
    select = [(99, 1025 >> 7), (98, 1025 & 127)]
    return [*select, (6, high), (38, low)] if kind == "NRPN" else [*select, (6, position)]


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.cc is not None], ids=lambda row: row.name)
def test_the_tables_numbers_turn_their_rows_through_the_whole_range(row: Parameter) -> None:
    desk = Desk()
    for position in (*range(128), 0):
        desk.send((row.cc or 0, position))
        assert desk.values[row.name] == from_cc(row, position)


@rows
@kinds
def test_every_row_by_every_kind_of_absolute_control(row: Parameter, kind: str) -> None:
    desk = Desk({row.name: KINDS[kind]})
    top = 127 if "7" in kind else 16383
    for position in (0, top, top // 2, top // 3, 1, top - 1, 0):
        desk.send(*move(kind, position))
        assert desk.values[row.name] == (from_position(row, position / top) if top > 127 else from_cc(row, position))


@rows
@kinds
def test_feedback_moves_a_fader_to_where_it_means_the_value(row: Parameter, kind: str) -> None:
    desk, twin = Desk({row.name: KINDS[kind]}), Desk({row.name: KINDS[kind]})
    top = 127 if "7" in kind else 16383
    for position in (0, top, top // 2, top // 3):
        desk.values[row.name] = from_position(row, position / top)
        for message in desk.decoder.feedback(row.name):
            assert message[0] == 0xB0
            twin.send((message[1], message[2]))
        distance = abs(to_position(row, twin.values[row.name]) - to_position(row, desk.values[row.name]))
        assert distance <= (1.0 if row.choices or row.type == "i" else 0.5) / top + 1e-4
        assert desk.decoder.feedback(row.name) == []  # it stands there


@kinds
def test_a_fader_moved_by_hand_is_not_moved_back(kind: str) -> None:
    desk = Desk({"temperature": KINDS[kind]})
    for position in range(0, 128 if "7" in kind else 16384, 7):
        desk.send(*move(kind, position))
        assert desk.decoder.feedback("temperature") == []


ENCODER_BYTES = [
    ("twos_complement", {1: 1, 63: 63, 127: -1, 64: -64, 0: 0}),
    ("sign_magnitude", {1: 1, 63: 63, 65: -1, 127: -63, 0: 0, 64: 0}),
    ("binary_offset", {65: 1, 127: 63, 63: -1, 0: -64, 64: 0}),
]


@pytest.mark.parametrize(("relative", "table"), ENCODER_BYTES)
def test_encoder_bytes_are_those_of_their_kinds(relative: Any, table: dict[int, int]) -> None:
    assert {byte: ticks(relative, byte) for byte in table} == table


def encode_ticks(relative: str, count: int) -> int:
    return {"twos_complement": count & 127, "sign_magnitude": abs(count) | 64 * (count < 0)}.get(relative, count + 64)


@rows
@pytest.mark.parametrize("relative", RELATIVE)
def test_an_encoder_reaches_both_ends_stays_there_and_comes_back(row: Parameter, relative: str) -> None:
    desk = Desk({row.name: {"cc": 80, "relative": relative}})
    up, down = encode_ticks(relative, 1), encode_ticks(relative, -1)
    desk.send(*[(80, up)] * 200)
    assert to_position(row, desk.values[row.name]) == 1.0
    desk.send(*[(80, down)] * 127)
    assert to_position(row, desk.values[row.name]) == 0.0
    desk.send(*[(80, encode_ticks(relative, 50))])
    assert to_position(row, desk.values[row.name]) > 0


@settings(deadline=None)
@given(st.lists(st.integers(-20, 20), max_size=30))
def test_steps_of_an_encoder_add_up(steps: list[int]) -> None:
    desk = Desk({"temperature": {"cc": 80, "relative": "twos_complement"}})
    desk.values["temperature"] = 1.0
    row, position = BY_NAME["temperature"], to_position(BY_NAME["temperature"], 1.0)
    for step in steps:
        desk.send((80, encode_ticks("twos_complement", step)))
        position = min(1.0, max(0.0, position + step / 127))
    assert to_position(row, desk.values["temperature"]) == pytest.approx(position, abs=1e-5)


def test_an_encoder_goes_on_from_a_value_set_elsewhere() -> None:
    desk = Desk({"polyphony": {"cc": 80, "relative": "binary_offset"}})
    desk.send((80, 65))
    assert desk.values["polyphony"] == 8  # an eighth of a step, kept
    desk.send(*[(80, 65)] * 8)
    assert desk.values["polyphony"] == 9
    desk.values["polyphony"] = 2
    desk.send(*[(80, 65)] * 9)
    assert desk.values["polyphony"] == 3


def test_data_increment_and_decrement_step_an_nrpn() -> None:
    desk = Desk({"density": {"nrpn": 5, "bits": 7}})
    desk.values["density"] = 0.5
    desk.send((99, 0), (98, 5), *[(96, 0)] * 10)
    assert desk.values["density"] == pytest.approx(0.5 + 10 / 126, abs=1e-5)
    desk.send(*[(97, 0)] * 20)
    assert desk.values["density"] == pytest.approx(0.5 - 10 / 126, abs=1e-5)


def test_one_step_below_the_lowest_number_is_auto_and_one_above_auto_is_that_number() -> None:
    desk = Desk({"density": {"cc": 80, "relative": "binary_offset"}})
    assert desk.send((80, 65), (80, 65)) == [("density", 0.0), ("density", pytest.approx(1 / 126, abs=1e-5))]
    assert desk.send((80, 63), (80, 63), (80, 63)) == [("density", 0.0), ("density", "auto")]


@pytest.mark.parametrize("deselect", [(101, 0), (100, 0)])
def test_an_rpn_or_another_nrpn_or_another_channel_leaves_ours_alone(deselect: tuple[int, int]) -> None:
    desk = Desk({"density": {"nrpn": 5}})
    assert desk.send((6, 100)) == []
    assert desk.send((99, 0), (98, 6), (6, 100)) == []
    assert desk.send((99, 0), (98, 5), deselect, (6, 100), (38, 3)) == []
    assert desk.send((99, 127), (98, 127), (6, 100)) == []
    desk.send((99, 0), (98, 5))
    assert desk.send((6, 100), channel=1) == []
    assert desk.send((6, 100))


def test_the_channel_of_choice_is_the_one_that_counts() -> None:
    desk = Desk({"top_p": {"cc": 70, "channel": 5}}, channel=3)
    assert desk.send((24, 9)) == []
    assert desk.send((70, 9), channel=2) == []
    assert desk.send((24, 9), channel=2)
    assert desk.send((70, 9), channel=4)
    assert Desk({}, any_channel=True, channel=3).send((24, 9), channel=11)
    assert Desk().send((24, 9), channel=11)


def test_bank_select_and_the_mod_wheels_fine_part_turn_nothing() -> None:
    desk = Desk()
    assert desk.send((0, 1), (32, 5), (1, 64), (33, 17), time_s=5.0) == []
    assert desk.send((32, 5), (33, 17), time_s=6.0) == [("humanise", 0.0394), ("style_blend", 0.1339)]
    chosen = Desk({"humanise": 32})
    assert chosen.send((0, 1), (32, 5), time_s=5.0)


def test_a_knob_with_pick_up_waits_until_it_reaches_the_value() -> None:
    desk = Desk({"density": {"cc": 70, "pick_up": True}})
    desk.values["density"] = 0.5
    assert desk.send((70, 0), (70, 20), (70, 40), (70, 60)) == []
    assert desk.send((70, 63))  # there
    assert desk.send((70, 100))  # held now
    desk.values["density"] = 0.2
    assert desk.send((70, 110), (70, 90)) == []
    assert desk.send((70, 10))  # passed it
    assert desk.values["density"] == pytest.approx(9 / 126, abs=1e-3)


@settings(deadline=None)
@given(st.lists(st.integers(0, 127), min_size=1), st.floats(0, 1))
def test_pick_up_never_jumps(positions: list[int], start: float) -> None:
    """The first value that a knob sets lies beside the one in force, or between it and where the knob came from."""
    desk = Desk({"density": {"cc": 70, "pick_up": True}})
    desk.values["density"] = start
    before: int | None = None
    for position in positions:
        if desk.send((70, position)):
            target = to_position(BY_NAME["density"], start)
            near = abs(position / 127 - target) <= 2 / 127 + 1e-9
            assert near or (before is not None and (before / 127 - target) * (position / 127 - target) <= 0)
            return
        before = position


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5) | st.tuples(st.just(0xB0), st.integers(0, 255), st.integers(0, 255)).map(bytes)))
def test_any_bytes_set_legal_values_or_nothing(messages: list[bytes]) -> None:
    desk = Desk({"top_p": {"cc": 1, "bits": 14}, "density": {"nrpn": 0}, "swing": {"cc": 2, "relative": RELATIVE[0]}})
    for message in messages:
        for name, value in desk.decoder.take(message):
            assert check(name, value) == value
            desk.values[name] = value


def test_notes_and_the_pedal_turn_nothing() -> None:
    desk = Desk()
    for number in (1, 7, 10, 11, 64, 66, 67, 91, 93, *range(120, 128)):
        assert desk.send((number, 100)) == []
    assert desk.decoder.take(bytes((0x90, 24, 100))) == []


def test_where_every_channel_is_heard_one_that_names_it_goes_first() -> None:
    """The control port: the map's channel is the In port's."""
    entries = {"temperature": 20, "density": {"cc": 20, "channel": 5}}
    desk = Desk(entries, any_channel=True, channel=3)
    assert [name for name, _ in desk.send((20, 100), channel=4)] == ["density"]
    assert [name for name, _ in desk.send((20, 100), channel=7)] == ["temperature"]
    desk = Desk(entries, channel=3)
    assert [name for name, _ in desk.send((20, 100), channel=4)] == ["density"]
    assert [name for name, _ in desk.send((20, 100), channel=2)] == ["temperature"]
    assert desk.send((20, 50), channel=7) == []
