"""Right-hand lines over a chart: from chord tone to chord tone, as improvisation is taught.

A phrase's rhythm comes first. Its notes on strong beats, its long notes and its last one are targets: chord tones,
guide
tones before others. What lies between is filled by a device: scale run, arpeggio, arpeggio up and scale down, thirds,
turn, enclosure, chromatic approach (Coker, "Elements of the Jazz Language"). A phrase may instead develop one of the
piece's motifs, or quote a blues lick.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.rhythm import Beats, word
from engine.data.practice.hands.scales import Harmony, Palette

__all__ = ["Line", "Motif", "Register", "blues_lick", "long_notes", "make_motif", "motif_phrase", "target_phrase"]

Line = list[tuple[float, float, int]]
"""(onset, length) in beats and pitch, rising onsets."""


@dataclass
class Register:
    """Where the hand lies: hard limits, the height it is drawn to, and its last note."""

    low: int
    high: int
    centre: float
    at: int

    def fold(self, pitch: int) -> int:
        """The pitch, by octaves, within the limits."""
        while pitch > self.high:
            pitch -= 12
        while pitch < self.low:
            pitch += 12
        return pitch


_DEVICES = (
    (26, "run"), (17, "arpeggio"), (9, "pivot"), (17, "enclosure"), (14, "approach"), (7, "thirds"), (7, "turn"),
    (11, "bebop"),
)  # fmt: skip


def target_phrase(dice: Dice, harmony: Harmony, rhythm: Beats, register: Register, arc: float) -> Line:
    """Pitches for a rhythm. arc: semitones by which the middle of the phrase lies above (below) its ends."""
    if not rhythm:
        return []
    count, last = len(rhythm), len(rhythm) - 1
    first_beat, span = rhythm[0][0], max(1.0, rhythm[-1][0] - rhythm[0][0])
    colours = [_colour(harmony, onset, length) for onset, length in rhythm]
    targets = [
        k for k, (onset, length) in enumerate(rhythm)
        if k in (0, last) or length >= 0.75 or _strong(onset, harmony) or colours[k] is not colours[k - 1]
    ]  # fmt: skip
    pitches = [0] * count
    at = _start(dice, colours[0], register)
    pitches[0] = at
    direction = 1 if at < register.centre + arc * 0.5 else -1
    for here, there in itertools.pairwise(targets):
        t = (rhythm[there][0] - first_beat) / span
        aim = register.centre + arc * (4 * t * (1 - t))
        if at > aim + 4 or at > register.high - 4:
            direction = -1
        elif at < aim - 4 or at < register.low + 4:
            direction = 1
        elif dice.chance(0.3):
            direction = -direction
        fills, at = _fill(dice, colours[here], colours[there], at, there - here - 1, direction, register)
        pitches[here + 1 : there] = fills
        pitches[there] = at
    register.at = at
    return [(onset, length, pitch) for (onset, length), pitch in zip(rhythm, pitches, strict=True)]


def _strong(onset: float, harmony: Harmony) -> bool:
    meter = harmony.chart.beats_per_bar
    in_bar = onset % meter
    return in_bar == 0 or (in_bar == 2 and meter == 4)


def _colour(harmony: Harmony, onset: float, length: float) -> Palette:
    """The chord that a note belongs to: one held over a change from the offbeat before it belongs to what comes."""
    return harmony.at(onset + 0.5 if length > 0.5 and onset % 1 >= 0.5 else onset)


def _start(dice: Dice, colour: Palette, register: Register) -> int:
    """A phrase begins near where the last one ended, drawn to the centre."""
    wish = 0.4 * register.at + 0.6 * register.centre + 3.0 * dice.bell()
    return register.fold(colour.near[min(register.high, max(register.low, round(wish)))])


def _fill(
    dice: Dice, colour: Palette, to: Palette, at: int, between: int, direction: int, register: Register
) -> tuple[list[int], int]:
    """Notes between two targets, and the second target."""
    step = colour.up if direction > 0 else colour.down
    leap = colour.tone_up if direction > 0 else colour.tone_down
    if between == 0:
        wish = step[at] if dice.chance(0.6) else leap[at]
        return [], _land(dice, to, wish, at, register)
    device = dice.weigh(_DEVICES)
    path: list[int] = []
    now = at
    if device == "arpeggio" or (device == "pivot" and between > 2):
        up = between if device == "arpeggio" else (between + 1) // 2
        for _ in range(up):
            now = leap[now]
            path.append(now)
        if device == "pivot":
            back = colour.down if direction > 0 else colour.up
            for _ in range(between - up):
                now = back[now]
                path.append(now)
            direction = -direction
        wish = now + 2 * direction
    elif device == "thirds" and between > 1:
        for k in range(between):
            now = step[step[now]] if k % 2 == 0 else (colour.down if direction > 0 else colour.up)[now]
            path.append(now)
        wish = step[now]
    elif device == "turn" and between > 1:
        shape = (colour.up[at], at, colour.down[at])
        path = [shape[k % 3] for k in range(between)]
        wish = colour.tone_up[at] if direction > 0 else at if between == 3 else leap[at]
    elif device in ("enclosure", "approach"):
        rest = max(0, between - (2 if device == "enclosure" else 1))
        arpeggiate = dice.chance(0.5)
        for _ in range(rest):
            now = leap[now] if arpeggiate else step[now]
            path.append(now)
        target = _land(dice, to, now + 3 * direction if rest else at + dice.pick((-2, 1, 3)) * direction, at, register)
        if device == "enclosure" and between > 1:
            over, under = to.up[target], target - 1
            path += [over, under] if dice.chance(0.7) else [under, over]
        else:
            path.append(target - 1 if dice.chance(0.6) or to.up[target] == now else to.up[target])
        return _within(path, at, colour, register), target
    else:
        for _ in range(between):
            following = step[now]
            if device == "bebop" and abs(following - now) == 2 and now % 12 in colour.tones:
                following = now + direction  # the passing note that keeps chord tones on the beat
            now = following
            path.append(now)
        wish = step[now]
    target = _land(dice, to, wish, path[-1], register)
    return _within(path, at, colour, register), target


def _land(dice: Dice, to: Palette, wish: int, before: int, register: Register) -> int:
    """A chord tone near the wish, other than the note before it: a tension now and then."""
    wish = min(register.high, max(register.low, wish))
    table = to.rich if dice.chance(0.16) else to.near
    target = table[wish]
    if target == before and dice.chance(0.85):
        target = to.tone_up[target] if wish >= before else to.tone_down[target]
    return register.fold(target)


def _within(path: list[int], at: int, colour: Palette, register: Register) -> list[int]:
    """The notes folded into the register; none repeats the one before."""
    low, high = register.low, register.high
    for k, pitch in enumerate(path):
        if not low <= pitch <= high:
            pitch = register.fold(pitch)
        if pitch == at:
            pitch = colour.up[pitch] if pitch < register.centre else colour.down[pitch]
        path[k] = at = pitch
    return path


@dataclass(frozen=True)
class Motif:
    """An idea to develop: rhythm, and each note's distance from the first in scale steps."""

    rhythm: tuple[tuple[float, float], ...]
    steps: tuple[int, ...]


def make_motif(dice: Dice, meter: int, level: int) -> Motif:
    """A bar's worth, four to eight notes, with a shape that can be recognised."""
    while True:
        rhythm = [*word(dice, 2, max(1, level))]
        beat = 2.0
        while beat < meter:
            beats = 2 if meter - beat >= 2 else 1
            rhythm += [(beat + onset, length) for onset, length in word(dice, beats, min(1, level))]
            beat += beats
        if 3 <= len(rhythm) <= 8:
            break
    steps, at = [0], 0
    direction = dice.pick((-1, 1))
    for _ in rhythm[1:]:
        if dice.chance(0.3):
            direction = -direction
        at += direction * dice.weigh(((6, 1), (3, 2), (1, 3), (0.8, 4), (0.6, 0)))
        steps.append(at)
    return Motif(tuple(rhythm), tuple(steps))


def motif_phrase(dice: Dice, harmony: Harmony, motif: Motif, start: float, bars: int, register: Register) -> Line:
    """The motif stated, then once a bar repeated, sequenced, inverted, cut short or displaced; each fits its chord."""
    meter = harmony.chart.beats_per_bar
    line: Line = []
    anchor = register.fold(harmony.at(start).near[round(0.5 * register.at + 0.5 * register.centre)])
    drift = dice.pick((-2, -1, 1, 2))
    for bar in range(bars):
        rhythm, steps = motif.rhythm, motif.steps
        shift = 0.0
        if bar:
            change = dice.weigh(((4, "repeat"), (5, "sequence"), (1.5, "invert"), (2, "fragment"), (1.5, "displace")))
            if change == "sequence":
                anchor = register.fold(anchor + drift)
            elif change == "invert":
                steps = tuple(-step for step in steps)
            elif change == "fragment":
                half = max(2, len(rhythm) // 2)
                cut = [(onset, length) for onset, length in rhythm[:half] if onset < 2]
                again = [(onset + 2, length) for onset, length in cut if onset + 2 < meter] if dice.chance(0.6) else []
                rhythm, steps = tuple(cut + again), (*steps[: len(cut)], *steps[: len(again)])
            elif change == "displace":
                shift = dice.pick((0.5, 1.0))
        line += _state(harmony, rhythm, steps, start + bar * meter + shift, start + (bar + 1) * meter, anchor, register)
    if line:
        onset, length, pitch = line[-1]
        line[-1] = (onset, max(length, 0.9) if dice.chance(0.5) else length, _colour(harmony, onset, 1.0).near[pitch])
        register.at = pitch
    return line


def _state(
    harmony: Harmony,
    rhythm: tuple[tuple[float, float], ...],
    steps: tuple[int, ...],
    start: float,
    end: float,
    anchor: int,
    register: Register,
) -> Line:
    """One statement: steps walked in the scale of each note's chord, strong and long notes moved onto chord tones."""
    line: Line = []
    before = -1
    for (onset, length), step in zip(rhythm, steps, strict=True):
        beat = start + onset
        if beat > end - 0.4:
            break
        colour = _colour(harmony, beat, length)
        pitch = colour.near[anchor]
        table = colour.up if step > 0 else colour.down
        for _ in range(abs(step)):
            pitch = table[pitch]
        if length >= 0.75 or _strong(beat, harmony):
            pitch = colour.near[pitch]
        elif pitch == before and step != 0:
            pitch = table[pitch]
        pitch = register.fold(pitch)
        before = pitch
        line.append((beat, length, pitch))
    return line


# (onset, length, semitones above the key's tonic): common property of the blues.
_LICKS: tuple[tuple[tuple[float, float, int], ...], ...] = (
    ((0, 0.5, 12), (0.5, 0.5, 10), (1, 0.5, 7), (1.5, 0.5, 6), (2, 0.5, 5), (2.5, 0.5, 3), (3, 0.9, 0)),
    ((0, 0.12, 3), (0.12, 0.38, 4), (0.5, 0.5, 7), (1, 0.5, 9), (1.5, 1.4, 12)),
    ((0, 1 / 3, 7), (1 / 3, 1 / 3, 6), (2 / 3, 1 / 3, 5), (1, 0.5, 3), (1.5, 0.5, 0), (2, 0.9, 0)),
    ((0.5, 0.5, 0), (1, 0.5, 3), (1.5, 0.5, 5), (2, 0.12, 6), (2.12, 0.88, 7), (3, 0.5, 10), (3.5, 0.5, 7)),
    ((0, 0.5, 7), (0.5, 0.5, 9), (1, 0.5, 12), (1.5, 0.5, 9), (2, 0.12, 3), (2.12, 0.38, 4), (2.5, 0.9, 0)),
    ((0, 0.5, 10), (0.5, 0.5, 12), (1.5, 0.5, 10), (2, 0.5, 12), (2.5, 0.5, 7), (3, 0.12, 3), (3.12, 0.8, 4)),
    (
        (0, 1, 12), (1, 1 / 3, 10), (4 / 3, 1 / 3, 7), (5 / 3, 1 / 3, 5), (2, 0.5, 7), (2.5, 0.5, 5), (3, 0.5, 3),
        (3.5, 0.4, 0),
    ),
    ((0, 0.5, 0), (0.5, 0.5, 3), (1, 0.5, 4), (1.5, 0.5, 7), (2, 0.5, 9), (2.5, 1.2, 7)),
)  # fmt: skip


def blues_lick(dice: Dice, harmony: Harmony, tonic: int, start: float, bars: int, register: Register) -> Line:
    """A lick on the key's blues scale, answered once a bar; thirds bend to the chord, long notes to its tones."""
    meter = harmony.chart.beats_per_bar
    base = register.fold(tonic + 60 if register.centre < 72 else tonic + 72)
    lick = dice.pick(_LICKS)
    line: Line = []
    for bar in range(bars):
        if bar and dice.chance(0.6):
            lick = dice.pick(_LICKS)
        for onset, length, semitones in lick:
            if onset >= meter - 0.4:
                break
            beat = start + bar * meter + onset
            colour = _colour(harmony, beat, length)
            pitch = base + semitones
            if length >= 0.8 or _strong(beat, harmony):
                pitch = colour.near[pitch]
            elif semitones == 4 and pitch % 12 not in colour.scale:
                pitch -= 1
            line.append((beat, length, register.fold(pitch)))
    if line:
        register.at = line[-1][2]
    return line


def long_notes(dice: Dice, harmony: Harmony, start: float, end: float, register: Register) -> Line:
    """Guide tones: one held note a chord, third or seventh, each the nearest to the one before."""
    line: Line = []
    for index in range(harmony.index(start), harmony.index(end - 0.5) + 1):
        first, last, _ = harmony.spans[index]
        colour = harmony.palettes[index]
        onset, until = max(first, start), min(last, end)
        guide = colour.near[min(register.high, max(register.low, register.at + dice.pick((-1, 0, 1))))]
        if guide % 12 == colour.root:
            guide = colour.tone_down[guide] if dice.chance(0.6) else colour.tone_up[guide]
        register.at = register.fold(guide)
        line.append((onset, until - onset, register.at))
    return line
