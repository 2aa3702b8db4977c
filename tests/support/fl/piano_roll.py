"""FL's piano roll as its scripts see it: `flpianoroll`, with the signatures of the API stubs and a score behind them.

Attributes are of FL's types and within its ranges, a dialog's numbers come back poorly rounded, and a script may open,
import and print no more than a controller script may.
"""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

from tests.support.fl.sandbox import Sandbox

__all__ = ["Dialog", "Marker", "Note", "PianoRoll", "Score"]


class Note:
    """One note of the score."""

    def __init__(self) -> None:
        self.number, self.time, self.length, self.velocity = 60, 0, 0, 0.8

    def __setattr__(self, name: str, value: Any) -> None:
        legal = {"number": (int, 0, 127), "time": (int, 0, 2**31), "length": (int, 0, 2**31), "velocity": (float, 0, 1)}
        kind, low, high = legal[name]
        if not isinstance(value, kind) or not low <= value <= high:
            raise TypeError(f"{name} takes {kind.__name__} {low}..{high}, not {value!r}")
        super().__setattr__(name, value)


class Marker:
    """One marker of the score."""

    def __init__(self) -> None:
        self.time, self.name = 0, ""


class Score:
    """What is in the piano roll."""

    def __init__(self, PPQ: int) -> None:
        self.PPQ = PPQ
        self.notes: list[Note] = []
        self.markers: list[Marker] = []

    def clear(self, all: bool = False) -> None:
        self.notes.clear()
        self.markers.clear()

    def addNote(self, note: Note) -> None:
        self.notes.append(note)

    def addMarker(self, marker: Marker) -> None:
        self.markers.append(marker)


class Dialog:
    """A script's dialog; `choose` is the user."""

    def __init__(self, title: str, description: str) -> None:
        self.title, self.description = title, description
        self.values: dict[str, int] = {}
        self.options: dict[str, list[str]] = {}

    def AddInputCombo(self, name: str, values: str, default_value: int) -> None:
        self.options[name], self.values[name] = values.split(","), default_value

    def GetInputValue(self, name: str) -> float:
        return self.values[name] - 1e-4

    def choose(self, **answers: str) -> None:
        for start, answer in answers.items():
            name = next(name for name in self.options if name.startswith(start))
            self.values[name] = self.options[name].index(answer)


class PianoRoll:
    """A piano roll with one script in its menu. Times of its score are in ticks of PPQ."""

    def __init__(self, script: Path, profile: str, PPQ: int = 96) -> None:
        self.score = Score(PPQ)
        self.output: list[str] = []
        module = types.ModuleType("flpianoroll")
        module.__dict__.update(score=self.score, Note=Note, Marker=Marker, ScriptDialog=Dialog)
        plain = script.with_name("taken.py")  # FL's own suffix is no module's
        plain.write_bytes(script.read_bytes())
        own = {"flpianoroll": module}
        sandbox = Sandbox(script.parent, profile, own, lambda *words: self.output.append(str(words)), False)
        self._script = sandbox.load("taken")
        plain.unlink()
        self.dialog: Dialog = self._script.createDialog()

    def run(self, **answers: str) -> None:
        """The user answers the dialog and presses Accept."""
        self.dialog.choose(**answers)
        self._script.apply(self.dialog)
