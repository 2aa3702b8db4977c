"""Laws of the twin addresses: every row that has an order is set by 0..1 and by 0..127."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.table.parameters import AUTO, PARAMETERS, Parameter, ParameterError, check, from_cc
from osc_protocol.table.twins import (
    BY_TWIN,
    MIDI,
    NORM,
    check_twin,
    from_norm,
    from_position,
    has_position,
    to_norm,
    to_position,
)
from osc_protocol.wire.codec import decode, encode
from osc_protocol.wire.replies import ERROR
from tests.support.osc.fake_engine import FakeEngine

ORDERED = [row for row in PARAMETERS if has_position(row)]
rows = pytest.mark.parametrize("row", ORDERED, ids=lambda row: row.name)


def test_every_row_but_free_text_has_both_twins() -> None:
    assert {row.name for row in PARAMETERS} - {row.name for row in ORDERED} == {"style", "scale"}
    assert len(BY_TWIN) == 2 * len(ORDERED)


@rows
def test_both_ends_are_exact(row: Parameter) -> None:
    for prefix, top in ((NORM, 1), (NORM, 1.0), (MIDI, 127), (MIDI, 127.0)):
        lowest = AUTO if row.auto and prefix == MIDI else row.low
        ends = (row.choices[0], row.choices[-1]) if row.choices else (lowest, row.high)
        assert (check_twin(prefix + row.name, (0,))[1], check_twin(prefix + row.name, (top,))[1]) == ends
        assert (check_twin(prefix + row.name, (False,))[1], check_twin(prefix + row.name, (True,))[1]) == ends


@rows
@settings(deadline=None, max_examples=40)
@given(st.floats(0, 1))
def test_every_position_gives_a_legal_value_that_lies_there(row: Parameter, position: float) -> None:
    for read, place in ((from_norm, to_norm), (from_position, to_position)):
        value = read(row, position)
        assert check(row.name, value) == value
        if row.choices:
            assert value == row.choices[min(int(position * len(row.choices)), len(row.choices) - 1)]
            assert read(row, place(row, value)) == value
        else:
            step = 1 / (row.high - row.low) if row.type == "i" else 1e-5  # type: ignore[operator]
            gap = 1 / 127 if row.auto and read is from_position else 0.0  # between AUTO and the lowest number
            assert abs(place(row, value) - position) <= 0.5001 * max(step, gap)


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.auto], ids=lambda row: row.name)
def test_auto_lies_below_the_numbers_on_both(row: Parameter) -> None:
    assert (to_norm(row, AUTO), to_position(row, AUTO)) == (-1.0, 0.0)
    assert {check_twin(NORM + row.name, (low,))[1] for low in (-1, -1.0, -0.01)} == {AUTO}
    assert [check_twin(NORM + row.name, (norm,))[1] for norm in (0, 0.25, 1)] == [0.0, 0.25, 1.0]
    assert [check_twin(MIDI + row.name, (n,))[1] for n in (0, 0.4, 1, 64, 127)] == [AUTO, AUTO, 0.0, 0.5, 1.0]
    with pytest.raises(ParameterError, match=r"one number 0\.\.1, or -1 for auto, not -1\.1"):
        check_twin(NORM + row.name, (-1.1,))
    with pytest.raises(ParameterError, match=r"one number 0\.\.127, not -1"):
        check_twin(MIDI + row.name, (-1,))


@rows
def test_the_default_comes_back_over_the_wire(row: Parameter) -> None:
    ((_, (position,)),) = decode(encode(NORM + row.name, to_norm(row, row.default)))
    assert check_twin(NORM + row.name, (position,)) == (row.name, row.default)


@rows
def test_the_midi_twin_is_the_cc_road(row: Parameter) -> None:
    assert [check_twin(MIDI + row.name, (n,))[1] for n in range(128)] == [from_cc(row, n) for n in range(128)]


@pytest.mark.parametrize("arguments", [(), (0.5, 0.5), (-1.1,), (1.1,), (math.nan,), (math.inf,), ("x",), (10**4000,)])
def test_what_is_no_position_is_refused_with_the_range(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ParameterError, match=r"0\.\.1") as caught:
        check_twin(NORM + "density", arguments)
    assert len(str(caught.value)) < 200


@rows
def test_the_server_takes_both(row: Parameter) -> None:
    engine = FakeEngine()
    server = engine.server()
    assert server.handle_packet(encode(NORM + row.name, 1.0)) == []
    assert engine.values[row.name] == from_norm(row, 1.0)
    assert server.handle_packet(encode(MIDI + row.name, 0)) == []
    assert engine.values[row.name] == from_position(row, 0.0)
    assert decode(server.handle_packet(encode(MIDI + row.name, 128))[0])[0].address == ERROR


def test_a_slip_in_a_twin_is_answered_with_the_twin_and_a_flood_of_slips_without() -> None:
    server = FakeEngine().server()
    packet = encode(NORM + "densty", 0.5)
    answers = [str(decode(server.handle_packet(packet)[0])[0].arguments[1]) for _ in range(300)]
    assert "did you mean '/sideman/norm/density'" in answers[0]
    assert "docs/osc.md lists them all" in answers[-1]


@pytest.mark.parametrize("address", ["/sideman/play", "/sideman/stop", "/sideman/panic"])
def test_a_button_acts_when_pressed_and_not_when_let_go(address: str) -> None:
    engine = FakeEngine()
    server = engine.server()
    for state in (1, 1.0, True, 0, 0.0, False):
        assert server.handle_packet(encode(address, state)) == []
    assert engine.commands == [(address, ())] * 3
