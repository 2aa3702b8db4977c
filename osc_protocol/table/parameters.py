"""The one parameter table: every name, range, default, OSC address and CC number of Sideman.

From it come the OSC server's checks, the CC map, the panel, the command line's options, the FL script's constants and
docs/osc.md. Pure data: nothing here knows the engine, a port or a socket.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from osc_protocol.errors import ParameterError
from osc_protocol.table.scaling import AUTO, cc_to_choice, cc_to_value, choice_to_cc, value_to_cc

__all__ = [
    "AUTO", "BY_ADDRESS", "BY_CC", "BY_NAME", "COMMANDS", "COMMAND_BY_ADDRESS", "CONTROL_NAMES", "DEFAULT_OUT_PORT",
    "DEFAULT_PORT", "MAX_TEXT", "NEXT", "PARAMETERS", "Command", "Parameter", "ParameterError", "Value", "check",
    "check_arguments", "from_cc", "in_type", "legal_range", "nearest", "parse", "to_cc",
]  # fmt: skip

DEFAULT_PORT: Final = 9123  # UDP in
DEFAULT_OUT_PORT: Final = 9124  # UDP out, for peers that listen on one fixed port
MAX_TEXT: Final = 1024  # characters; a long chord chart fits, a flood does not

Value: TypeAlias = float | int | str
TypeTag: TypeAlias = Literal["f", "i", "s"]
Widget: TypeAlias = Literal["knob", "slider", "stepper", "choice", "text"]


@dataclass(frozen=True)
class Parameter:
    """One row. low and high are None for text; choices is empty where any text is legal.

    auto: besides its numbers the row takes AUTO, which leaves the choice to the sideman; where only a number can be
    sent or told, any from -1 to below 0 stands for it. A row of choices has AUTO among them.
    """

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
    auto: bool = False
    meanings: Mapping[str, str] = field(default_factory=dict, hash=False)  # of choices that need one


@dataclass(frozen=True)
class Command:
    """One OSC command: `types` holds a tag per argument; low..high bounds its numbers where given.

    bare: the argument that is meant where none is given, as by a button.
    """

    address: str
    types: str
    help: str
    low: float | int | None = None
    high: float | int | None = None
    cc: int | None = None  # of the MIDI button that sends it
    bare: float | int | None = None

    @property
    def name(self) -> str:
        """`mode next` for /sideman/mode/next."""
        return self.address.removeprefix("/sideman/").replace("/", " ")


_P: Final = "/sideman/param/"
# The words of the base's controls, each with its meaning; a test holds them to the shipped base's.
_ROLES: Final = {
    "solo": "a solo with both hands", "right": "the right hand's line alone", "left": "the left hand alone",
    "comping": "chords behind another's solo, both hands in one rhythm",
    "accompany": "chords over a bass that goes its own way",
}  # fmt: skip
_GROOVES: Final = {
    "swing": "100 to 200 beats a minute", "up": "swing from 200 on", "blues": "slow and middle blues",
    "stride": "bass and chord in turn", "modal": "one chord for many bars", "ballad": "held chords below 84",
    "waltz": "three in a bar", "bossa": "straight eighths, 104 to 160", "pop": "straight, over triads",
    "soul": "slow, over ninths",
}  # fmt: skip
_LEFT_HANDS: Final = {
    "rootless": "third, fifth, seventh and ninth", "shell": "root, seventh, third", "three": "three notes, no root",
    "fourths": "stacks of fourths", "close": "four notes in close position", "walk": "a walking bass",
    "two": "a bass in halves", "stride": "bass on one, chord on two", "arpeggios": "broken open chords",
    "open": "tenths and open chords", "bossa": "root and fifth, dotted", "pop": "roots in octaves on one rhythm",
}  # fmt: skip
_MANNERS: Final = {
    "jazz": "textbook jazz and pop piano, the one that knows roles, grooves and left hands", "pop": "pop songs' piano",
    "classical": "concert pianists", "score": "engraved scores", "rolls": "piano rolls",
    "lead": "lead sheets, melody and chords",
}  # fmt: skip

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
    Parameter("density", "f", 0.0, 1.0, AUTO, "", "How many notes are played, from few to a flood.",
              _P + "density", 24, "knob", auto=True),
    Parameter("loudness", "f", 0.0, 1.0, AUTO, "", "How softly or loudly it is played, touch and all.",
              _P + "loudness", 116, "knob", auto=True),
    Parameter("register", "f", 0.0, 1.0, AUTO, "", "Where on the keyboard the music lies, from low to high.",
              _P + "register", 117, "knob", auto=True),
    Parameter("thickness", "f", 0.0, 1.0, AUTO, "", "How many notes sound together, from one line to full chords.",
              _P + "thickness", 118, "knob", auto=True),
    Parameter("bass", "f", 0.0, 1.0, AUTO, "", "How much is played below A3, from nothing to a busy bass.",
              _P + "bass", 119, "knob", auto=True),
    Parameter("register_low", "i", 0, 127, 21, "MIDI note", "The lowest note that may be played.",
              _P + "register_low", 25, "slider"),
    Parameter("register_high", "i", 0, 127, 108, "MIDI note", "The highest note that may be played.",
              _P + "register_high", 26, "slider"),
    Parameter("polyphony", "i", 1, 16, 8, "notes", "The most notes that may sound at once.",
              _P + "polyphony", 27, "stepper"),
    Parameter("keep_clear", "i", 0, 24, 0, "semitones", "Keeps away from the keys you play; 0: off (comp begins at 3).",
              _P + "keep_clear", 90, "stepper"),
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
    Parameter("repetition", "f", 1.0, 2.0, 1.0, "", "Penalises pitches heard lately; 1 turns it off.",
              _P + "repetition", 34, "knob"),
    Parameter("scale", "s", None, None, "off", "", "Keeps to one scale such as `D dorian`; off allows every note.",
              _P + "scale", None, "text"),
    Parameter("role", "s", None, None, AUTO, "", "What it plays: a solo, one hand of one, chords, or all behind you.",
              "/sideman/role", 112, "choice", (AUTO, *_ROLES), meanings=_ROLES),
    Parameter("groove", "s", None, None, AUTO, "", "The feel that it plays in.",
              "/sideman/groove", 113, "choice", (AUTO, *_GROOVES), meanings=_GROOVES),
    Parameter("left_hand", "s", None, None, AUTO, "", "How the left hand voices and moves.",
              "/sideman/left_hand", 114, "choice", (AUTO, *_LEFT_HANDS), meanings=_LEFT_HANDS),
    Parameter("manner", "s", None, None, AUTO, "", "The kind of music that its playing is like.",
              "/sideman/manner", 115, "choice", (AUTO, *_MANNERS), meanings=_MANNERS),
    Parameter("mode", "s", None, None, "follow", "", "What the sideman does with your playing.",
              "/sideman/mode", None, "choice", ("follow", "changes", "trade", "continue", "comp")),
)
"""Every parameter, in the order that panels and pages show them."""

COMMANDS: Final[tuple[Command, ...]] = (
    Command("/sideman/chords", "s", "Sets the chord chart, such as `Dm7 | G7 | Cmaj7 | %`."),
    Command("/sideman/metre", "s", "Sets the metre, such as `6/8`, of what has no chart and of later charts without; "
            "tempo counts the felt beat, a dotted quarter in 6/8."),
    Command("/sideman/chord", "s", "Sets the chord that sounds now; `N.C.` for none."),
    Command("/sideman/play", "", "Starts playing.", cc=102),
    Command("/sideman/stop", "", "Stops playing and ends every sounding note.", cc=103),
    Command("/sideman/panic", "", "Ends every sounding note at once, on all channels.", cc=104),
    Command("/sideman/mode/next", "", "Goes on to the next mode that can be had now.", cc=105),
    Command("/sideman/style/next", "", "Goes on to the next style that is installed, after the last to none.", cc=106),
    Command("/sideman/role/next", "", "Goes on to the next role, after the last to auto.", cc=108),
    Command("/sideman/groove/next", "", "Goes on to the next groove, after the last to auto.", cc=109),
    Command("/sideman/left_hand/next", "", "Goes on to the next left hand, after the last to auto.", cc=110),
    Command("/sideman/manner/next", "", "Goes on to the next manner, after the last to auto.", cc=111),
    Command("/sideman/ending", "i", "Brings the music home in so many bars, then rests; 0: at the end of the round.",
            0, 64, cc=107, bare=0),
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
CONTROL_NAMES: Final = tuple(row.name for row in PARAMETERS if row.auto or AUTO in row.choices)
"""Rows that ask something of the music itself; AUTO leaves it to the sideman."""
NEXT: Final = {row.address: BY_ADDRESS[row.address.removesuffix("/next")] for row in COMMANDS if "/next" in row.address}
"""The commands that go on to a row's next value, with that row."""


def check(name: str, value: object) -> Value:
    """The value as the table has it: float, int or str.

    Controllers send what they can, so an int is taken for a float and a whole float for an int. Refused with
    ParameterError: an unknown name, a wrong type (bool too), NaN, infinity, a value outside the range or the choices.
    """
    row = BY_NAME.get(name)
    if row is None:
        raise ParameterError(f"there is no parameter {name!r}{nearest(name, BY_NAME)}")
    return _coerce(row.name, row, row.type, value)


def parse(name: str, text: str) -> Value:
    """The value that a person has typed, as on a command line; the beginning of one choice alone stands for it.

    ParameterError as for `check`.
    """
    row = BY_NAME.get(name)
    if row is None or row.type == "s":
        begun = [choice for choice in row.choices if choice.startswith(text)] if row is not None else []
        return check(name, begun[0] if len(begun) == 1 else text)
    try:
        return check(name, text if row.auto and text == AUTO else float(text))
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        kind = "a number" if row.type == "f" else "a whole number"
        raise ParameterError(f"{name} takes {kind} {legal_range(row)}, not {_show(text)}") from None


def in_type(row: Parameter, value: Value) -> Value:
    """The value in the row's own OSC type, where nothing else can be told: AUTO as a number is -1."""
    if row.type == "s":
        return str(value)
    number = -1 if value == AUTO else value
    return float(number) if row.type == "f" else int(number)


def check_arguments(address: str, arguments: tuple[object, ...]) -> tuple[Value, ...]:
    """The arguments of a command, coerced as `check` does. ParameterError for a wrong address, count, type or range."""
    row = COMMAND_BY_ADDRESS.get(address)
    if row is None:
        raise ParameterError(f"there is no command {address!r}{nearest(address, COMMAND_BY_ADDRESS)}")
    if not arguments and row.bare is not None:
        return (row.bare,)
    if len(arguments) != len(row.types):
        raise ParameterError(f"{address} takes {_count(len(row.types))}, not {len(arguments)}: {_shape(row)}")
    return tuple(
        _coerce(address, row, tag, value)  # type: ignore[arg-type]
        for tag, value in zip(row.types, arguments, strict=True)
    )


def legal_range(row: Parameter | Command) -> str:
    """What the row accepts, in words: `0.05..2.0`, `0..1 or auto`, `follow, changes, trade or continue`, `text`."""
    if isinstance(row, Parameter) and row.choices:
        return ", ".join(row.choices[:-1]) + " or " + row.choices[-1]
    if row.low is None or row.high is None:
        return "text" if (row.type if isinstance(row, Parameter) else row.types) == "s" else "nothing"
    or_auto = f" or {AUTO}" if isinstance(row, Parameter) and row.auto else ""
    if isinstance(row.low, float):
        return f"{row.low:.12g}..{row.high:.12g}{or_auto}"
    return f"{row.low}..{row.high}{or_auto}"


def from_cc(row: Parameter, position: int) -> Value:
    """The value of a controller position 0..127: linear, both ends exact; choices lie in equal parts.

    Of a row with AUTO position 0 is that, and the numbers begin at 1. ParameterError for rows of free text.
    """
    if row.choices:
        return row.choices[cc_to_choice(len(row.choices), position)]
    low, high = _limits(row)
    return cc_to_value(row.type, low, high, position, row.auto)


def to_cc(row: Parameter, value: Value) -> int:
    """The controller position 0..127 that lies nearest to a legal value. ParameterError for rows of free text."""
    if row.choices:
        return choice_to_cc(len(row.choices), row.choices.index(str(value)))
    low, high = _limits(row)
    return value_to_cc(low, high, value, row.auto)


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
    if isinstance(row, Parameter) and row.auto and _means_auto(value):
        return AUTO
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


def _means_auto(value: object) -> bool:
    """The word, or a number that a fader of -1..1 sends where numbers alone can be sent."""
    return value == AUTO or (isinstance(value, int | float) and not isinstance(value, bool) and -1 <= value < 0)


def _text(what: str, row: Parameter | Command, value: object) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{what} takes {legal_range(row)}, not {_show(value)}")
    if len(value) > MAX_TEXT:
        raise ParameterError(f"{what} takes at most {MAX_TEXT} characters, not {len(value)}")
    if not value.isprintable():
        raise ParameterError(f"{what} takes one line of printable text, not {_show(value)}")
    choices = row.choices if isinstance(row, Parameter) else ()
    if choices and value not in choices:
        raise ParameterError(f"{what} takes {legal_range(row)}, not {_show(value)}{nearest(value, choices)}")
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
