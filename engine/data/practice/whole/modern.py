"""Left hands of later pianists: bass and chord in turn, boogie, walking tenths; words in the right hand's rests."""

from __future__ import annotations

from engine.data.practice.hands.bass import bass_of, near_pitch
from engine.data.practice.hands.comping import echoed, hits
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.lines import target_phrase
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.register import Register
from engine.data.practice.hands.rhythm import phrase_rhythm
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.voicings import voicing

__all__ = ["answer", "boogie", "full", "reach_up", "tenths"]

LOW, HIGH = 33, 45


def full(
    dice: Dice,
    harmony: Harmony,
    part: Part,
    feel: str,
    busy: float,
    broken: float = 0.0,
    step: float = 0.5,
    octaves: float = 0.0,
    echo: float = 0.0,
) -> None:
    """The bass on every change, alone or as a fifth; chords of three or four notes on a rhythm above it, by pedal.

    Shares: broken: changes whose chord is broken upward in notes of `step` beats instead, as in slow pieces; octaves:
    basses that are octaves; echo: long gaps that are struck into.
    """
    struck = set(echoed(dice, harmony, hits(dice, harmony, feel, busy), echo))
    kind = dice.pick(("rootless", "three"))
    previous: tuple[int, ...] = ()
    at = 38
    for index, (start, end, _) in enumerate(harmony.spans):
        chord, colour = harmony.chords[index], harmony.palettes[index]
        if end == harmony.chart.beats:
            part.chord(start, end - start, voicing("open", chord, colour, ()), 2.0, 10.0)
            return
        at = near_pitch(bass_of(chord), at, LOW, HIGH)
        part.add(start, end - start - 0.06, at, 1.0 + dice.bell())
        if octaves and dice.chance(octaves):
            part.add(start, end - start - 0.06, at - 12 if at >= 40 else at + 12, -2.0 + dice.bell())
        fifth = colour.near[at + 7]
        breaks = end - start >= 2 and dice.chance(broken)
        low = not breaks and end - start >= 3 and dice.chance(0.5) and fifth <= HIGH + 4 and fifth != at
        if low:
            part.add(start + 2, end - start - 2.06, fifth, -3.0 + dice.bell())
        if breaks:
            previous = voicing(kind, chord, colour, previous)
            rising = [*previous, *previous[-2::-1]]
            for k in range(round((end - start) / step) - 1):
                beat, accent = start + (k + 1) * step, -4.0 + 2.0 * dice.bell()
                part.add(beat, max(0.45, end - beat - 0.06), rising[k % len(rising)], accent)
            continue
        beats = sorted(beat for beat, of in struck if of == index and start + 0.4 < beat < end)
        beats = [beat for beat in beats if not (low and beat == start + 2)]
        if end - start >= 2 and not beats:
            beats = [start + dice.pick((0.5, 1.0, 1.5))]
        for k, beat in enumerate(beats):
            previous = voicing(kind, chord, colour, previous)
            until = beats[k + 1] if k + 1 < len(beats) else end
            part.chord(beat, max(0.3, until - beat - 0.06), previous, -3.0 + 2.5 * dice.bell(), dice.between(1, 6))


_BOOGIE = ((0, 12, 4, 12, 7, 12, 9, 12), (0, 4, 7, 9, 10, 9, 7, 4), (0, 0, 7, 7, 9, 9, 7, 7), (0, 7, 9, 7, 10, 7, 9, 7))


def boogie(dice: Dice, harmony: Harmony, part: Part) -> None:
    """Eight to the bar on one figure, its third and seventh as the chord has them."""
    figure = dice.pick(_BOOGIE)
    at = 38
    for index, (start, end, _) in enumerate(harmony.spans):
        chord, colour = harmony.chords[index], harmony.palettes[index]
        if end == harmony.chart.beats:
            part.chord(start, end - start, voicing("open", chord, colour, ()), 3.0, 6.0)
            return
        at = near_pitch(chord.root, at, LOW, HIGH)
        for k in range(round(2 * (end - start))):
            step = figure[k % len(figure)]
            pitch = at + step
            if step not in (0, 12):
                pitch = colour.near[pitch] if step != 9 or pitch % 12 not in colour.scale else pitch
            part.add(start + k / 2, 0.42, pitch, (3.0 if k % 2 == 0 else -2.0) + dice.bell())


def tenths(dice: Dice, harmony: Harmony, part: Part, whole: float = 0.0) -> None:
    """A tenth, rolled or broken, on every other beat; an inner voice moves between.

    whole: share of the rolled ones that hold the note between, too.
    """
    previous: tuple[int, ...] = ()
    for index, (start, end, _) in enumerate(harmony.spans):
        chord, colour = harmony.chords[index], harmony.palettes[index]
        shape = voicing("open", chord, colour, previous)
        previous = shape
        if end == harmony.chart.beats:
            part.chord(start, end - start, shape, 2.0, 18.0)
            return
        beat = start
        while beat < end - 1e-6:
            length = min(2.0, end - beat)
            if dice.chance(0.5):
                tones = shape if whole and dice.chance(whole) else (shape[0], shape[-1])
                part.chord(beat, length - 0.06, tones, 1.0, dice.between(8, 22))
            else:
                part.add(beat, length - 0.06, shape[0], 2.0)
                part.add(beat + 0.5, length - 0.56, shape[-1], -2.0)
            if length >= 2.0:
                inner = shape[1] if len(shape) > 2 else colour.tone_down[shape[-1]]
                if shape[0] + 4 < inner < shape[-1]:
                    part.add(beat + 1.0, 0.94, inner, -5.0 + dice.bell())
            beat += length


_AFTER = {4: ((1.0, 3.0), (1.0, 2.5), (0.5, 1.5, 3.0), (1.5, 3.0), (1.0, 1.5, 3.0)), 3: ((1.0, 2.0), (1.0,), (1.5,))}


def reach_up(dice: Dice, harmony: Harmony, part: Part, high: int) -> None:
    """Strikes two or three chord tones up to `high` between a hand's basses, which ring on by pedal."""
    meter = harmony.chart.beats_per_bar
    mine = [dice.pick(_AFTER[min(4, meter)]) for _ in range(2)]
    struck = set(part.onset)
    previous: tuple[int, ...] = ()
    for k, onset in enumerate(part.onset):
        end = harmony.spans[harmony.index(onset + 0.25)].end_beat
        if part.pitch[k] <= HIGH and part.length[k] < 4.0:
            part.length[k] = max(part.length[k], min(end - 0.06, onset + 4.0) - onset)
    for bar in range(harmony.chart.bars - 1):
        for after in dice.pick(mine):
            beat = float(bar * meter + after)
            index = harmony.index(beat)
            end = harmony.spans[index].end_beat
            if beat in struck or end - beat < 0.5 or harmony.spans[index].start_beat == beat:
                continue
            previous = voicing("three", harmony.chords[index], harmony.palettes[index], previous)
            pitches = [pitch for pitch in previous if 48 <= pitch <= high]
            part.chord(beat, dice.pick((0.5, 0.9, min(1.9, end - beat - 0.06))), pitches, -6.0 + 2.0 * dice.bell(), 2.0)


def answer(dice: Dice, harmony: Harmony, part: Part, start: float, end: float, high: int) -> None:
    """A word of the left hand's own from beat to beat, below `high`; its chords wait meanwhile."""
    keep = [k for k in range(len(part.onset)) if not start - 0.05 <= part.onset[k] < end]
    for k in keep:
        if part.onset[k] < start < part.onset[k] + part.length[k]:
            part.length[k] = max(0.2, start - 0.05 - part.onset[k])
    part.keep(keep)
    register = Register(45, high, 54.0, dice.pick((50, 52, 55)))
    rhythm = phrase_rhythm(dice, start, end, harmony.chart.beats_per_bar, dice.pick((1, 1, 2)), 2)
    line = target_phrase(dice, harmony, rhythm, register, dice.pick((-5, 5)))
    for k, (onset, length, pitch) in enumerate(line):
        until = min(end, line[k + 1][0] if k + 1 < len(line) else end)
        part.add(onset, max(0.1, min(length, until - onset) * 0.95), pitch, 5.0 + 2.0 * dice.bell())
