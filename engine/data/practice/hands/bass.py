"""Left hands that carry the bass: walking, stride, two-feel, broken tenths, bossa and pop basses."""

from __future__ import annotations

from functools import cache

from engine.chords import Chord
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.voicings import voicing

__all__ = ["arpeggios", "bass_of", "bossa", "near_pitch", "pop", "stride", "walk"]

WALK_LOW, WALK_HIGH = 31, 51
STRIDE_LOW, STRIDE_HIGH = 33, 47


def bass_of(chord: Chord) -> int:
    """The pitch class that a chord stands on."""
    return chord.root if chord.bass is None else chord.bass


@cache
def near_pitch(pitch_class: int, to: int, low: int, high: int) -> int:
    """The pitch of that class in low..high which lies nearest to another."""
    return min((p for p in range(low, high + 1) if p % 12 == pitch_class), key=lambda p: (abs(p - to), p))


def walk(dice: Dice, harmony: Harmony, part: Part, two_feel: bool = False) -> None:
    """Quarters (or halves): the bass on the change, chord and scale tones between, a leading note into the next."""
    at = dice.pick((36, 38, 41))
    rising = dice.chance(0.5)
    step = 2.0 if two_feel else 1.0
    for index, (start, end, _) in enumerate(harmony.spans):
        chord, colour = harmony.chords[index], harmony.palettes[index]
        coming = bass_of(harmony.chords[min(index + 1, len(harmony.chords) - 1)])
        again = index > 0 and harmony.chords[index - 1] == chord
        ends = end == harmony.chart.beats
        if again and not ends and dice.chance(0.5):  # a second bar of a chord may begin on its fifth or third
            at = colour.near[near_pitch((chord.root + 7) % 12, at, WALK_LOW, WALK_HIGH)]
        else:
            at = near_pitch(bass_of(chord), at, WALK_LOW, WALK_HIGH)
        if ends:
            part.add(start, end - start, at, 2.0)
            return
        beat = start
        while beat < end - 1e-6:
            left = end - beat
            length = min(step, left)
            if beat > start:
                if at > WALK_HIGH - 5:
                    rising = False
                elif at < WALK_LOW + 4:
                    rising = True
                if left <= step + 1e-6:
                    target = near_pitch(coming, at, WALK_LOW, WALK_HIGH)
                    before = at
                    at = target + dice.weigh(((4, -1), (4, 1), (1.5, -5), (1.5, 7)))
                    if at == before or not WALK_LOW <= at <= WALK_HIGH:
                        at = target + (1 if before > target else -1)
                    if at == before:
                        at = colour.tone_up[at] if at < 41 else colour.tone_down[at]
                else:
                    table = dice.weigh(
                        ((5, colour.up if rising else colour.down), (4, colour.tone_up if rising else colour.tone_down))
                    )
                    at = table[at]
                    if at % 12 not in colour.held and dice.chance(0.7):
                        at = table[at]
                    if dice.chance(0.12):
                        rising = not rising
            at = min(WALK_HIGH, max(WALK_LOW - 2, at))
            part.add(beat, length * 0.94, at, 2.0 * dice.bell() + (2.0 if beat % 2 == 1 else 0.0))
            if length == 1.0 and left > 1 and dice.chance(0.06):  # a skip
                part.length[-1] = 0.6
                part.add(beat + 0.5, 0.4, at, -10.0)
            beat += length
        if dice.chance(0.35):
            rising = not rising


def stride(dice: Dice, harmony: Harmony, part: Part) -> None:
    """Bass on the strong beats, a close chord on the weak ones; a tenth or a walk now and then."""
    meter, last = harmony.chart.beats_per_bar, harmony.chart.bars - 1
    previous: tuple[int, ...] = ()
    at = 40
    kind = dice.pick(("close", "three"))
    octaves = dice.chance(0.4)
    for bar in range(harmony.chart.bars):
        start = float(bar * meter)
        struck = -1
        if bar == last:
            chord, colour = harmony.chords[-1], harmony.palettes[-1]
            part.chord(start, float(meter), voicing("open", chord, colour, ()), 2.0, 12.0)
            return
        for beat in range(meter):
            now = start + beat
            index = harmony.index(now)
            chord, colour = harmony.chords[index], harmony.palettes[index]
            low_beat = beat == 0 if meter == 3 else beat % 2 == 0
            if low_beat or (index != struck and harmony.spans[index].end_beat - harmony.spans[index].start_beat == 1):
                fresh = index != struck
                tone = bass_of(chord) if fresh else (chord.root + 7) % 12
                if tone not in colour.tones and not fresh:
                    tone = chord.root
                at = near_pitch(tone, at if fresh else at - 3, STRIDE_LOW, STRIDE_HIGH)
                struck = index
                if fresh and dice.chance(0.15):
                    tenth = voicing("open", chord, colour, (at, at + 16))
                    part.chord(now, 0.9, tenth[:1] + tenth[-1:], 3.0, 10.0)
                elif octaves and at - 12 >= 28:
                    part.chord(now, 0.85, (at - 12, at), 1.0, 2.0)
                else:
                    part.add(now, 0.85, at, 3.0)
            else:
                pitches = voicing(kind, chord, colour, previous)
                previous = pitches
                part.chord(now, dice.pick((0.5, 0.6, 0.8)), pitches, -4.0 + dice.bell(), 2.0)


_BROKEN = {4: ((0, 1, 2, 3, 2, 1, 2, 1), (0, 1, 2, 3), (0, 1, 2, 1)), 3: ((0, 1, 2, 3, 2, 1), (0, 1, 2))}


def arpeggios(dice: Dice, harmony: Harmony, part: Part, flowing: bool = False, doubled: bool = False) -> None:
    """Open chords in eighths or quarters (flowing: eighths), each tone held to its chord's end, as by pedal.

    doubled: twice as fast.
    """
    meter = harmony.chart.beats_per_bar
    previous: tuple[int, ...] = ()
    patterns = _BROKEN[meter][:1] if flowing else _BROKEN[meter]
    pattern = dice.pick(patterns)
    for index, (start, end, _) in enumerate(harmony.spans):
        chord, colour = harmony.chords[index], harmony.palettes[index]
        shape = voicing("open", chord, colour, previous)
        previous = shape
        if dice.chance(0.15):
            pattern = dice.pick(patterns)
        step = (0.5 if len(pattern) > meter else 1.0) / (1 + doubled)
        if end == harmony.chart.beats or dice.chance(0.1):
            part.chord(start, end - start, shape, 0.0, dice.between(12, 30))
            continue
        notes = [*shape, colour.tone_up[shape[-1]]] if shape[-1] < 59 else [*shape, shape[-2]]
        for k in range(round((end - start) / step)):
            beat = start + k * step
            tone = pattern[k % len(pattern)] % len(notes)
            part.add(beat, max(step, end - beat - 0.05), notes[tone], -2.0 * (k % 2) + (3.0 if k == 0 else 0.0))


def bossa(dice: Dice, harmony: Harmony, part: Part) -> None:
    """Root and fifth, dotted: one, the and of two, three, the and of four; with a shell above in some pieces."""
    meter = harmony.chart.beats_per_bar
    pattern = dice.pick(((0.0, 1.5, 2.0, 3.5), (0.0, 2.0), (0.0, 1.5, 2.0), (0.0, 1.5)))
    at = 40
    for index, (start, end, _) in enumerate(harmony.spans):
        chord, colour = harmony.chords[index], harmony.palettes[index]
        if end == harmony.chart.beats:
            part.chord(start, end - start, voicing("open", chord, colour, ()), 0.0, 8.0)
            return
        bar = start - start % meter
        beats = [bar + beat for beat in pattern if start <= bar + beat < end]
        if not beats or beats[0] > start:
            beats = [start, *beats]
        at = near_pitch(bass_of(chord), at, STRIDE_LOW, STRIDE_HIGH + 2)
        fifth = near_pitch(colour.near[at + 7] % 12, at + 2, STRIDE_LOW, STRIDE_HIGH + 4)
        for k, beat in enumerate(beats):
            until = beats[k + 1] if k + 1 < len(beats) else end
            low = at if beat == start or (beat % 2 == 0.5 and dice.chance(0.3)) else fifth
            part.add(beat, (until - beat) * 0.93, low, 3.0 if beat == start else -3.0 + dice.bell())


_POP = {
    4: ((0.0,), (0.0, 2.0), (0.0, 1.5, 2.0, 3.5), (0.0, 1.0, 2.0, 3.0), (0.0, 1.5), tuple(k / 2 for k in range(8))),
    3: ((0.0,), (0.0, 2.0), (0.0, 1.0, 2.0)),
}  # fmt: skip


def pop(dice: Dice, harmony: Harmony, part: Part) -> None:
    """Roots in octaves, alone or with the fifth between, on one rhythm a section."""
    meter = harmony.chart.beats_per_bar
    pattern = dice.pick(_POP[meter])
    shape = dice.pick(("octave", "octave", "single", "fifth"))
    at = 43
    for index, (start, end, _) in enumerate(harmony.spans):
        if start % (8 * meter) == 0:
            pattern = dice.pick(_POP[meter])
        chord, colour = harmony.chords[index], harmony.palettes[index]
        at = near_pitch(bass_of(chord), at, 40, 51)
        bar = start - start % meter
        beats = [bar + beat for beat in pattern if start <= bar + beat < end]
        if not beats or beats[0] > start or end == harmony.chart.beats:
            beats = [start] if end == harmony.chart.beats else [start, *beats]
        fifth = colour.near[at + 7]
        pitches = {"octave": (at - 12, at), "single": (at,), "fifth": (at, fifth)}[shape]
        if shape == "fifth" and fifth - at < 5:
            pitches = (at,)
        for k, beat in enumerate(beats):
            until = beats[k + 1] if k + 1 < len(beats) else end
            part.chord(beat, (until - beat) * 0.95, pitches, 2.0 if k == 0 else -3.0 + dice.bell(), 1.5)
