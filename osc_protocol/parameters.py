"""The one parameter table: every name, range, default, OSC address and CC number of Sideman.

From it come the OSC server's checks, the CC map, the panel, the command line's options, the FL script's constants and
docs/osc.md. Pure data: nothing here knows the engine, a port or a socket.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from osc_protocol.errors import ParameterError
from osc_protocol.scaling import cc_to_value, value_to_cc

__all__ = [
    "BY_ADDRESS", "BY_CC", "BY_NAME", "COMMANDS", "COMMAND_BY_ADDRESS", "DEFAULT_OUT_PORT", "DEFAULT_PORT",
    "PARAMETERS", "Command", "Parameter", "ParameterError", "Value", "check", "check_arguments", "from_cc",
    "legal_range", "nearest", "to_cc",
]  # fmt: skip

DEFAULT_PORT: Final = 9123  # UDP in
DEFAULT_OUT_PORT: Final = 9124  # UDP out, for peers that listen on one fixed port
MAX_TEXT: Final = 1024  # characters; a long chord chart fits, a flood does not

Value: TypeAlias = float | int | str
TypeTag: TypeAlias = Literal["f", "i", "s"]
Widget: TypeAlias = Literal["knob", "slider", "stepper", "choice", "text"]


@dataclass(frozen=True)
class Parameter:
    """One row. low and high are None for text; choices is empty where any text is legal."""

    name: str
    type: TypeTag  # the OSC type tag
    low: float | int | None
    high: float | int | None
    default: Value
    unit: str  # "" for plain numbers
    help: str  # one sentence
    address: str
    cc: int | None  # MIDI controller number
    widget: Widget
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """One OSC command: `types` holds a tag per argument; low..high bounds its numbers where given."""

    address: str
    types: str
    help: str
    low: float | int | None = None
    high: float | int | None = None
    cc: int | None = None  # of the MIDI button that sends it

    @property
    def name(self) -> str:
        """`mode next` for /sideman/mode/next."""
        return self.address.removeprefix("/sideman/").replace("/", " ")


_P: Final = "/sideman/param/"

# fmt: off
PARAMETERS: Final[tuple[Parameter, ...]] = (
    Parameter("temperature", "f", 0.05, 2.0, 0.8, "", "Higher plays more daring notes, lower safer ones.",
              _P + "temperature", 20, "knob"),
    Parameter("top_p", "f", 0.05, 1.0, 0.9, "", "Draws from the likeliest tokens that together hold this probability.",
              _P + "top_p", 21, "knob"),
    Parameter("top_k", "i", 0, 388, 0, "", "Draws from this many of the likeliest tokens; 0 turns it off.",
              _P + "top_k", 22, "knob"),
    Parameter("min_p", "f", 0.0, 0.5, 0.0, "", "Drops tokens less likely than this share of the likeliest one.",
              _P + "min_p", 23, "knob"),
    Parameter("density", "f", 0.0, 1.0, 0.5, "", "Fewer notes below 0.5, more above.",
              _P + "density", 24, "knob"),
    Parameter("register_low", "i", 0, 127, 21, "MIDI note", "The lowest note that may be played.",
              _P + "register_low", 25, "slider"),
    Parameter("register_high", "i", 0, 127, 108, "MIDI note", "The highest note that may be played.",
              _P + "register_high", 26, "slider"),
    Parameter("polyphony", "i", 1, 16, 8, "notes", "The most notes that may sound at once.",
              _P + "polyphony", 27, "stepper"),
    Parameter("chord_strength", "f", 0.0, 3.0, 1.0, "", "How strongly the chords steer the solo; 0 ignores them.",
              _P + "chord_strength", 28, "knob"),
    Parameter("velocity", "f", 0.25, 2.0, 1.0, "x", "Scales how hard every note is played.",
              _P + "velocity", 29, "knob"),
    Parameter("quantise", "f", 0.0, 1.0, 0.0, "", "Pulls onsets to the beat grid: 0 leaves them, 1 puts them on it.",
              _P + "quantise", 30, "knob"),
    Parameter("swing", "f", 0.5, 0.75, 0.5, "", "Where the off-beat eighth falls in its beat; 0.5 is straight.",
              _P + "swing", 31, "knob"),
    Parameter("humanise", "f", 0.0, 1.0, 0.0, "", "Adds small random shifts of time and velocity.",
              _P + "humanise", 32, "knob"),
    Parameter("look_ahead_ms", "i", 50, 4000, 1000, "ms", "How much music is kept ready ahead of what sounds.",
              _P + "look_ahead_ms", None, "stepper"),
    Parameter("style", "s", None, None, "", "", "A style by name, or two to blend: `ragtime, klezmer`; empty: none.",
              "/sideman/style", None, "text"),
    Parameter("style_blend", "f", 0.0, 1.0, 0.0, "", "From the first style (0) to the second, or to none (1).",
              "/sideman/style/blend", 33, "knob"),
    Parameter("repetition", "f", 1.0, 2.0, 1.1, "", "Penalises pitches heard lately; 1 turns it off.",
              _P + "repetition", 34, "knob"),
    Parameter("scale", "s", None, None, "off", "", "Keeps to one scale such as `D dorian`; off allows every note.",
              _P + "scale", None, "text"),
    Parameter("mode", "s", None, None, "follow", "", "What the sideman does with your playing.",
              "/sideman/mode", None, "choice", ("follow", "changes", "trade", "continue")),
)
"""Every parameter, in the order that panels and pages show them."""

COMMANDS: Final[tuple[Command, ...]] = (
    Command("/sideman/chords", "s", "Sets the chord chart, such as `Dm7 | G7 | Cmaj7 | %`."),
    Command("/sideman/chord", "s", "Sets the chord that sounds now; `N.C.` for none."),
    Command("/sideman/play", "", "Starts playing.", cc=102),
    Command("/sideman/stop", "", "Stops playing and ends every sounding note.", cc=103),
    Command("/sideman/panic", "", "Ends every sounding note at once, on all channels.", cc=104),
    Command("/sideman/mode/next", "", "Goes on to the next mode that can be had now.", cc=105),
    Command("/sideman/style/next", "", "Goes on to the next style that is installed, after the last to none.", cc=106),
    Command("/sideman/seed", "i", "Sets the seed of the draws, so that a take can be had again.", 0, 2**31 - 1),
    Command("/sideman/transport/tempo", "f", "Sets the tempo in beats per minute.", 10.0, 999.0),
    Command("/sideman/transport/position", "f", "Sets the song position in beats from its start.", 0.0, 1e6),
    Command("/sideman/get", "s", "Asks for a value by name, or `*` for all of them; `/sideman/value` answers."),
    Command("/sideman/ping", "", "Asks whether the engine is there; `/sideman/pong` answers."),
    Command("/sideman/subscribe", "i", "Sends values and errors to this UDP port from now on; 0 ends it.", 0, 65535),
    Command("/sideman/feedback", "i", "Sends every value at its own address to this UDP port, for faders; 0 ends it.",
            0, 65535),
)
"""Every command. Parameters are set at their own addresses."""
# fmt: on

BY_NAME: Final = {row.name: row for row in PARAMETERS}
BY_ADDRESS: Final = {row.address: row for row in PARAMETERS}
BY_CC: Final = {row.cc: row for row in PARAMETERS if row.cc is not None}
COMMAND_BY_ADDRESS: Final = {row.address: row for row in COMMANDS}


def check(name: str, value: object) -> Value:
    """The value as the table has it: float, int or str.

    Controllers send what they can, so an int is taken for a float and a whole float for an int. Refused with
    ParameterError: an unknown name, a wrong type (bool too), NaN, infinity, a value outside the range or the choices.
    """
    row = BY_NAME.get(name)
    if row is None:
        raise ParameterError(f"there is no parameter {name!r}{nearest(name, BY_NAME)}")
    return _coerce(row.name, row, row.type, value)


def check_arguments(address: str, arguments: tuple[object, ...]) -> tuple[Value, ...]:
    """The arguments of a command, coerced as `check` does. ParameterError for a wrong address, count, type or range."""
    row = COMMAND_BY_ADDRESS.get(address)
    if row is None:
        raise ParameterError(f"there is no command {address!r}{nearest(address, COMMAND_BY_ADDRESS)}")
    if len(arguments) != len(row.types):
        raise ParameterError(f"{address} takes {_count(len(row.types))}, not {len(arguments)}: {_shape(row)}")
    return tuple(
        _coerce(address, row, tag, value)  # type: ignore[arg-type]
        for tag, value in zip(row.types, arguments, strict=True)
    )


def legal_range(row: Parameter | Command) -> str:
    """What the row accepts, in words: `0.05..2.0`, `follow, changes, trade or continue`, `text`."""
    if isinstance(row, Parameter) and row.choices:
        return ", ".join(row.choices[:-1]) + " or " + row.choices[-1]
    if row.low is None or row.high is None:
        return "text" if (row.type if isinstance(row, Parameter) else row.types) == "s" else "nothing"
    if isinstance(row.low, float):
        return f"{row.low:.12g}..{row.high:.12g}"
    return f"{row.low}..{row.high}"


def from_cc(row: Parameter, position: int) -> float | int:
    """The value of a controller position 0..127: linear, both ends exact. ParameterError for rows of text."""
    low, high = _limits(row)
    return cc_to_value(row.type, low, high, position)


def to_cc(row: Parameter, value: float | int) -> int:
    """The controller position 0..127 that lies nearest to a value. ParameterError for rows of text."""
    low, high = _limits(row)
    return value_to_cc(low, high, value)


def nearest(text: str, known: object) -> str:
    """`: did you mean 'x'?` for a likely slip, else empty. known: an iterable of names."""
    matches = difflib.get_close_matches(text[:200], list(known), n=1)  # type: ignore[call-overload]
    return f": did you mean {matches[0]!r}?" if matches else ""


def _limits(row: Parameter) -> tuple[float, float]:
    if row.low is None or row.high is None:
        raise ParameterError(f"{row.name} takes {legal_range(row)}, which no controller position stands for")
    return row.low, row.high


def _coerce(what: str, row: Parameter | Command, tag: TypeTag, value: object) -> Value:
    if tag == "s":
        return _text(what, row, value)
    kind = "a number" if tag == "f" else "a whole number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParameterError(f"{what} takes {kind} {legal_range(row)}, not {_show(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"{what} takes {kind} {legal_range(row)}, not {value}")
    if tag == "i" and value != int(value):
        raise ParameterError(f"{what} takes {kind} {legal_range(row)}, not {value}")
    low, high = row.low, row.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise ParameterError(f"{what} {_show(value)} lies outside {legal_range(row)}")
    return float(value) if tag == "f" else int(value)


def _text(what: str, row: Parameter | Command, value: object) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{what} takes {legal_range(row)}, not {_show(value)}")
    if len(value) > MAX_TEXT:
        raise ParameterError(f"{what} takes at most {MAX_TEXT} characters, not {len(value)}")
    if not value.isprintable():
        raise ParameterError(f"{what} takes one line of printable text, not {_show(value)}")
    choices = row.choices if isinstance(row, Parameter) else ()
    if choices and value not in choices:
        raise ParameterError(f"{what} takes {legal_range(row)}, not {_show(value)}")
    return value


def _show(value: object) -> str:
    if isinstance(value, int) and abs(value) > 2**63:
        return "a huge number"  # repr() refuses ints of thousands of digits
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _count(number: int) -> str:
    return "no argument" if number == 0 else "one argument" if number == 1 else f"{number} arguments"


def _shape(row: Command) -> str:
    words = {"f": "a number", "i": "a whole number", "s": "text"}
    if not row.types:
        return f"send {row.address} alone"
    wanted = " and ".join(words[tag] for tag in row.types)
    return f"send {wanted}" + (f" {legal_range(row)}" if row.low is not None else "")
