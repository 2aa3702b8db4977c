"""Whole practice pieces: a style chooses chart, tempo, hands and touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.chords import Chart
from engine.data.practice.forms import FAMILIES, make_chart
from engine.data.practice.hands import bass
from engine.data.practice.hands.comping import comp, two_hands
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import LEFT, RIGHT, Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.solo import Manner, play_solo
from engine.data.practice.plan import Plan
from engine.data.practice.timing import Touch, perform, swing_ratio
from engine.notes import Notes

__all__ = ["ACCOMPANIMENTS", "FLOORS", "ROLES", "STYLES", "Composition", "Style", "arrange", "compose", "play_left"]

MANNER = "jazz"  # that a model learns of them
MIN_BARS, MAX_BARS = 24, 96
LONGEST_SECTION = 12  # bars
SLOW_BPM, FAST_BPM = 100.0, 190.0

Weights = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Style:
    """What makes a piece sound like its kind."""

    weight: float  # how often it comes
    families: Weights  # forms it is played over
    tempo_bpm: tuple[float, float]
    waltz: float  # share in 3/4
    swung: bool
    feel: str  # of comping.RHYTHMS
    lefts: Weights  # left hands under a solo
    blues: float = 0.04  # share of the right hand's phrases that are blues licks


_COMPING: Weights = ((4, "rootless"), (3, "shell"), (2, "three"), (1, "fourths"), (1, "close"))

STYLES: dict[str, Style] = {
    "swing": Style(
        30, ((3, "standard"), (2, "minor standard"), (2, "blues"), (2, "rhythm"), (1, "minor blues"), (0.5, "cycle")),
        (100, 200), 0.12, True, "swing", (*_COMPING, (3, "walk"), (0.7, "two")), 0.06,
    ),
    "up": Style(
        9, ((3, "standard"), (3, "rhythm"), (2, "blues"), (1, "minor standard"), (0.7, "cycle")),
        (200, 264), 0.03, True, "swing", ((4, "rootless"), (3, "shell"), (1, "three"), (1.5, "walk")),
    ),
    "blues": Style(
        10, ((3, "blues"), (1, "minor blues")), (72, 152), 0.12, True, "swing",
        (*_COMPING, (3, "walk"), (2, "stride")), 0.35
    ),
    "stride": Style(
        7, ((3, "standard"), (2, "rhythm"), (1, "blues"), (1, "ballad")), (96, 208), 0.12, True, "swing",
        ((1, "stride"),), 0.06,
    ),
    "modal": Style(
        8, ((1, "modal"),), (104, 208), 0.25, True, "swing",
        ((4, "fourths"), (1, "three"), (1, "rootless"), (1, "walk")),
    ),
    "ballad": Style(
        12, ((5, "ballad"), (1, "standard"), (1, "minor standard")), (54, 84), 0.15, False, "held",
        ((4, "arpeggios"), (3, "open"), (2, "two"), (2, "rootless")), 0.02,
    ),
    "waltz": Style(
        7, ((3, "standard"), (2, "minor standard"), (1, "ballad"), (1, "modal")), (92, 184), 1.0, True, "swing",
        (*_COMPING, (2, "stride"), (1, "two"), (1, "arpeggios")),
    ),
    "bossa": Style(
        9, ((4, "bossa"), (1, "standard"), (1, "minor standard")), (104, 160), 0.0, False, "bossa",
        ((4, "bossa"), (3, "rootless"), (2, "shell"), (1, "three")), 0.0,
    ),
    "pop": Style(
        13, ((1, "pop"),), (68, 136), 0.1, False, "pop",
        ((4, "pop"), (3, "arpeggios"), (2, "open"), (1.5, "close")), 0.0,
    ),
    "soul": Style(
        8, ((4, "soul"), (1, "blues")), (62, 108), 0.06, False, "soul",
        ((3, "shell"), (3, "pop"), (2, "open"), (2, "rootless")), 0.12,
    ),
}  # fmt: skip

# Which hands play: a soloing pianist, one hand alone, or both under a soloist: one rhythm in both hands, or chords over
# a bass that goes its own way.
ROLES: Weights = ((60, "solo"), (6, "right"), (6, "left"), (16, "comping"), (12, "accompany"))
# The right hand stays above what the left may reach.
FLOORS = {
    "rootless": 65, "three": 64, "fourths": 64, "close": 65, "shell": 61, "open": 63, "arpeggios": 64, "stride": 65,
}  # fmt: skip

# Left hand and the right hand's voicings, by the style's feel.
ACCOMPANIMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "swing": (("walk", "high"), ("walk", "high"), ("two", "high"), ("walk", "drop2")),
    "held": (("arpeggios", "upper"), ("two", "high")),
    "bossa": (("bossa", "upper"), ("bossa", "upper"), ("bossa", "triad")),
    "pop": (("pop", "triad"), ("pop", "triad"), ("arpeggios", "triad")),
    "soul": (("pop", "triad"), ("pop", "upper")),
}


@dataclass(frozen=True)
class Composition:
    """A finished piece. notes: (N,); hands: (N,) LEFT or RIGHT; the chart begins at 0 s."""

    style: str
    role: str
    left: str
    chart: Chart
    tempo_bpm: float
    notes: Notes
    hands: npt.NDArray[np.int8]
    beats_s: npt.NDArray[np.float64] | None = None  # (beats + 1,) where they do not lie evenly, as tempo_bpm has them
    plan: Plan | None = None  # of a whole performance

    @property
    def labels(self) -> dict[str, str]:
        """What the piece is by name, as a model's controls are called (engine/model/controls)."""
        known = {"manner": MANNER, "role": self.role, "groove": self.style}
        # Two hands that comp as one have no left hand of their own, one right hand has none at all.
        return known if self.role in ("right", "comping") else {**known, "left_hand": self.left}


def compose(seed: int, number: int) -> Composition:
    """Piece `number` of a seed."""
    dice = Dice(f"{seed} {number}")
    name = dice.weigh([(style.weight, name) for name, style in STYLES.items()])
    style = STYLES[name]
    family = FAMILIES[dice.weigh(style.families)]
    meter = 3 if dice.chance(style.waltz) else 4
    tempo_bpm = float(round(dice.between(*style.tempo_bpm)))
    chart = make_chart(dice, family, meter, round(dice.between(MIN_BARS, MAX_BARS - LONGEST_SECTION - 1)))
    return _arranged(dice, name, chart, tempo_bpm, dice.weigh(ROLES), dice.weigh(style.lefts))


def arrange(
    seed: str, groove: str, chart: Chart, tempo_bpm: float, role: str, left_hand: str | None, tonic: int | None = None
) -> Composition:
    """A chart, with a chord on every beat, as a practice pianist of a groove plays it.

    left_hand: None: one of the groove's. tonic: as Harmony has it. The same arguments give the same notes.
    """
    dice = Dice(seed)
    left_kind = left_hand or dice.weigh(STYLES[groove].lefts)
    return _arranged(dice, groove, chart, tempo_bpm, role, left_kind, left_hand, tonic)


def _arranged(
    dice: Dice,
    name: str,
    chart: Chart,
    tempo_bpm: float,
    role: str,
    left_kind: str,
    asked: str | None = None,
    tonic: int | None = None,
) -> Composition:
    """asked: a left hand that a role must not choose anew."""
    style, harmony = STYLES[name], Harmony(chart, tonic)
    left, right = Part(LEFT), Part(RIGHT)
    if role == "comping":
        touch = "held" if style.feel == "held" else dice.weigh(((3, "mixed"), (2, "short"), (3, "held")))
        two_hands(dice, harmony, left, right, style.feel, dice.between(0.2, 0.9), touch)
    elif role == "accompany":
        pairs = ACCOMPANIMENTS[style.feel]
        left_kind, chords = dice.pick(tuple(pair for pair in pairs if pair[0] == asked) or pairs)
        play_left(dice, harmony, left, left_kind, style, tempo_bpm)
        comp(dice, harmony, right, chords, style.feel, dice.between(0.3, 0.8), "mixed" if style.swung else "held")
    elif role == "left":
        left_kind = asked or ("arpeggios" if tempo_bpm < SLOW_BPM else dice.weigh(_COMPING))
        play_left(dice, harmony, left, left_kind, style, tempo_bpm, flowing=True)
    else:
        if role == "solo":
            play_left(dice, harmony, left, left_kind, style, tempo_bpm)
        _play_right(dice, harmony, right, left_kind, style, role, tempo_bpm)
    swung = style.swung and not dice.chance(0.05)
    ratio = swing_ratio(tempo_bpm) + 0.012 * dice.bell() if swung else 0.5 + dice.pick((0.0, 0.0, 0.0, 0.02, 0.06))
    loud = dice.between(52, 88)
    touch_of = Touch(
        ratio,
        dice.between(0, 24) * min(1.0, 130 / tempo_bpm) if swung else dice.between(-4, 12),
        dice.between(2.5, 6.5),
        loud - dice.between(6, 18),
        loud,
    )
    notes, hands = perform(dice, [left, right], tempo_bpm, chart.beats, touch_of)
    return Composition(name, role, left_kind, chart, tempo_bpm, notes, hands)


def play_left(
    dice: Dice, harmony: Harmony, part: Part, kind: str, style: Style, tempo_bpm: float, flowing: bool = False
) -> None:
    """A left hand of the style's repertoire, from the first bar to the last. flowing: it must fill the time alone."""
    if kind == "stride":
        bass.stride(dice, harmony, part)
    elif kind == "arpeggios":
        bass.arpeggios(dice, harmony, part, flowing)
    elif kind == "bossa":
        bass.bossa(dice, harmony, part)
    elif kind == "pop":
        bass.pop(dice, harmony, part)
    elif kind in ("walk", "two"):
        bass.walk(dice, harmony, part, two_feel=kind == "two")
    else:
        busy = dice.between(0.1, 0.8) if tempo_bpm < FAST_BPM else dice.between(-0.2, 0.2)
        touch = "held" if style.feel in ("held", "pop") else dice.pick(("mixed", "mixed", "held", "short"))
        comp(dice, harmony, part, kind, style.feel, busy, touch)


def _play_right(
    dice: Dice, harmony: Harmony, part: Part, left_kind: str, style: Style, role: str, tempo_bpm: float
) -> None:
    alone = role == "right"
    slow = tempo_bpm < SLOW_BPM
    thick: tuple[float, ...] = (0.0, 0.1, 0.2, 0.5) if tempo_bpm < FAST_BPM else (0.0, 0.1)
    if alone or slow or left_kind == "stride":
        thick = (0.2, 0.4, 0.6)
    manner = Manner(
        busy=dice.between(0.55 if alone else 0.4 if slow else 0.15, 1.0),
        lively=3 if tempo_bpm < 150 else 2,
        blues=style.blues,
        thick=dice.pick(thick),
        rests=dice.between(0.03, 0.1 if alone or slow else 0.28),
        swung=style.swung,
        low=57 if alone else FLOORS.get(left_kind, 60),
        high=dice.pick((84, 86, 88, 93)),
    )
    play_solo(dice, harmony, part, manner)
