"""The practice corpus, second edition: whole performances. engine/data/practice/piece has the first.

A plan says where heads, solos, trading and shouts stand; the hands play it stretch by stretch, rise and come back,
answer each other, use the pedal, slow down at the end and hold the last chord.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.data.practice import modern
from engine.data.practice.forms import FAMILIES
from engine.data.practice.hands import bass
from engine.data.practice.hands.comping import comp, two_hands
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import LEFT, RIGHT, Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.solo import Manner, Soloist
from engine.data.practice.heads import Heads
from engine.data.practice.piece import ACCOMPANIMENTS, FLOORS, ROLES, STYLES, Composition, Style, play_left
from engine.data.practice.plan import Plan, Section, last_tones, make_plan
from engine.data.practice.textures import inner_chords
from engine.data.practice.timing import MAX_NOTE_S, Touch, perform, swing_ratio
from engine.notes import Notes

__all__ = ["compose_whole"]

BARS = (48.0, 136.0)
FIVE = 0.12  # share in 5/4, of the styles that know it
FIVES = ("swing", "modal")
FIVE_LEFTS = ("rootless", "shell", "three", "fourths", "close", "walk", "full")
SLOW_BPM, FAST_BPM = 100.0, 190.0
RICH = 0.88  # of the solos: a modern pianist's, thick in both hands
LOUD, BEHIND, SPREAD = (60.0, 80.0), (4.0, 12.0), (11.0, 13.0)  # right hand, left hand below it, deviation of all
MODERN = {
    "swing": ((3, "full"), (1, "tenths")), "up": ((1, "full"),), "blues": ((2, "boogie"), (2, "full")),
    "stride": ((1, "tenths"),), "modal": ((1, "full"),), "ballad": ((2, "tenths"), (2, "full")),
    "waltz": ((1, "full"),), "bossa": ((1, "full"),), "pop": ((1, "full"),), "soul": ((2, "full"), (1, "tenths")),
}  # fmt: skip
# Left hands that a head may have where the solos have another.
HEAD_LEFTS = {"walk": "two", "full": "shell", "rootless": "shell", "three": "shell", "stride": "tenths"}
CHORDAL = ("rootless", "shell", "three", "fourths", "close")
DRY = 0.5  # share of rich swung solos whose left hand does not hold what it strikes
INNER = (0.5, 0.7, 0.9)  # shares of held notes under which a rich right hand strikes the chord
OWN_FLOORS = {"full": 65, "boogie": 62, "tenths": 63}
PEDALLED = {"ballad": 0.8, "soul": 0.6, "pop": 0.6, "bossa": 0.3, "waltz": 0.3, "swing": 0.12, "modal": 0.3}


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
    kind = _left_of(dice, name, style, meter, rich)
    left, right = Part(LEFT), Part(RIGHT)
    if role == "comping":
        touch = "held" if style.feel == "held" else dice.weigh(((3, "mixed"), (2, "short"), (3, "held")))
        two_hands(dice, harmony, left, right, _feel(style, meter), dice.between(0.4, 1.0), touch)
    elif role == "accompany":
        kind, chords = ("walk", "high") if meter == 5 else dice.pick(ACCOMPANIMENTS[style.feel])
        _left(dice, harmony, left, kind, style, meter, tempo_bpm)
        touch = "mixed" if style.swung else "held"
        comp(dice, harmony, right, chords, _feel(style, meter), dice.between(0.4, 0.9), touch)
    elif role == "left":
        kind = kind if kind in FLOORS and meter == 5 else "arpeggios" if tempo_bpm < 100 else kind
        _left(dice, harmony, left, kind, style, meter, tempo_bpm, flowing=True)
    else:
        if role == "solo":
            left = _left_by_sections(dice, harmony, plan, kind, style, meter, tempo_bpm, rich)
        manner = _manner(dice, style, kind, role, rich, tempo_bpm)
        _play_right(dice, harmony, plan, right, manner)
        if role == "solo":
            _converse(dice, harmony, plan, left, right)
    for part in (left, right):
        _rise(part, plan, meter)
    if left.onset and dice.chance(PEDALLED.get(name, 0.0)):
        _pedal(left, harmony)
    _hold_the_end(left, right, harmony)
    notes, hands = _perform(dice, style, plan, left, right, tempo_bpm)
    beats_s = _beats(dice, plan, tempo_bpm)
    return Composition(name, role, kind, plan.chart, tempo_bpm, _along(notes, beats_s, tempo_bpm), hands, beats_s, plan)


def _left_of(dice: Dice, name: str, style: Style, meter: int, rich: bool) -> str:
    if meter == 5:
        return dice.pick(FIVE_LEFTS)
    return dice.weigh(MODERN[name] if dice.chance(0.6 if rich else 0.2) else style.lefts)


def _feel(style: Style, meter: int) -> str:
    return "swing" if meter == 5 else style.feel


def _left(
    dice: Dice, harmony: Harmony, part: Part, kind: str, style: Style, meter: int, tempo_bpm: float,
    flowing: bool = False, rich: bool = False,
) -> None:  # fmt: skip
    """A left hand over the whole chart. rich: chords on more of the beats, and shorter."""
    if rich and kind in CHORDAL:
        touch = "held" if style.feel in ("held", "pop") else dice.pick(("mixed", "mixed", "short"))
        busy = dice.between(0.45, 1.0) if tempo_bpm < FAST_BPM else dice.between(0.0, 0.4)
        comp(dice, harmony, part, kind, _feel(style, meter), busy, touch)
    elif kind == "full":
        broken = dice.between(0.4, 0.9) if rich and tempo_bpm < SLOW_BPM and not style.swung else 0.0
        modern.full(dice, harmony, part, _feel(style, meter), dice.between(0.6 if rich else 0.5, 1.0), broken)
    elif kind == "boogie":
        modern.boogie(dice, harmony, part)
    elif kind == "tenths":
        modern.tenths(dice, harmony, part)
    elif kind == "arpeggios":
        bass.arpeggios(dice, harmony, part, flowing or rich)
    else:
        play_left(dice, harmony, part, kind, replace(style, feel=_feel(style, meter)), tempo_bpm)


def _left_by_sections(
    dice: Dice, harmony: Harmony, plan: Plan, kind: str, style: Style, meter: int, tempo_bpm: float, rich: bool
) -> Part:
    """The solos' left hand, and in some pieces a quieter one under heads, intro and tag."""
    played = Part(LEFT)
    _left(dice, harmony, played, kind, style, meter, tempo_bpm, rich=rich)
    if rich and style.swung and dice.chance(DRY):
        _dry(played)
    other = None if rich and kind in CHORDAL else HEAD_LEFTS.get(kind)
    if other is None or not dice.chance(0.35) or not any(s.kind in ("solo", "shout", "trade") for s in plan.sections):
        return played
    quiet = Part(LEFT)
    _left(dice, harmony, quiet, other, style, meter, tempo_bpm, rich=rich)
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
    """What is held is let go earlier, so that both hands rest together."""
    part.length = [length if length < 0.6 else max(0.5, min(0.6 * length, 1.4)) for length in part.length]


def _manner(dice: Dice, style: Style, kind: str, role: str, rich: bool, tempo_bpm: float) -> Manner:
    slow = tempo_bpm < SLOW_BPM
    thick = dice.pick((0.4, 0.6, 0.8) if rich else (0.0, 0.1, 0.25))
    return Manner(
        busy=dice.between(0.9, 1.0) if rich else dice.between(0.35 if slow else 0.2, 0.9),
        lively=4 if rich and tempo_bpm < 84 else 3 if tempo_bpm < (180 if rich else 150) else 2,
        blues=style.blues,
        thick=thick if tempo_bpm < FAST_BPM else thick / 3,
        rests=dice.between(0.03, 0.12 if rich else 0.1 if slow else 0.25),
        swung=style.swung,
        low=57 if role == "right" else OWN_FLOORS.get(kind, FLOORS.get(kind, 60)),
        high=dice.pick((86, 88, 93) if rich else (84, 86, 88, 93)),
        nimble=rich,
        drive=dice.pick((0.8, 1.2, 1.6) if slow else (0.4, 0.6, 0.9)) if rich else 0.0,
    )


def _play_right(dice: Dice, harmony: Harmony, plan: Plan, part: Part, manner: Manner) -> None:
    """Section by section: heads as written, solos that build, fours with rests between, a shout in blocks."""
    soloist = Soloist(dice, harmony, manner)
    heads = Heads(dice, harmony, soloist, replace(manner, busy=min(0.8, manner.busy), rests=0.0))
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
            for bar in range(section.first, section.stop, 8):
                soloist.play(part, bar, min(bar + 4, section.stop), 0.8)
        elif section.kind == "shout":
            soloist.manner = replace(manner, busy=0.6, thick=1.0, rests=0.05)
            soloist.play(part, section.first, section.stop, 1.0)
        elif section.kind in ("intro", "tag") and dice.chance(0.5 if section.kind == "intro" else 0.8):
            soloist.manner = replace(manner, busy=0.3, thick=manner.thick / 2)
            soloist.play(part, section.first, section.stop, heat)
    soloist.manner = manner
    if manner.nimble:
        share = dice.pick(INNER)
        for section in plan.sections:
            if section.kind in ("head", "solo"):
                first, stop = (float(bar * plan.chart.beats_per_bar) for bar in (section.first, section.stop))
                inner_chords(dice, harmony, part, first, stop, share, manner.low)
    soloist.end(part)


def _converse(dice: Dice, harmony: Harmony, plan: Plan, left: Part, right: Part) -> None:
    """The left hand answers: whole fours where they are traded, a word in some of the right hand's rests elsewhere."""
    meter, floor = plan.chart.beats_per_bar, min(right.pitch, default=62) - 1
    high = min(62, floor)
    ends = np.maximum.accumulate(np.array(right.onset) + np.array(right.length)) if right.onset else np.zeros(0)
    order = np.argsort(right.onset, kind="stable")
    onsets, ends = np.array(right.onset)[order], np.maximum.accumulate((np.array(right.onset) + right.length)[order])
    talkative = dice.pick((0.0, 0.25, 0.6))
    for section in plan.sections:
        if section.kind == "trade":
            for bar in range(section.first + 4, section.stop, 8):
                for two in range(bar, min(bar + 4, section.stop), 2):
                    start, end = float(two * meter), float(min(two + 2, section.stop) * meter)
                    modern.answer(dice, harmony, left, start, end - 1.0, high)
        elif section.kind in ("head", "solo"):
            inside = np.flatnonzero((onsets[1:] - ends[:-1] >= 1.75) & (onsets[1:] < section.stop * meter))
            for gap in inside[ends[inside] >= section.first * meter]:
                start, end = float(np.ceil(ends[gap] + 0.25)), float(np.floor(onsets[gap + 1]))
                if end - start >= 1.0 and dice.chance(talkative):
                    modern.answer(dice, harmony, left, start, min(end, start + 4.0), high)


def _rise(part: Part, plan: Plan, meter: int) -> None:
    """Louder as the music rises, softer at its beginning and its end."""
    bounds = [section.first * meter for section in plan.sections]
    for k, onset in enumerate(part.onset):
        section: Section = plan.sections[max(0, int(np.searchsorted(bounds, onset + 0.3, side="right")) - 1)]
        part.accent[k] += 14.0 * (section.heat - 0.45) + (5.0 if section.kind == "shout" else 0.0)


def _pedal(part: Part, harmony: Harmony) -> None:
    """Notes of half a beat and more ring to the end of their chord."""
    for k, onset in enumerate(part.onset):
        if part.length[k] >= 0.45:
            span = harmony.spans[harmony.index(onset + (0.5 if onset % 1 >= 0.5 else 0.0))]
            part.length[k] = max(part.length[k], min(span.end_beat - 0.08, onset + 4.0) - onset)


def _hold_the_end(left: Part, right: Part, harmony: Harmony) -> None:
    """What is struck on the last bar is held as long as a note may be.

    A hand that came half a beat early waits for the bar, but for what is not of its chord.
    """
    meter, tones = harmony.chart.beats_per_bar, last_tones(harmony)
    last = float((harmony.chart.bars - 1) * meter)
    for part in (left, right):
        early = not any(onset >= last - 0.01 for onset in part.onset)
        stays = [
            onset < last - 0.6
            or (onset < last + 0.3 and (not early or pitch % 12 in tones) and not last - 0.2 < onset < last - 0.01)
            for onset, pitch in zip(part.onset, part.pitch, strict=True)
        ]
        part.keep([k for k, stay in enumerate(stays) if stay])
        for k, onset in enumerate(part.onset):
            if early and onset >= last - 0.6:
                part.onset[k] = onset = last
            if onset >= last - 0.01:
                part.length[k] = max(part.length[k], meter * 1.6)
            else:
                part.length[k] = min(part.length[k], last - 0.05 - onset)


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


def _beats(dice: Dice, plan: Plan, tempo_bpm: float) -> npt.NDArray[np.float64]:
    """(beats + 1,) seconds: even, but for a ritard over the last bars of slower pieces."""
    beats = plan.chart.beats
    gaps = np.full(beats, 60.0 / tempo_bpm)
    if dice.chance(0.75 if tempo_bpm < 110 else 0.3 if tempo_bpm < 180 else 0.1):
        length = plan.chart.beats_per_bar * dice.pick((1, 2, 2))
        first = beats - plan.chart.beats_per_bar - length
        if first > 0:
            much = dice.between(0.2, 0.6)
            gaps[first : first + length] *= 1.0 + much * (np.arange(length) + 1) / length
            gaps[first + length :] *= 1.0 + much
    beats_s = np.concatenate([[0.0], np.cumsum(gaps)])
    return np.asarray(np.rint(beats_s * 1e6) / 1e6, dtype=np.float64)


def _along(notes: Notes, beats_s: npt.NDArray[np.float64], tempo_bpm: float) -> Notes:
    """(N,) notes of an even tempo, along the beats as they are."""
    moved: Notes = notes.copy()
    beat_s = 60.0 / tempo_bpm
    beat = np.arange(len(beats_s))
    last_s = beats_s[-1] - beats_s[-2]
    for name in ("onset_s", "offset_s"):
        at = notes[name] / beat_s
        inside = np.interp(at, beat, beats_s) + np.maximum(0.0, at - beat[-1]) * last_s
        moved[name] = np.rint(inside * 1e4) / 1e4
    moved["offset_s"] = np.minimum(moved["offset_s"], moved["onset_s"] + MAX_NOTE_S)
    return moved
