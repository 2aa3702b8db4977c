"""What other threads may ask of a session: a frozen value for each command, with its form in a session log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from bridge.plain_json import Json, Reader, read_fields
from engine.chords import Chart, Chord, ChordSpan, Section, parse_chord
from engine.metre import parse_metre
from osc_protocol.table.parameters import Setting, Value

__all__ = [
    "ChooseVariation", "Command", "DrawDensity", "EndIn", "FollowChord", "FollowHost", "HearKeys", "KeepBars", "Locate",
    "Panic", "Play", "PlayAgain", "PlayChart", "RecallBank", "Resync", "SetLookAhead", "SetMetre", "SetMode", "SetSeed",
    "SetTempo", "Stop", "StoreBank", "TurnKnob", "UndoBars",
]  # fmt: skip


@dataclass(frozen=True)
class Command:
    """What every command below can do."""

    def to_json(self) -> list[Json]:
        """Returns its name in logs, and its fields in order."""
        return [_NAMES[type(self)], *map(_plain, self._arguments())]

    @staticmethod
    def from_json(plain: Json) -> Command:
        """Reads what to_json() wrote. ValueError, TypeError or LookupError: it is no command."""
        if not isinstance(plain, Sequence):
            raise TypeError(f"{plain!r} is no command")
        name, *values = plain
        return _KINDS[str(name)]._read(values)

    def _arguments(self) -> Sequence[Value | bytes | Chord | Chart | None]:
        """What a log keeps of it."""
        return [getattr(self, field.name) for field in fields(self)]

    @classmethod
    def _read(cls, values: Sequence[Json]) -> Command:
        """Makes one of what a log keeps of it."""
        named = dict(zip((field.name for field in fields(cls)), values, strict=True))
        make: Callable[..., Command] = cls
        return make(**read_fields(cls, named, _READERS))


@dataclass(frozen=True)
class SetLookAhead(Command):
    """Keeps so much music ready."""

    look_ahead_ms: int


@dataclass(frozen=True)
class SetMode(Command):
    """Plays in another mode of the parameter table."""

    mode: str


@dataclass(frozen=True)
class TurnKnob(Command):
    """Gives a parameter another value."""

    setting: Setting

    def _arguments(self) -> Sequence[Value]:
        return [self.setting.name, self.setting.value]

    @classmethod
    def _read(cls, values: Sequence[Json]) -> TurnKnob:
        name, value = values
        return cls(Setting(str(name), _value(value)))


@dataclass(frozen=True)
class FollowChord(Command):
    """Follows a chord until keys say otherwise; None rests."""

    chord: Chord | None


@dataclass(frozen=True)
class PlayChart(Command):
    """Plays over a chart, from its first bar."""

    chart: Chart


@dataclass(frozen=True)
class SetTempo(Command):
    """Sets another tempo; the beat goes on from where it is."""

    tempo_bpm: float


@dataclass(frozen=True)
class SetMetre(Command):
    """Sets another metre for what has no chart."""

    metre: str


@dataclass(frozen=True)
class EndIn(Command):
    """Brings the music home in so many bars; 0 means at the end of the chart's round."""

    bars: int


@dataclass(frozen=True)
class KeepBars(Command):
    """Has bars of the chart come back as they were heard last."""

    bars: str  # see live/rounds/bars; "" for all


@dataclass(frozen=True)
class PlayAgain(Command):
    """Has bars of the chart that come back be new from the next round on."""

    bars: str  # see live/rounds/bars; "" for all


@dataclass(frozen=True)
class ChooseVariation(Command):
    """Has a variation of bars of the chart come back, or made where there is none yet."""

    number: int  # 1 to 4
    bars: str  # see live/rounds/bars; "" for all


@dataclass(frozen=True)
class DrawDensity(Command):
    """Gives bars of the chart a density of their own."""

    text: str  # see live/rounds/densities


@dataclass(frozen=True)
class UndoBars(Command):
    """Takes back the last KeepBars, PlayAgain or ChooseVariation."""


@dataclass(frozen=True)
class StoreBank(Command):
    """Stores context, knobs and seed in a bank, from the next bar line on."""

    name: str  # A to D


@dataclass(frozen=True)
class RecallBank(Command):
    """Has a bank take over at the next bar line."""

    name: str  # A to D


@dataclass(frozen=True)
class Locate(Command):
    """Says that the outside is at this beat of the chart at that moment of the monotonic clock."""

    beat: float
    at_us: int


@dataclass(frozen=True)
class HearKeys(Command):
    """Says that the player sent a channel message at that moment, by another way than the MIDI input."""

    time_us: int
    message: bytes


@dataclass(frozen=True)
class FollowHost(Command):
    """Says what the host of a plug-in does. Beats are quarters; `at` is on the host's count, which only grows."""

    at: float
    song: float  # the song's position there
    tempo_bpm: float  # in quarters
    metre: str
    playing: bool
    loop_start: float  # of the song; equal to the end: no loop
    loop_end: float
    epoch: int  # another one where the host has started, stopped or jumped: what was planned is void

    @property
    def loop(self) -> tuple[float, float] | None:
        """Where the loop begins and ends; None where there is none."""
        return (self.loop_start, self.loop_end) if self.loop_start < self.loop_end else None


@dataclass(frozen=True)
class SetSeed(Command):
    """Starts a fresh stream with this seed."""

    seed: int


@dataclass(frozen=True)
class Play(Command):
    """Plays again after Stop."""


@dataclass(frozen=True)
class Stop(Command):
    """Falls silent until Play."""


@dataclass(frozen=True)
class Panic(Command):
    """Silences all channels; the next chord plays again."""


@dataclass(frozen=True)
class Resync(Command):
    """Ends every note; the music goes on from now."""

    why: str  # for the report, "" for none


_KINDS: Final[Mapping[str, type[Command]]] = {
    "look_ahead": SetLookAhead, "mode": SetMode, "knob": TurnKnob, "chord": FollowChord, "chart": PlayChart,
    "tempo": SetTempo, "metre": SetMetre, "ending": EndIn, "locate": Locate, "keys": HearKeys, "seed": SetSeed,
    "keep": KeepBars, "again": PlayAgain, "undo": UndoBars, "store": StoreBank, "recall": RecallBank,
    "variation": ChooseVariation, "density": DrawDensity,
    "host": FollowHost,
    "play": Play, "stop": Stop, "panic": Panic, "resync": Resync,
}  # fmt: skip
_NAMES: Final[Mapping[type[Command], str]] = {kind: name for name, kind in _KINDS.items()}


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


_READERS: Final[Mapping[str, Reader]] = {
    "bytes": _message, "Chord | None": _named, "Chart": _chart,
}  # fmt: skip
