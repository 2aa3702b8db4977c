"""The commands of a session log: each as its name and its fields in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Final

from bridge.live import commands
from bridge.live.commands import Command
from bridge.plain_json import Json, Reader, items, read_fields
from engine.chords import Chart, Chord, ChordSpan, Section, parse_chord
from engine.metre import parse_metre
from osc_protocol.table.parameters import Setting, Value

__all__ = ["command_from_json", "command_to_json"]

_KINDS: Final[Mapping[str, type[Command]]] = {
    "look_ahead": commands.SetLookAhead, "mode": commands.SetMode, "knob": commands.TurnKnob,
    "chord": commands.FollowChord, "chart": commands.PlayChart, "tempo": commands.SetTempo,
    "metre": commands.SetMetre, "ending": commands.EndIn, "locate": commands.Locate, "keys": commands.HearKeys,
    "seed": commands.SetSeed, "keep": commands.KeepBars, "again": commands.PlayAgain, "undo": commands.UndoBars,
    "store": commands.StoreBank, "recall": commands.RecallBank, "variation": commands.ChooseVariation,
    "density": commands.DrawDensity, "host": commands.FollowHost, "play": commands.Play, "stop": commands.Stop,
    "panic": commands.Panic, "resync": commands.Resync,
}  # fmt: skip
_NAMES: Final[Mapping[type[Command], str]] = {kind: name for name, kind in _KINDS.items()}


def command_to_json(command: Command) -> list[Json]:
    """Returns a command's name in logs, and its fields in order."""
    if isinstance(command, commands.TurnKnob):
        values = [command.setting.name, command.setting.value]
    else:
        values = [getattr(command, field.name) for field in fields(command)]
    return [_NAMES[type(command)], *map(_plain, values)]


def command_from_json(plain: Json) -> Command:
    """Reads what command_to_json() wrote. ValueError, TypeError or LookupError: it is no command."""
    name, *values = items(plain)
    kind = _KINDS[str(name)]
    if kind is commands.TurnKnob:
        knob, value = values
        return commands.TurnKnob(Setting(str(knob), _value(value)))
    named = dict(zip((field.name for field in fields(kind)), values, strict=True))
    make: Callable[..., Command] = kind
    return make(**read_fields(kind, named, _READERS))


def _plain(value: Value | bytes | Chord | Chart | None) -> Json:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Chord):
        return value.name
    if isinstance(value, Chart):
        spans: list[Json] = [[start, end, *_names(chord)] for start, end, chord in value.spans]
        sections: list[Json] = [[name, start] for name, start in value.sections]
        return {"bars": value.bars, "metre": str(value.metre), "spans": spans, "sections": sections}
    return value


def _names(chord: Chord | None) -> list[Json]:
    """Returns what the model hears and, if it is something else, what was written."""
    if chord is None:
        return [None]
    return [chord.name] if chord.label == chord.name else [chord.name, chord.label]


def _named(name: Json, written: Json = None) -> Chord | None:
    chord = None if name is None else parse_chord(str(name))
    return chord if chord is None or written is None else replace(chord, written=str(written))


def _chart(plain: Json) -> Chart:
    match plain:
        case {"bars": int(bars), "metre": str(metre), "spans": [*spans], "sections": [*sections]}:
            return Chart(tuple(map(_span, spans)), bars, parse_metre(metre), tuple(map(_section, sections)))
    raise ValueError(f"{plain!r} is no chart")


def _span(plain: Json) -> ChordSpan:
    match plain:
        case [int() | float() as start, int() | float() as end, *names]:
            return ChordSpan(start, end, _named(*names))
    raise ValueError(f"{plain!r} is no span of a chart")


def _section(plain: Json) -> Section:
    match plain:
        case [str(name), int() | float() as start]:
            return Section(name, float(start))
    raise ValueError(f"{plain!r} is no section of a chart")


def _value(plain: Json) -> Value:
    if isinstance(plain, str | int | float):
        return plain
    raise TypeError(f"{plain!r} is no parameter's value")


def _message(plain: Json) -> bytes:
    message = bytes.fromhex(str(plain))
    if not 1 <= len(message) <= 3:
        raise ValueError(f"{plain!r} is no channel message")
    return message


_READERS: Final[Mapping[str, Reader]] = {"bytes": _message, "Chord | None": _named, "Chart": _chart}
