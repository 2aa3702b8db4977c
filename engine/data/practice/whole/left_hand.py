"""Left hands of whole performances: which one a piece has, how full it is, and a quieter one under heads."""

from __future__ import annotations

from dataclasses import replace

from engine.data.practice.hands import bass
from engine.data.practice.hands.comping import comp
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import LEFT, Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.piece import FLOORS, Style, play_left
from engine.data.practice.plan import Plan
from engine.data.practice.whole import modern

__all__ = ["FAST_BPM", "SLOW_BPM", "choose_left", "feel_of", "floor_of", "left_by_sections", "left_over"]

SLOW_BPM, FAST_BPM = 100.0, 190.0
DOUBLED_BPM = 80.0  # below it some broken chords go in sixteenths
FIVE_LEFTS = ("rootless", "shell", "three", "fourths", "close", "walk", "full")
MODERN = {
    "swing": ((3, "full"), (1, "tenths")), "up": ((1, "full"),), "blues": ((2, "boogie"), (2, "full")),
    "stride": ((1, "tenths"),), "modal": ((1, "full"),), "ballad": ((2, "tenths"), (2, "full")),
    "waltz": ((1, "full"),), "bossa": ((1, "full"),), "pop": ((1, "full"),), "soul": ((2, "full"), (1, "tenths")),
}  # fmt: skip
# Left hands that a head may have where the solos have another.
HEAD_LEFTS = {"walk": "two", "full": "shell", "rootless": "shell", "three": "shell", "stride": "tenths"}
CHORDAL = ("rootless", "shell", "three", "fourths", "close")
BASSES = ("two", "pop", "bossa", "open")  # hands that reach up for a chord while their bass rings
REACHING = 0.75  # share of rich ones that do
OCTAVES = (0.0, 0.4, 0.8)  # of the basses of a full left hand
ECHOES = (0.4, 0.6, 0.9)  # of a rich left hand's long gaps between chords that it strikes into
DRY = 0.1  # share of rich swung solos whose left hand does not hold what it strikes
OWN_FLOORS = {"full": 65, "boogie": 62, "tenths": 63}


def choose_left(dice: Dice, name: str, style: Style, meter: int, rich: bool) -> str:
    """The left hand of a piece: a later pianist's in most rich ones."""
    if meter == 5:
        return dice.pick(FIVE_LEFTS)
    return dice.weigh(MODERN[name] if dice.chance(0.7 if rich else 0.2) else style.lefts)


def feel_of(style: Style, meter: int) -> str:
    """The comping rhythms of a style in a metre."""
    return "swing" if meter == 5 else style.feel


def floor_of(kind: str) -> int:
    """The lowest pitch that a right hand may have over a left hand."""
    return OWN_FLOORS.get(kind, FLOORS.get(kind, 60))


def left_over(
    dice: Dice, harmony: Harmony, part: Part, kind: str, style: Style, meter: int, tempo_bpm: float,
    flowing: bool = False, rich: bool = False,
) -> None:  # fmt: skip
    """A left hand over the whole chart. rich: chords on more of the beats, and a bass that reaches up for them."""
    doubled = rich and tempo_bpm < DOUBLED_BPM and dice.chance(0.5)
    echo = dice.pick(ECHOES) if rich and tempo_bpm < FAST_BPM else 0.0
    if rich and kind in CHORDAL:
        held = style.feel in ("held", "pop")
        touch = "held" if held else dice.pick(("held", "held", "mixed", "mixed", "short"))
        busy = dice.between(0.6, 1.0) if tempo_bpm < FAST_BPM else dice.between(0.1, 0.6)
        comp(dice, harmony, part, kind, feel_of(style, meter), busy, touch, echo)
    elif kind == "full":
        slow = rich and tempo_bpm < SLOW_BPM
        broken = (dice.between(0.2, 0.6) if style.swung else dice.between(0.5, 1.0)) if slow else 0.0
        step = 1 / 3 if style.swung else 0.25 if doubled else 0.5
        busy, octaves = dice.between(0.7 if rich else 0.5, 1.0), dice.pick(OCTAVES) if rich else 0.0
        modern.full(dice, harmony, part, feel_of(style, meter), busy, broken, step, octaves, echo)
    elif kind == "boogie":
        modern.boogie(dice, harmony, part)
    elif kind == "tenths":
        modern.tenths(dice, harmony, part, 0.6 if rich else 0.0)
    elif kind == "arpeggios":
        bass.arpeggios(dice, harmony, part, flowing or rich, doubled)
    else:
        play_left(dice, harmony, part, kind, replace(style, feel=feel_of(style, meter)), tempo_bpm)
    if rich and kind in BASSES and tempo_bpm < FAST_BPM and dice.chance(REACHING):
        modern.reach_up(dice, harmony, part, floor_of(kind) - 1)


def left_by_sections(
    dice: Dice, harmony: Harmony, plan: Plan, kind: str, style: Style, meter: int, tempo_bpm: float, rich: bool
) -> Part:
    """The solos' left hand, and in some pieces a quieter one under heads, intro and tag."""
    played = Part(LEFT)
    left_over(dice, harmony, played, kind, style, meter, tempo_bpm, rich=rich)
    if rich and style.swung and dice.chance(DRY):
        _dry(played)
    other = None if rich and kind in CHORDAL else HEAD_LEFTS.get(kind)
    if other is None or not dice.chance(0.35) or not any(s.kind in ("solo", "shout", "trade") for s in plan.sections):
        return played
    quiet = Part(LEFT)
    left_over(dice, harmony, quiet, other, style, meter, tempo_bpm, rich=rich)
    spliced = Part(LEFT)
    for section in plan.sections:
        source = quiet if section.kind in ("intro", "head", "tag") else played
        first, stop = float(section.first * meter), float(section.stop * meter)
        for k, onset in enumerate(source.onset):
            if first - 0.3 <= onset < stop - 0.3:
                length = min(source.length[k], stop - 0.06 - onset)
                spliced.add(onset, length, source.pitch[k], source.accent[k], source.roll_ms[k], source.straight[k])
    return spliced


def _dry(part: Part) -> None:
    """What is held is let go earlier."""
    part.length = [length if length < 0.6 else max(0.5, min(0.6 * length, 1.4)) for length in part.length]
