"""Chords in time: which rhythm a hand comps in, what it holds, and when a chord comes early."""

from __future__ import annotations

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.voicings import voicing

__all__ = ["ANTICIPATION", "RHYTHMS", "comp", "echoed", "hits", "two_hands"]

ANTICIPATION = 0.5  # beats by which a chord may be struck before it is due
MAX_HELD = 4.0  # beats; a chord held longer is struck again

# Beats of one bar's hits. A hit on the last offbeat before a change takes the chord to come.
RHYTHMS: dict[tuple[str, int], tuple[tuple[float, ...], ...]] = {
    ("swing", 4): (
        (0, 1.5), (0, 1.5), (0.5, 2.5), (1.5, 3.5), (0, 2.5), (1, 2.5), (1.5,), (0, 3.5), (0.5, 2), (1, 3), (0, 1.5, 3),
        (1.5, 2.5), (0.5, 1.5, 3.5), (2.5,), (),
    ),
    ("swing", 3): ((0, 1.5), (0,), (1, 2), (0, 2.5), (1.5,), (0.5, 2), (1,), (0, 2), (0, 1.5, 2.5)),
    ("swing", 5): ((0, 1.5, 3), (0, 3), (1.5, 3.5), (0, 1.5, 3, 4.5), (0.5, 3), (0, 2.5, 4)),
    ("held", 4): ((0,), (0,), (0, 2), (0, 3), (0, 1.5)),
    ("held", 3): ((0,), (0,), (0, 2), (0, 1)),
    ("bossa", 4): ((0, 1.5, 3), (0, 1.5, 3.5), (0.5, 2, 3.5), (0, 1, 2.5), (0.5, 1.5, 3), (1, 2.5), (0, 1.5, 2.5)),
    ("bossa", 3): ((0, 1.5), (0, 1, 2), (0, 1.5, 2.5)),
    ("pop", 4): (
        (0, 1, 2, 3), (0, 1.5, 3), (0, 1.5, 2.5, 3.5), (0, 2), (0, 1.5, 2), (0, 1, 2.5, 3), (0, 2.5), (0, 1.5, 3, 3.5),
    ),
    ("pop", 3): ((0, 1, 2), (0, 2), (0,), (0, 1.5, 2)),
    ("soul", 4): ((0, 1.5, 2.5), (0, 0.75, 2.5), (0, 2.5), (0.5, 2, 3.5), (0, 1.75, 2.5), (0, 2.75), (0, 1.5, 3.5)),
    ("soul", 3): ((0, 1.5), (0, 2), (0, 1.5, 2.5)),
}  # fmt: skip


def hits(
    dice: Dice, harmony: Harmony, feel: str, busy: float, first_bar: int = 0, last_bar: int | None = None
) -> list[tuple[float, int]]:
    """(beat, span) of every hit, in order: two or three rhythms a piece, no chord of two beats passed over.

    busy 0..1: below a half, bars lose hits. The last bar of the chart is one hit, held.
    """
    chart = harmony.chart
    meter, final = chart.beats_per_bar, chart.bars - 1
    last_bar = chart.bars if last_bar is None else last_bar
    rhythms = RHYTHMS[feel, meter]
    mine = [dice.pick(rhythms) for _ in range(3)]
    struck: list[tuple[float, int]] = []
    for bar in range(first_bar, last_bar):
        at = bar * meter
        rhythm = (0.0,) if bar == final else dice.pick(mine) if dice.chance(0.8) else dice.pick(rhythms)
        for beat in rhythm:
            if len(rhythm) > 1 and dice.random() > 0.55 + busy:
                continue
            struck.append((at + beat, harmony.index(at + beat + (ANTICIPATION if beat % 1 >= 0.5 else 0.0))))
    heard = {span for _, span in struck}
    for index in range(harmony.index(first_bar * meter), harmony.index(last_bar * meter - 0.5) + 1):
        start, end, _ = harmony.spans[index]
        if index not in heard and (end - start >= 2 or dice.chance(0.7)):
            early = ANTICIPATION if feel == "swing" and start > first_bar * meter and dice.chance(0.3) else 0.0
            struck.append((start - early, index))
    # A chord that came early is not struck again on its beat.
    struck.sort()
    kept: list[tuple[float, int]] = []
    for beat, index in struck:
        if not kept or beat - kept[-1][0] > (ANTICIPATION if index == kept[-1][1] and beat % 1 == 0 else 0.2):
            kept.append((beat, index))
    return kept


def echoed(dice: Dice, harmony: Harmony, struck: list[tuple[float, int]], share: float) -> list[tuple[float, int]]:
    """The hits, and in that share of the gaps of a beat and a half or more the chord again, on an offbeat or a beat."""
    if not share:
        return struck
    hit: list[tuple[float, int]] = []
    for at, (beat, index) in enumerate(struck):
        hit.append((beat, index))
        until = harmony.spans[index].end_beat
        if at + 1 < len(struck):
            until = min(until, struck[at + 1][0])
        if until - beat >= 1.5 and until < harmony.chart.beats and dice.chance(share):
            hit.append((beat + dice.pick((0.5, 1.0, 1.0) if until - beat < 2.0 else (1.0, 1.0, 1.5)), index))
    return hit


def comp(
    dice: Dice, harmony: Harmony, part: Part, kind: str, feel: str, busy: float, touch: str = "mixed",
    echo: float = 0.0,
) -> None:  # fmt: skip
    """Voicings on a rhythm. touch: held to the next hit, short, or mixed; echo: share of long gaps struck into."""
    struck = echoed(dice, harmony, hits(dice, harmony, feel, busy), echo)
    previous: tuple[int, ...] = ()
    for at, (beat, index) in enumerate(struck):
        # A chord that goes on is not always struck alike: fourths walk along the scale, others change their inversion.
        again = at > 0 and harmony.chords[index] == harmony.chords[struck[at - 1][1]]
        if again and dice.chance(0.5 if kind == "fourths" else 0.2):
            away = dice.pick((-2, -3, 2, 3) if kind == "fourths" else (-6, 6))
            previous = tuple(pitch + away for pitch in previous)
        pitches = voicing(kind, harmony.chords[index], harmony.palettes[index], previous)
        part.chord(beat, _length(dice, harmony, struck, at, touch), pitches, 2.8 * dice.bell(), dice.between(1, 6))
        previous = pitches


def two_hands(dice: Dice, harmony: Harmony, left: Part, right: Part, feel: str, busy: float, touch: str) -> None:
    """Comping as under a soloist: a shell below, the colours above, one rhythm."""
    struck = hits(dice, harmony, feel, busy)
    low: tuple[int, ...] = ()
    high: tuple[int, ...] = ()
    kind = dice.pick(("upper", "upper", "triad"))
    below = dice.weigh(((5, "shell"), (1, "open")))
    for at, (beat, index) in enumerate(struck):
        chord, colour = harmony.chords[index], harmony.palettes[index]
        low, high = voicing(below, chord, colour, low), voicing(kind, chord, colour, high)
        length, accent, roll = _length(dice, harmony, struck, at, touch), 3.0 * dice.bell(), dice.between(1, 5)
        left.chord(beat, length, low, accent - 4, roll)
        right.chord(beat, length, high, accent, roll)
        if length >= 1.5 and dice.chance(0.25 * busy):  # a word of its own in the top voice
            step = colour.rich[high[-1] + dice.pick((2, 3, -2))]
            if step > high[-2] and step != high[-1]:
                right.length[-1] = length - 0.55
                right.add(beat + length - 0.5, 0.45, step, accent)


def _length(dice: Dice, harmony: Harmony, struck: list[tuple[float, int]], at: int, touch: str) -> float:
    """Beats a hit sounds: never past its chord, nor into the next hit."""
    beat, index = struck[at]
    until = harmony.spans[index].end_beat
    if at + 1 < len(struck):
        until = min(until, struck[at + 1][0])
    room = min(until - beat, MAX_HELD)
    if touch == "short" or (touch == "mixed" and dice.chance(0.45)):
        return min(room, dice.pick((0.35, 0.45, 0.6)))
    return room - 0.06 if room > 0.3 else room
