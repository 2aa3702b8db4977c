"""Laws of the parameter table."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.table.parameters import (
    AUTO,
    BY_ADDRESS,
    BY_CC,
    BY_NAME,
    COMMANDS,
    CONTROL_NAMES,
    PARAMETERS,
    Parameter,
    ParameterError,
    Setting,
    Value,
    check,
    check_arguments,
    from_cc,
    in_type,
    legal_range,
    parse,
    to_cc,
)

RANGED = [row for row in PARAMETERS if row.low is not None]
CONTROLLED = [row for row in PARAMETERS if row.cc is not None]


def ids(row: Parameter) -> str:
    return row.name


def types_of(row: Parameter) -> set[type]:
    return {{"f": float, "i": int, "s": str}[row.type]} | ({str} if row.auto else set())


def test_the_design_table_is_frozen() -> None:
    assert [(row.name, row.type, row.low, row.high, row.default, row.address, row.cc) for row in PARAMETERS] == [
        ("temperature", "f", 0.05, 2.0, 0.8, "/sideman/param/temperature", 20),
        ("top_p", "f", 0.05, 1.0, 0.9, "/sideman/param/top_p", 21),
        ("top_k", "i", 0, 388, 0, "/sideman/param/top_k", 22),
        ("min_p", "f", 0.0, 0.5, 0.0, "/sideman/param/min_p", 23),
        ("density", "f", 0.0, 1.0, "auto", "/sideman/param/density", 24),
        ("loudness", "f", 0.0, 1.0, "auto", "/sideman/param/loudness", 116),
        ("register", "f", 0.0, 1.0, "auto", "/sideman/param/register", 117),
        ("thickness", "f", 0.0, 1.0, "auto", "/sideman/param/thickness", 118),
        ("bass", "f", 0.0, 1.0, "auto", "/sideman/param/bass", 119),
        ("register_low", "i", 0, 127, 21, "/sideman/param/register_low", 25),
        ("register_high", "i", 0, 127, 108, "/sideman/param/register_high", 26),
        ("polyphony", "i", 1, 16, 8, "/sideman/param/polyphony", 27),
        ("keep_clear", "i", 0, 24, 0, "/sideman/param/keep_clear", 90),
        ("chord_strength", "f", 0.0, 3.0, 1.0, "/sideman/param/chord_strength", 28),
        ("velocity", "f", 0.25, 2.0, 1.0, "/sideman/param/velocity", 29),
        ("quantise", "f", 0.0, 1.0, 0.0, "/sideman/param/quantise", 30),
        ("swing", "f", 0.5, 0.75, 0.5, "/sideman/param/swing", 31),
        ("humanise", "f", 0.0, 1.0, 0.0, "/sideman/param/humanise", 32),
        ("look_ahead_ms", "i", 50, 4000, 1000, "/sideman/param/look_ahead_ms", None),
        ("style", "s", None, None, "", "/sideman/style", None),
        ("style_blend", "f", 0.0, 1.0, 0.0, "/sideman/style/blend", 33),
        ("repetition", "f", 1.0, 2.0, 1.0, "/sideman/param/repetition", 34),
        ("theme", "f", 0.0, 1.0, 0.0, "/sideman/param/theme", 35),
        ("scale", "s", None, None, "off", "/sideman/param/scale", None),
        ("role", "s", None, None, "auto", "/sideman/role", 112),
        ("groove", "s", None, None, "auto", "/sideman/groove", 113),
        ("left_hand", "s", None, None, "auto", "/sideman/left_hand", 114),
        ("manner", "s", None, None, "auto", "/sideman/manner", 115),
        ("mode", "s", None, None, "follow", "/sideman/mode", None),
    ]


def test_names_addresses_and_controllers_are_unique() -> None:
    assert len(BY_NAME) == len(BY_ADDRESS) == len(PARAMETERS)
    assert len(BY_CC) == len(CONTROLLED)
    assert not set(BY_ADDRESS) & {command.address for command in COMMANDS}


@pytest.mark.parametrize("row", PARAMETERS, ids=ids)
def test_every_default_passes_its_own_check(row: Parameter) -> None:
    assert check(row.name, row.default) == row.default
    assert type(check(row.name, row.default)) in types_of(row)


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
    for beyond in (row.low - (2 if row.auto else 1), row.high + 1):
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
    with pytest.raises(ParameterError, match="mode takes follow, changes, trade, continue or comp, not 'solo'"):
        check("mode", "solo")
    with pytest.raises(ParameterError, match="not 'comp': did you mean 'comping'"):
        check("role", "comp")


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.auto], ids=ids)
def test_auto_is_a_word_or_a_number_below_zero_and_the_refusals_name_it(row: Parameter) -> None:
    assert {check(row.name, value) for value in (AUTO, -1, -1.0, -0.25)} == {AUTO}
    assert (check(row.name, 0), check(row.name, -0.0)) == (0.0, 0.0)
    for value in (-1.5, 1.5, True, "Auto", math.nan):
        with pytest.raises(ParameterError, match=r"0\.\.1 or auto"):
            check(row.name, value)
    assert (in_type(row, AUTO), in_type(row, 0.25)) == (-1.0, 0.25)
    assert check(row.name, in_type(row, AUTO)) == AUTO


def test_only_what_asks_something_of_the_music_can_be_auto() -> None:
    assert CONTROL_NAMES == (
        "density", "loudness", "register", "thickness", "bass", "role", "groove", "left_hand", "manner",
    )  # fmt: skip
    for row in PARAMETERS:
        assert (row.default == AUTO) == (row.name in CONTROL_NAMES)
        if not row.auto and row.type != "s":
            with pytest.raises(ParameterError):
                check(row.name, AUTO)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("density", "auto", AUTO), ("density", "0.7", 0.7), ("top_k", "40", 40), ("role", "comping", "comping"),
        ("role", "comp", "comping"), ("left_hand", "arp", "arpeggios"), ("style", "ragtime", "ragtime"),
    ],
)  # fmt: skip
def test_what_a_person_types_is_read(name: str, text: str, value: Value) -> None:
    assert parse(name, text) == Setting(name, value)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("density", "much", "takes a number 0..1 or auto, not 'much'"),
        ("temperature", "auto", "takes a number 0.05..2, not 'auto'"),
        ("top_k", "1.5", "a whole number"),
        ("left_hand", "s", "not 's'"),  # shell or stride
        ("densty", "1", "did you mean 'density'"),
    ],
)
def test_what_a_person_mistypes_is_refused(name: str, text: str, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        parse(name, text)


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
        ("/sideman/ending", (4,), (4,)),
        ("/sideman/ending", (), (0,)),
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
    ends = (row.choices[0], row.choices[-1]) if row.choices else (AUTO if row.auto else row.low, row.high)
    assert (values[0], values[127]) == ends
    order = [row.choices.index(str(value)) if row.choices else in_type(row, value) for value in values]
    assert order == sorted(order)  # type: ignore[type-var]
    for position, value in enumerate(values):
        assert check(row.name, value) == value
        assert from_cc(row, to_cc(row, value)) == value
        if len(set(values)) == 128:
            assert to_cc(row, value) == position


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.choices], ids=ids)
def test_choices_are_equal_parts_of_a_knobs_way(row: Parameter) -> None:
    counts = [[from_cc(row, position) for position in range(128)].count(choice) for choice in row.choices]
    assert max(counts) - min(counts) <= 1


def test_auto_has_a_place_of_its_own_on_a_knob() -> None:
    row = BY_NAME["density"]
    assert [from_cc(row, position) for position in (0, 1, 64, 127)] == [AUTO, 0.0, 0.5, 1.0]


@settings(deadline=None)
@given(st.sampled_from(PARAMETERS), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_check_returns_the_rows_type_or_raises_one_line(row: Parameter, value: object) -> None:
    try:
        checked = check(row.name, value)
    except ParameterError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both ways are lawful, each with its own law
    else:
        assert type(checked) in types_of(row)
        assert check(row.name, checked) == checked


def test_a_number_too_long_to_print_is_refused_all_the_same() -> None:
    with pytest.raises(ParameterError, match="a huge number lies outside"):
        check("top_k", 10**5000)
