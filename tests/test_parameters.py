"""Laws of the parameter table."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.parameters import (
    BY_ADDRESS,
    BY_CC,
    BY_NAME,
    COMMANDS,
    PARAMETERS,
    Parameter,
    ParameterError,
    check,
    check_arguments,
    from_cc,
    legal_range,
    to_cc,
)

RANGED = [row for row in PARAMETERS if row.low is not None]
CONTROLLED = [row for row in PARAMETERS if row.cc is not None]


def ids(row: Parameter) -> str:
    return row.name


def test_the_design_table_is_frozen() -> None:
    assert [(row.name, row.type, row.low, row.high, row.default, row.address, row.cc) for row in PARAMETERS] == [
        ("temperature", "f", 0.05, 2.0, 0.8, "/sideman/param/temperature", 20),
        ("top_p", "f", 0.05, 1.0, 0.9, "/sideman/param/top_p", 21),
        ("top_k", "i", 0, 388, 0, "/sideman/param/top_k", 22),
        ("min_p", "f", 0.0, 0.5, 0.0, "/sideman/param/min_p", 23),
        ("density", "f", 0.0, 1.0, 0.5, "/sideman/param/density", 24),
        ("register_low", "i", 0, 127, 21, "/sideman/param/register_low", 25),
        ("register_high", "i", 0, 127, 108, "/sideman/param/register_high", 26),
        ("polyphony", "i", 1, 16, 8, "/sideman/param/polyphony", 27),
        ("chord_strength", "f", 0.0, 3.0, 1.0, "/sideman/param/chord_strength", 28),
        ("velocity", "f", 0.25, 2.0, 1.0, "/sideman/param/velocity", 29),
        ("quantise", "f", 0.0, 1.0, 0.0, "/sideman/param/quantise", 30),
        ("swing", "f", 0.5, 0.75, 0.5, "/sideman/param/swing", 31),
        ("humanise", "f", 0.0, 1.0, 0.0, "/sideman/param/humanise", 32),
        ("look_ahead_ms", "i", 50, 4000, 1000, "/sideman/param/look_ahead_ms", None),
        ("style", "s", None, None, "", "/sideman/style", None),
        ("style_blend", "f", 0.0, 1.0, 0.0, "/sideman/style/blend", 33),
        ("repetition", "f", 1.0, 2.0, 1.1, "/sideman/param/repetition", 34),
        ("scale", "s", None, None, "off", "/sideman/param/scale", None),
        ("mode", "s", None, None, "follow", "/sideman/mode", None),
    ]


def test_names_addresses_and_controllers_are_unique() -> None:
    assert len(BY_NAME) == len(BY_ADDRESS) == len(PARAMETERS)
    assert len(BY_CC) == len(CONTROLLED)
    assert not set(BY_ADDRESS) & {command.address for command in COMMANDS}


@pytest.mark.parametrize("row", PARAMETERS, ids=ids)
def test_every_default_passes_its_own_check(row: Parameter) -> None:
    assert check(row.name, row.default) == row.default
    assert type(check(row.name, row.default)) is {"f": float, "i": int, "s": str}[row.type]


@pytest.mark.parametrize("row", PARAMETERS, ids=ids)
def test_every_help_is_one_sentence(row: Parameter) -> None:
    assert row.help.endswith(".")
    assert row.help.isascii()


@pytest.mark.parametrize("row", RANGED, ids=ids)
def test_limits_are_legal_and_what_lies_beyond_is_not(row: Parameter) -> None:
    assert row.low is not None
    assert row.high is not None
    assert check(row.name, row.low) == row.low
    assert check(row.name, row.high) == row.high
    for beyond in (row.low - 1, row.high + 1):
        with pytest.raises(ParameterError, match="lies outside") as caught:
            check(row.name, beyond)
        assert str(caught.value).endswith(legal_range(row))


@pytest.mark.parametrize("row", RANGED, ids=ids)
@pytest.mark.parametrize("value", [True, False, math.nan, math.inf, -math.inf, "1", None, [1], b"1"])
def test_what_is_no_number_is_refused_in_one_line(row: Parameter, value: object) -> None:
    with pytest.raises(ParameterError) as caught:
        check(row.name, value)
    assert "\n" not in str(caught.value)
    assert legal_range(row) in str(caught.value)


def test_controllers_send_what_they_can() -> None:
    assert (check("temperature", 1), type(check("temperature", 1))) == (1.0, float)
    assert (check("top_k", 40.0), type(check("top_k", 40.0))) == (40, int)
    with pytest.raises(ParameterError, match=r"top_k takes a whole number 0..388, not 1.5"):
        check("top_k", 1.5)


def test_a_choice_is_one_of_its_words() -> None:
    assert check("mode", "trade") == "trade"
    with pytest.raises(ParameterError, match="mode takes follow, changes, trade or continue, not 'solo'"):
        check("mode", "solo")


@pytest.mark.parametrize("text", ["two\nlines", "nul\x00", "x" * 1025])
def test_text_is_one_printable_line_of_bounded_length(text: str) -> None:
    with pytest.raises(ParameterError):
        check("style", text)


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'temperature'"):
        check("temprature", 1.0)


@pytest.mark.parametrize(
    ("address", "arguments", "wanted"),
    [
        ("/sideman/seed", (7.0,), (7,)),
        ("/sideman/transport/tempo", (120,), (120.0,)),
        ("/sideman/play", (), ()),
        ("/sideman/chords", ("Dm7 | G7",), ("Dm7 | G7",)),
    ],
)
def test_command_arguments_are_coerced(address: str, arguments: tuple[object, ...], wanted: tuple[object, ...]) -> None:
    assert check_arguments(address, arguments) == wanted


@pytest.mark.parametrize(
    ("address", "arguments", "text"),
    [
        ("/sideman/seed", (), "takes one argument, not 0: send a whole number 0..2147483647"),
        ("/sideman/play", (1,), "takes no argument, not 1"),
        ("/sideman/seed", (-1,), "lies outside 0..2147483647"),
        ("/sideman/transport/tempo", (5.0,), "lies outside 10..999"),
        ("/sideman/chords", (5,), "takes text, not 5"),
        ("/sideman/chrods", ("C",), "did you mean '/sideman/chords'"),
    ],
)
def test_wrong_command_arguments_are_refused(address: str, arguments: tuple[object, ...], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        check_arguments(address, arguments)


@pytest.mark.parametrize("row", CONTROLLED, ids=ids)
def test_every_controller_position_is_a_legal_value_and_comes_back(row: Parameter) -> None:
    values = [from_cc(row, position) for position in range(128)]
    assert (values[0], values[127]) == (row.low, row.high)
    assert values == sorted(values)
    for position, value in enumerate(values):
        assert check(row.name, value) == value
        if len(set(values)) == 128:
            assert to_cc(row, value) == position


@settings(deadline=None)
@given(st.sampled_from(PARAMETERS), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_check_returns_the_rows_type_or_raises_one_line(row: Parameter, value: object) -> None:
    try:
        checked = check(row.name, value)
    except ParameterError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both ways are lawful, each with its own law
    else:
        assert type(checked) is {"f": float, "i": int, "s": str}[row.type]
        assert check(row.name, checked) == checked


def test_a_number_too_long_to_print_is_refused_all_the_same() -> None:
    with pytest.raises(ParameterError, match="a huge number lies outside"):
        check("top_k", 10**5000)
