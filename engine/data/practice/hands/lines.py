"""Right-hand lines over a chart: from chord tone to chord tone, as improvisation is taught.

A phrase's rhythm comes first. Its notes on strong beats, its long notes and its last one are targets: chord tones,
guide tones before others. What lies between is filled by a device: scale run, arpeggio, arpeggio up and scale down,
thirds, turn, enclosure, chromatic approach (Coker, "Elements of the Jazz Language").
"""

from __future__ import annotations

import itertools

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.register import Line, Register, colour_at, is_strong
from engine.data.practice.hands.rhythm import Beats
from engine.data.practice.hands.scales import Harmony, Palette

__all__ = ["target_phrase"]

_DEVICES = (
    (26, "run"), (17, "arpeggio"), (9, "pivot"), (17, "enclosure"), (14, "approach"), (7, "thirds"), (7, "turn"),
    (11, "bebop"),
)  # fmt: skip


def target_phrase(dice: Dice, harmony: Harmony, rhythm: Beats, register: Register, arc: float) -> Line:
    """Finds pitches for a rhythm. arc: semitones by which the middle of the phrase lies above (below) its ends."""
    if not rhythm:
        return []
    count, last = len(rhythm), len(rhythm) - 1
    first_beat, span = rhythm[0][0], max(1.0, rhythm[-1][0] - rhythm[0][0])
    colours = [colour_at(harmony, onset, length) for onset, length in rhythm]
    targets = [
        k for k, (onset, length) in enumerate(rhythm)
        if k in (0, last) or length >= 0.75 or is_strong(onset, harmony) or colours[k] is not colours[k - 1]
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


def _start(dice: Dice, colour: Palette, register: Register) -> int:
    """Draws the first pitch of a phrase: near where the last one ended, closer to the centre."""
    wish = 0.4 * register.at + 0.6 * register.centre + 3.0 * dice.bell()
    return register.fold(colour.near[min(register.high, max(register.low, round(wish)))])


def _fill(
    dice: Dice, colour: Palette, to: Palette, at: int, between: int, direction: int, register: Register
) -> tuple[list[int], int]:
    """Returns the notes between two targets, and the second target."""
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
    """Returns a chord tone near the wished pitch and other than the note before, now and then a tension."""
    wish = min(register.high, max(register.low, wish))
    table = to.rich if dice.chance(0.16) else to.near
    target = table[wish]
    if target == before and dice.chance(0.85):
        target = to.tone_up[target] if wish >= before else to.tone_down[target]
    return register.fold(target)


def _within(path: list[int], at: int, colour: Palette, register: Register) -> list[int]:
    """Folds notes into the register, so that none repeats the one before."""
    low, high = register.low, register.high
    for k, pitch in enumerate(path):
        if not low <= pitch <= high:
            pitch = register.fold(pitch)
        if pitch == at:
            pitch = colour.up[pitch] if pitch < register.centre else colour.down[pitch]
        path[k] = at = pitch
    return path
