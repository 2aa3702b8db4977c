"""What a sideman decides by himself: how to play a chart at a tempo, wherever the player has not asked for anything.

Pure rules over tempo, metre and chords, tried from top to bottom. docs/JUDGEMENT.md has them as a table with their
reasons. Quantities are physical here (notes a second); `auto_values` turns them into what Session.set_auto takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.chords import Chart
from engine.chords.charts.groove import SLOW_BPM, SOUL_BPM, groove_of
from engine.model.controls import Control

__all__ = ["ARC_BARS", "RECALLED", "Judgement", "arc", "auto_values", "judge", "notes_a_beat"]

RECALLED = ("role", "groove", "left_hand")  # rows of the parameter table: asked for, they are recalled
SLOW_POP_BPM = 84.0
JAZZ_DENSITY = (0.3, 0.7)  # asked for under 2.7 or over 7 notes a second, the practice pieces do not go along
THIN = 0.3  # asked for fewer than two notes at a time, there is no room for a left hand

ARC_BARS = 32  # over which a solo of no known length builds and calms down
SHORTEST_ARC = 8  # bars; a shorter one has nowhere to go
PEAK = 0.7  # of the way
SWELL = BUSIER = 0.2  # by how much its height is louder than its mean, and has more notes

# What the left hand does under one's own solo, and what it does under another's when it carries the bass.
_LEFT_HANDS: dict[str, tuple[str, str]] = {
    "swing": ("shell", "walk"), "up": ("shell", "walk"), "blues": ("shell", "walk"), "stride": ("stride", "walk"),
    "modal": ("fourths", "walk"), "ballad": ("arpeggios", "arpeggios"), "waltz": ("shell", "two"),
    "bossa": ("bossa", "bossa"), "pop": ("pop", "pop"), "soul": ("shell", "pop"),
}  # fmt: skip
# A left hand that is asked for -> the grooves whose practice pieces have it, and the one that is meant where the chart
# and the tempo are for none of these, below SLOW_BPM and from there on.
_AT_HOME: dict[str, tuple[tuple[str, ...], str, str]] = {
    "rootless": (("swing", "up", "blues", "modal", "ballad", "waltz", "bossa", "soul"), "ballad", "swing"),
    "shell": (("swing", "up", "blues", "waltz", "bossa", "soul"), "soul", "swing"),
    "three": (("swing", "up", "blues", "modal", "waltz", "bossa"), "blues", "swing"),
    "fourths": (("swing", "blues", "modal", "waltz"), "blues", "modal"),
    "close": (("swing", "blues", "waltz", "pop"), "pop", "swing"),
    "walk": (("swing", "up", "blues", "modal"), "blues", "swing"),
    "two": (("swing", "ballad", "waltz"), "ballad", "swing"),
    "stride": (("blues", "stride", "waltz"), "stride", "stride"),
    "arpeggios": (("ballad", "waltz", "pop"), "ballad", "pop"),
    "open": (("ballad", "pop", "soul"), "ballad", "pop"),
    "bossa": (("bossa",), "bossa", "bossa"),
    "pop": (("pop", "soul"), "pop", "pop"),
}  # fmt: skip
# Notes a beat below A3 under a solo, where it is not about one: the medians of the practice pieces.
_LOW_NOTES = {"stride": 1.5, "bossa": 0.7, "pop": 1.3, "rootless": 1.4}
# What the practice pieces of a role come to, where one is asked for: their median mean pitch, notes sounding and notes
# a beat below A3.
_ROLE_SOUNDS = {
    "right": (68.0, 1.1, 0.0), "left": (51.5, 2.0, 1.2), "comping": (60.6, 3.9, 1.1), "accompany": (57.3, 3.4, 1.1),
}  # fmt: skip
# Notes a beat beside those of a solo with both hands.
_BUSY = {"solo": 1.0, "right": 0.7, "left": 0.5, "comping": 0.9, "accompany": 0.95}


@dataclass(frozen=True)
class Judgement:
    """How to play. None: no opinion, the model decides. density: notes a second; bass: those below A3; register: mean
    pitch; thickness: notes sounding.

    swell: by what share of themselves the velocities rise with the height of the solo (see arc).
    """

    manner: str | None = None
    role: str | None = None
    groove: str | None = None
    left_hand: str | None = None
    density: float | None = None
    register: float | None = None
    thickness: float | None = None
    bass: float | None = None
    swell: float = 0.0


def judge(
    chart: Chart | None,
    tempo_bpm: float | None,
    *,
    beats_per_bar: int = 4,
    mode: str = "changes",
    asked: Mapping[str, str | float] | None = None,
    height: float = 0.0,
) -> Judgement:
    """How a chart is to be played.

    chart: one round of it or several; None, or one without chords: nothing is known of the harmony. tempo_bpm: None
    where no beat is known. beats_per_bar: where there is no chart, which has its own. mode: as in the parameter table;
    in `continue` the music that came before decides, so there is no opinion. asked: the rows that the player, or a
    style, has decided; "auto" counts as not decided. The rest is made to fit them. height: see arc.
    """
    wishes = {name: value for name, value in (asked or {}).items() if value != "auto"}
    if mode == "continue":
        return Judgement()
    manner = str(wishes.get("manner", "jazz"))
    role = str(wishes.get("role", "comping" if mode == "comp" else "solo"))
    density = None
    if tempo_bpm is not None:
        density = notes_a_beat(tempo_bpm) * _BUSY.get(role, 1.0) * tempo_bpm / 60 * (1 + BUSIER * height)
    if manner != "jazz":  # roles, grooves and left hands were learnt from the practice pieces, which are its jazz
        return Judgement(manner=manner, density=density)
    groove = wishes.get("groove")
    if {"manner", "groove", "left_hand"}.isdisjoint(wishes) and not _is_jazz(wishes.get("density", 0.5)):
        return Judgement(role=role, density=density)
    if groove is None and tempo_bpm is not None:
        groove = groove_of(chart, tempo_bpm, chart.beats_per_bar if chart is not None else beats_per_bar)
        grooves, slow, fast = _AT_HOME.get(str(wishes.get("left_hand")), ((), "", ""))
        if grooves and groove not in grooves:
            groove = slow if tempo_bpm < SLOW_BPM else fast
    # The practice pieces are as loud at their end as at their start, and so is what was learnt from them.
    swell = 0.0 if "loudness" in wishes else SWELL
    judgement = Judgement(manner, role, None if groove is None else str(groove), density=density, swell=swell)
    thin = float(wishes.get("thickness", 0.5)) < THIN
    left_hand = str(wishes.get("left_hand", _left_hand(judgement, tempo_bpm, thin) or "")) or None
    # A left hand that is only named may stay away for a whole solo.
    bass = None if left_hand is None or tempo_bpm is None or role != "solo" else _LOW_NOTES.get(left_hand, 1.0)
    register = thickness = None
    if "role" in wishes and role in _ROLE_SOUNDS:
        register, thickness, bass = _ROLE_SOUNDS[role]
    bass_per_s = None if bass is None or tempo_bpm is None else bass * tempo_bpm / 60
    return replace(judgement, left_hand=left_hand, register=register, thickness=thickness, bass=bass_per_s)


def arc(bar: float, bars: int | None = None) -> float:
    """How high a solo stands at a bar, -1..1: it begins low, builds, is highest at seven tenths, and comes down again.

    bars: its length; None: it goes on, and does so every ARC_BARS. The mean over a solo is 0.
    """
    length = ARC_BARS if bars is None else bars
    if length < SHORTEST_ARC:
        return 0.0
    way = (bar / length) % 1.0 if bars is None else min(1.0, max(0.0, bar / length))
    return 2 * (way / PEAK if way < PEAK else (1 - way) / (1 - PEAK)) - 1


def auto_values(judgement: Judgement, controls: Sequence[Control]) -> dict[str, str | float]:
    """A judgement as Session.set_auto takes it, 0..1 for what is measured; without what these controls cannot say."""
    values: dict[str, str | float] = {}
    for control in controls:
        wanted = getattr(judgement, control.name, None)
        if isinstance(wanted, str) and wanted in control.labels:
            values[control.name] = wanted
        elif isinstance(wanted, float) and control.edges:
            values[control.name] = control.level(wanted) / (control.levels - 1)
    return values


def notes_a_beat(tempo_bpm: float) -> float:
    """Notes a beat of a solo with both hands: 3.6 up to 60 bpm, three at 130, two and a half at 240.

    Through the medians of the practice pieces (3.4 at 65, 2.9 at 150, 2.6 at 230).
    """
    return min(3.6, max(2.0, 3.0 * math.sqrt(math.sqrt(130.0 / tempo_bpm))))


def _is_jazz(density: str | float) -> bool:
    """Whether the practice pieces are ever so thin or thick. density: 0..1, as it is asked for."""
    return JAZZ_DENSITY[0] <= float(density) <= JAZZ_DENSITY[1]


def _left_hand(judgement: Judgement, tempo_bpm: float | None, thin: bool) -> str | None:
    if judgement.groove not in _LEFT_HANDS or judgement.role in ("right", "comping") or thin:
        return None
    if judgement.groove == "pop" and tempo_bpm is not None and tempo_bpm < SLOW_POP_BPM:
        return "arpeggios"
    solo, accompany = _LEFT_HANDS[judgement.groove]
    if judgement.role == "left" and solo in ("shell", "fourths"):
        return "arpeggios" if tempo_bpm is not None and tempo_bpm < SOUL_BPM else solo
    return accompany if judgement.role == "accompany" else solo
