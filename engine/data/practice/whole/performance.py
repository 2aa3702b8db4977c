"""Composes whole performances. engine/data/practice/piece has the first edition's pieces.

A plan says where heads, solos, trading and shouts stand; the hands play it stretch by stretch, rise and come back,
answer each other, use the pedal, slow down at the end and hold the last chord.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.data.practice.forms import FAMILIES
from engine.data.practice.hands.comping import comp, two_hands
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import LEFT, RIGHT, Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.solo import Manner, Soloist
from engine.data.practice.piece import ACCOMPANIMENTS, FLOORS, ROLES, STYLES, Composition, Style
from engine.data.practice.plan import Plan, make_plan
from engine.data.practice.timing import Touch, perform, swing_ratio
from engine.data.practice.whole.dialogue import breathe, converse, keep_apart, lay_out
from engine.data.practice.whole.ending import beats_along, hold_the_end, notes_along
from engine.data.practice.whole.heads import Heads
from engine.data.practice.whole.left_hand import (
    FAST_BPM,
    SLOW_BPM,
    choose_left,
    feel_of,
    floor_of,
    left_by_sections,
    left_over,
)
from engine.data.practice.whole.ring import pedal, ring_on
from engine.data.practice.whole.textures import inner_chords, inner_figures, together
from engine.notes import Notes

__all__ = ["compose_whole"]

BARS = (48.0, 136.0)
FIVE = 0.12  # share in 5/4, of the styles that know it
FIVES = ("swing", "modal")
RICH = 0.92  # of the solos: a modern pianist's, thick in both hands
LOUD, BEHIND, SPREAD = (60.0, 80.0), (4.0, 12.0), (11.0, 13.0)  # right hand, left hand below it, deviation of all
INNER = (0.6, 0.8, 1.0)  # shares of held notes under which a rich right hand strikes the chord
FIGURES = (0.4, 0.6, 0.8)  # in slow rich pieces: of those notes, under how many it breaks the chord instead
PEDALLED = {  # shares of solos; where the hands accompany in swung styles, a third of them
    "ballad": 0.9, "soul": 0.75, "pop": 0.75, "bossa": 0.7, "waltz": 0.7, "swing": 0.75, "modal": 0.75, "blues": 0.7,
    "stride": 0.6, "up": 0.6,
}  # fmt: skip
OVERLAP = 0.75  # share of rich solos without a pedal whose fingers hold chord tones a little longer
STEPPING = ("walk", "two", "boogie", "fourths")  # left hands that a pedal would blur
DRIVING = (*STEPPING, "stride", "bossa", "arpeggios")  # left hands that seldom stop
LAY_OUT = (0.15, 0.3, 0.45)  # of the four-bar stretches of a solo, at whose start the left hand leaves the right alone
BREATHE, BREATHE_DRIVING = (0.2, 0.4, 0.65), (0.1, 0.25, 0.45)  # of the right hand's rests in which both rest


def compose_whole(seed: int, number: int) -> Composition:
    """Piece `number` of a seed."""
    dice = Dice(f"whole {seed} {number}")
    name = dice.weigh([(style.weight, name) for name, style in STYLES.items()])
    style = STYLES[name]
    family = FAMILIES[dice.weigh(style.families)]
    meter = 3 if dice.chance(style.waltz) else 5 if name in FIVES and dice.chance(FIVE) else 4
    tempo_bpm = float(round(dice.between(*style.tempo_bpm)))
    plan = make_plan(dice, family, meter, round(dice.between(*BARS)))
    harmony = Harmony(plan.chart)
    role, rich = dice.weigh(ROLES), dice.chance(RICH)
    kind = choose_left(dice, name, style, meter, rich)
    left, right = Part(LEFT), Part(RIGHT)
    if role == "comping":
        touch = "held" if style.feel == "held" else dice.weigh(((3, "mixed"), (2, "short"), (3, "held")))
        two_hands(dice, harmony, left, right, feel_of(style, meter), dice.between(0.4, 1.0), touch)
    elif role == "accompany":
        kind, chords = ("walk", "high") if meter == 5 else dice.pick(ACCOMPANIMENTS[style.feel])
        left_over(dice, harmony, left, kind, style, meter, tempo_bpm)
        touch = "mixed" if style.swung else "held"
        comp(dice, harmony, right, chords, feel_of(style, meter), dice.between(0.4, 0.9), touch)
    elif role == "left":
        kind = kind if kind in FLOORS and meter == 5 else "arpeggios" if tempo_bpm < 100 else kind
        left_over(dice, harmony, left, kind, style, meter, tempo_bpm, flowing=True)
    else:
        if role == "solo":
            left = left_by_sections(dice, harmony, plan, kind, style, meter, tempo_bpm, rich)
        manner = _manner(dice, style, kind, role, rich, tempo_bpm)
        _play_right(dice, harmony, plan, right, manner, tempo_bpm, alone=role == "right")
        if role == "solo":
            _join(dice, harmony, plan, left, right, name, kind, manner)
    for part in (left, right):
        _rise(part, plan, meter)
    if role != "solo" and kind not in STEPPING and dice.chance(PEDALLED[name] / (3 if style.swung else 1)):
        pedal(left, harmony)
    hold_the_end(left, right, harmony, reach=17 if role == "accompany" else 12)
    if role in ("comping", "accompany"):  # a solo's right hand has a floor
        keep_apart(left, right)
    notes, hands = _perform(dice, style, plan, left, right, tempo_bpm)
    beats_s = beats_along(dice, plan, tempo_bpm)
    notes = notes_along(notes, beats_s, tempo_bpm)
    return Composition(name, role, kind, plan.chart, tempo_bpm, notes, hands, beats_s, plan)


def _manner(dice: Dice, style: Style, kind: str, role: str, rich: bool, tempo_bpm: float) -> Manner:
    slow = tempo_bpm < SLOW_BPM
    thick = dice.pick((0.5, 0.7, 0.9) if rich else (0.0, 0.1, 0.25))
    return Manner(
        busy=dice.between(0.9, 1.0) if rich else dice.between(0.35 if slow else 0.2, 0.9),
        lively=4 if rich and tempo_bpm < 84 else 3 if tempo_bpm < (180 if rich else 150) else 2,
        blues=style.blues,
        thick=thick if tempo_bpm < FAST_BPM else thick / 3,
        rests=dice.between(0.03, 0.12 if rich else 0.1 if slow else 0.25),
        swung=style.swung,
        low=57 if role == "right" else floor_of(kind),
        high=dice.pick((86, 88, 93) if rich else (84, 86, 88, 93)),
        nimble=rich,
        drive=dice.pick((0.8, 1.2, 1.6) if slow else (0.5, 0.8, 1.2)) if rich else 0.0,
        shortest=_shortest(tempo_bpm) if rich else 0.45,
        lift=0.37 if rich else 0.3,
        breath=1.4 if rich else 1.2,
        grace=dice.pick((0.0, 0.15, 0.3)) if rich and tempo_bpm < FAST_BPM else 0.0,
    )


def _shortest(tempo_bpm: float) -> float:
    """Beats of the shortest notes that a nimble hand harmonises, at most eight chords a second."""
    return 0.24 if tempo_bpm < 92 else 0.3 if tempo_bpm < 116 else 0.45 if tempo_bpm < 225 else 0.6


def _play_right(
    dice: Dice, harmony: Harmony, plan: Plan, part: Part, manner: Manner, tempo_bpm: float, *, alone: bool
) -> None:
    """Section by section: heads as written, solos that build, fours with rests between, a shout in blocks.

    alone: no left hand plays, so that what is left to it would be silence.
    """
    soloist = Soloist(dice, harmony, manner)
    heads = Heads(dice, harmony, soloist, replace(manner, busy=min(0.8, manner.busy), rests=0.0, grace=0.0))
    for section in plan.sections:
        heat = section.heat
        if section.kind == "head":
            heads.play(part, section)
        elif section.kind == "solo":
            soloist.manner = replace(
                manner, busy=min(1.0, manner.busy - 0.1 + 0.3 * heat), thick=min(1.0, manner.thick * (0.5 + heat))
            )
            soloist.play(part, section.first, section.stop, heat)
        elif section.kind == "trade":
            soloist.manner = replace(manner, busy=min(1.0, manner.busy + 0.2), rests=0.0)
            for bar in range(section.first, section.stop, 4 if alone else 8):
                soloist.play(part, bar, min(bar + 4, section.stop), 0.8)
        elif section.kind == "shout":
            soloist.manner = replace(manner, busy=0.6, thick=1.0, rests=0.05)
            soloist.play(part, section.first, section.stop, 1.0)
        elif dice.chance(0.8 if manner.nimble or section.kind == "tag" else 0.5) or alone:  # an intro or a tag
            soloist.manner = replace(manner, busy=0.3, thick=manner.thick / 2)
            soloist.play(part, section.first, section.stop, heat)
    soloist.manner = manner
    if manner.nimble:
        share, figures = dice.pick(INNER), dice.pick(FIGURES) if tempo_bpm < SLOW_BPM else 0.0
        step = 0.25 if tempo_bpm < 92 else 0.5
        for section in plan.sections:
            if section.kind in ("head", "solo"):
                first, stop = (float(bar * plan.chart.beats_per_bar) for bar in (section.first, section.stop))
                if figures:
                    inner_figures(dice, harmony, part, first, stop, figures, manner.low, step)
                inner_chords(dice, harmony, part, first, stop, share, manner.low)
    soloist.end(part)


def _join(
    dice: Dice, harmony: Harmony, plan: Plan, left: Part, right: Part, name: str, kind: str, manner: Manner
) -> None:
    """The hands of a solo as one player's: chords in both at the peaks, answers, pedal, and rests of both."""
    meter = plan.chart.beats_per_bar
    if manner.nimble:
        for section in plan.sections:
            if section.kind == "shout":
                together(harmony, left, right, float(section.first * meter), float(section.stop * meter), manner)
    spoken = converse(dice, harmony, plan, left, right)
    pedalled = dice.chance(PEDALLED[name])
    if manner.nimble and (pedalled or dice.chance(OVERLAP)):
        heads = [
            (float(section.first * meter), float(section.stop * meter))
            for section in plan.sections if section.kind == "head"
        ]  # fmt: skip
        ring_on(right, harmony, dice.pick((1.0, 1.5, 2.0)) if pedalled else 1.0, heads)
    if pedalled and kind not in STEPPING:
        pedal(left, harmony, spoken)
    if manner.nimble:
        lay_out(dice, plan, left, dice.pick(LAY_OUT))
        share = dice.pick(BREATHE_DRIVING if kind in DRIVING else BREATHE)
        breathe(dice, left, right, share * (0.6 if pedalled else 1.0), spoken)


def _rise(part: Part, plan: Plan, meter: int) -> None:
    """Louder as the music rises, softer at its beginning and its end."""
    bounds = [section.first * meter for section in plan.sections]
    louder = [14.0 * (section.heat - 0.45) + (5.0 if section.kind == "shout" else 0.0) for section in plan.sections]
    sections = np.maximum(0, np.searchsorted(bounds, np.array(part.onset) + 0.3, side="right") - 1)
    part.accent = (np.array(part.accent) + np.array(louder)[sections]).tolist()


def _perform(
    dice: Dice, style: Style, plan: Plan, left: Part, right: Part, tempo_bpm: float
) -> tuple[Notes, npt.NDArray[np.int8]]:
    swung = style.swung and not dice.chance(0.05)
    ratio = swing_ratio(tempo_bpm) + 0.012 * dice.bell() if swung else 0.5 + dice.pick((0.0, 0.0, 0.0, 0.02, 0.06))
    loud = dice.between(*LOUD)
    late_ms = dice.between(0, 24) * min(1.0, 130 / tempo_bpm) if swung else dice.between(-4, 12)
    touch = Touch(
        ratio, late_ms, dice.between(2.5, 6.5), loud - dice.between(*BEHIND), loud, dice.between(*SPREAD), by_line=True
    )
    return perform(dice, [left, right], tempo_bpm, plan.chart.beats, touch)
