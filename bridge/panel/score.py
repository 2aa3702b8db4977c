"""What a page draws: the notes of both players on one time, beat, chart and chords, and how well the playing goes.

The panel's thread takes the tap's entries in here; what comes out are changes as pages are told them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from bridge.live.playing.keyboard import Keyboard
from bridge.live.playing.timeline import WallTimeline
from bridge.panel.charts import chart_told
from bridge.panel.health import Health
from bridge.panel.plan import Change, Plan
from bridge.panel.tap import Entry
from engine.chords import Chart

__all__ = ["Score"]

KEPT: Final = 128  # chords, marks and notes of the player, for a page that opens late


class Score:
    """One thread. Beside the changes of Plan:

    ["key", number, time_us, pitch, velocity], ["keyup", number, time_us]   the player's notes
    ["pedal", time_us, down]
    ["mark", time_us, text]                 a chord that is followed, a knob, a mode; "" where a rest begins
    ["beat", time_us, tempo_bpm, bar_us, beats_per_bar], or ["beat", time_us] for none
    ["form", tempo_bpm, origin_us], or ["form"] for none
    ["kept", bars, can_undo, variations]    the bars of the chart, from 1, that come back as they were heard, and by bar
                                            the number of the variation that does, 0 for none, with all numbers
    ["drawn", densities]                    what was drawn over the chart, by bar
    ["chart", {...}]                        see charts.chart_told
    ["said", what, text]                    as the terminal says it
    ["state", name, value]                  what a command has set: tempo, metre, seed, enabled, bank; "bank A": filled;
                                            "ports": see Panel.has_ports
    ["health", {...}]                       see Health
    """

    def __init__(self, health: Health) -> None:
        self.plan, self._health = Plan(), health
        self._keyboard = Keyboard()
        self._key_numbers: dict[int, int] = {}  # of the player's notes that sound, by pitch
        self._count = 0
        self._player: deque[list[Any]] = deque(maxlen=KEPT)  # [number, on_us, off_us, pitch, velocity]
        self._kept: dict[str, deque[Change]] = {kind: deque(maxlen=KEPT) for kind in ("mark", "said")}
        self._latest: dict[str, Change] = {}  # by kind: those of which only the last counts
        self._on: dict[str, Callable[..., list[Change]]] = {
            "push": lambda due_us, status, pitch, velocity, now_us: self.plan.push(due_us, status, pitch, velocity),
            "refused": self.plan.refused,
            "cancel": self.plan.cancel,
            "silence": self.plan.silence,
            "sent": self._sent,
            "heard": self._heard,
            "marked": self._marked,
            "beat": lambda *fields: self._keep("beat", *fields),
            "rested": lambda time_us: [*self._keep("beat", time_us), *self._keep("mark", time_us, "")],
            "form": self._form,
            "kept": lambda bars, can_undo, variations: self._keep("kept", list(bars), can_undo, variations),
            "drawn": lambda densities: self._keep("drawn", densities),
            "chart": self._chart,
            "said": lambda what, text: self._keep("said", what, text),
            "state": lambda name, value: self._keep_as(f"state {name}", ["state", name, value]),
        }

    def take(self, entry: Entry) -> list[Change]:
        """One entry of the tap -> what pages are told of it."""
        self._health.take(entry, self.plan)
        kind, *fields = entry
        return self._on[kind](*fields)

    def lost(self, now_us: int) -> list[Change]:
        """Entries are missing: what was planned and what sounds is not known any more."""
        changes = self.plan.lost(now_us)
        for pitch in list(self._key_numbers):
            changes += self._key_up(pitch, now_us)
        return changes

    def look(self, now_us: int) -> list[Change]:
        """What time alone changes."""
        changes = self.plan.missed(now_us)
        told = self._health.look(now_us, self.plan)
        return changes if told is None else [*changes, *self._keep("health", told)]

    def whole(self) -> dict[str, Any]:
        """All that a page needs to begin with."""
        return {
            "notes": [note.told() for note in self.plan.notes()],
            "keys": list(self._player),
            "changes": [*self._kept["mark"], *self._kept["said"], *self._latest.values()],
        }

    def _keep(self, kind: str, *fields: Any) -> list[Change]:
        return self._keep_as(kind, [kind, *fields])

    def _keep_as(self, name: str, change: Change) -> list[Change]:
        if name in self._kept:
            self._kept[name].append(change)
        else:
            self._latest.pop(name, None)  # a key that is set anew would keep its first place
            self._latest[name] = change
        return [change]

    def _key_up(self, pitch: int, time_us: int) -> list[Change]:
        number = self._key_numbers.pop(pitch)
        for note in self._player:
            if note[0] == number:
                note[2] = time_us
        return [["keyup", number, time_us]]

    def _sent(self, time_us: int, message: bytes) -> list[Change]:
        return self.plan.sent(time_us, message[0], message[1], message[2] if len(message) > 2 else 0)

    def _heard(self, time_us: int, message: bytes) -> list[Change]:
        changes: list[Change] = []
        pedal = self._keyboard.pedal_down
        for at_us, kind, pitch, velocity in self._keyboard.hear(time_us, message):
            if kind == "down":
                self._count += 1
                self._key_numbers[pitch] = self._count
                self._player.append([self._count, at_us, None, pitch, velocity])
                changes.append(["key", self._count, at_us, pitch, velocity])
            elif kind == "end" and pitch in self._key_numbers:
                changes += self._key_up(pitch, at_us)
        if self._keyboard.pedal_down != pedal:
            changes.append(["pedal", time_us, not pedal])
        return changes

    def _marked(self, time_us: int, text: str) -> list[Change]:
        return self._keep("mark", time_us, text)

    def _form(self, timeline: WallTimeline | None) -> list[Change]:
        return self._keep("form") if timeline is None else self._keep("form", timeline.tempo_bpm, timeline.origin_us)

    def _chart(self, text: str, chart: Chart) -> list[Change]:
        return self._keep("chart", chart_told(text, chart))
