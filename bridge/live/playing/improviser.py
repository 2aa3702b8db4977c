"""What playing live needs of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from engine.chords import Chord
from engine.chords.charts.form import Form
from engine.inference.reach import Hand
from engine.model.controls import Control
from engine.notes import NoteEvent
from osc_protocol.table.parameters import Setting, Value

__all__ = ["Improviser"]

Same = TypeVar("Same")


class Improviser(Protocol):
    """engine.inference.session.Session, as far as playing live needs it. Times are stream seconds."""

    @property
    def time_s(self) -> float:
        """Up to where music is generated."""

    def sounding(self) -> list[int]:
        """The pitches that sound at time_s, ascending."""

    @property
    def controls(self) -> Sequence[Control]:
        """What it can be asked."""

    @property
    def base_sha256(self) -> str:
        """Of the base that it plays with, which its styles must have been made on."""

    def set_params(self, *settings: Setting, **values: Value) -> None:
        """Settings, which were checked as they were made, or values by their names in the table; ParameterError."""

    def asked(self) -> Mapping[str, Value]:
        """What applies now of the rows that may be left to the sideman, by name; AUTO where nothing is asked."""

    def set_auto(self, values: Mapping[str, str | float]) -> None:
        """What stands for AUTO from the next token on: labels, or 0..1 of a measured control, by control name."""

    def ask_here(self, values: Mapping[str, float]) -> None:
        """Asks for other than the table's values from the next token on: 0..1 of measured controls, by name."""

    def keep_clear(self, pitches: tuple[int, int] | None) -> None:
        """Strikes nothing from the first pitch to the second from the next token on; None: anything."""

    def call_hand(self, hand: Hand | None) -> None:
        """Lets one of the two hands alone strike from the next token on, where it has room; None: whichever will."""

    def set_chords(self, chords: Sequence[tuple[float, Chord | None]], from_s: float = 0.0) -> None:
        """(onset_s, chord) pairs that replace every chord from from_s on."""

    def set_tempo(self, bpm: float | None, beats_per_bar: int = 4, origin_s: float = 0.0) -> None:
        """Beat phase: a bar line lies at origin_s. None: no beat."""

    def set_form(self, origin_s: float | None, form: Form | None = None) -> None:
        """Where the chart begins, at a bar line, and what comes back in it; None: no place in a form is known."""

    def bring_home(self, at_s: float | None, hold_s: float = 2.0) -> None:
        """A last chord falls at at_s, which lies ahead, is held for hold_s and let go; then rest. None: plays on."""

    def fork(self: Same) -> Same:
        """Another one of the same past, for later; what sounds at time_s is let go in it. One of the two may play."""

    def move(self, to_s: float) -> None:
        """Takes place earlier or later: time_s is to_s afterwards."""

    def feed(self, events: Sequence[NoteEvent]) -> None:
        """Takes events as having happened, in time order from time_s on; time_s is that of the last one afterwards."""

    def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
        """New events in time order; time_s is until_s afterwards. to_strike: or ends with the first strike."""

    def wait(self, until_s: float) -> None:
        """Lets time pass, with nothing played, up to until_s; time_s is that afterwards."""

    def rollback(self, to_s: float) -> None:
        """Forgets everything after to_s."""

    def end(self) -> list[NoteEvent]:
        """Ends what sounds at time_s."""
