"""What other threads may ask of a session: a frozen value for each command. recording/command_json logs them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.chords import Chart, Chord
from osc_protocol.table.parameters import Setting

__all__ = [
    "ChooseVariation", "Command", "DrawDensity", "EndIn", "FollowChord", "FollowHost", "HearKeys", "KeepBars", "Locate",
    "OfBars", "Panic", "Play", "PlayAgain", "PlayChart", "RecallBank", "Resync", "SetLookAhead", "SetMetre", "SetMode",
    "SetSeed", "SetTempo", "Stop", "StoreBank", "TurnKnob", "UndoBars",
]  # fmt: skip


@dataclass(frozen=True)
class Command:
    """What every command below is."""


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
class OfBars(Command):
    """Asks something of bars of the chart that goes round; live/rounds/asked_bars obeys."""


@dataclass(frozen=True)
class KeepBars(OfBars):
    """Has bars of the chart come back as they were heard last."""

    bars: str  # see live/rounds/bars; "" for all


@dataclass(frozen=True)
class PlayAgain(OfBars):
    """Has bars of the chart that come back be new from the next round on."""

    bars: str  # see live/rounds/bars; "" for all


@dataclass(frozen=True)
class ChooseVariation(OfBars):
    """Has a variation of bars of the chart come back, or made where there is none yet."""

    number: int  # 1 to 4
    bars: str  # see live/rounds/bars; "" for all


@dataclass(frozen=True)
class DrawDensity(OfBars):
    """Gives bars of the chart a density of their own."""

    text: str  # see live/rounds/densities


@dataclass(frozen=True)
class UndoBars(OfBars):
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
    epoch: int  # another one where the host has started, stopped, jumped or reset: what was planned is void

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
