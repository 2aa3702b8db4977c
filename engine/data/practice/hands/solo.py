"""A right hand through a whole chart: phrases and rests, in lines, blocks, octaves or thirds."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.licks import blues_lick, long_notes
from engine.data.practice.hands.lines import target_phrase
from engine.data.practice.hands.motifs import make_motif, motif_phrase
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.register import Line, Register
from engine.data.practice.hands.rhythm import Beats, phrase_rhythm
from engine.data.practice.hands.scales import Harmony

__all__ = ["Manner", "Soloist", "play_solo", "write_line"]


@dataclass(frozen=True)
class Manner:
    """How a right hand plays.

    busy: 0..1 density; lively: the liveliest rhythm level that the tempo allows; blues, thick: shares of phrases
    that are licks, that are in blocks, octaves or thirds; rests: share of bars that breathe; swung: straight sixteenths
    stand out; low, high: pitch limits; nimble: blocks go in eighths too; drive: levels by which phrases are livelier on
    average, and above 0 they are longer; shortest: beats of the shortest notes that are thickened; lift: 0..1 where
    between low and high the hand lies; breath: how long it rests after a phrase; grace: share of held notes that have
    a grace note.
    """

    busy: float
    lively: int
    blues: float
    thick: float
    rests: float
    swung: bool
    low: int
    high: int
    nimble: bool = False
    drive: float = 0.0
    shortest: float = 0.45
    lift: float = 0.3
    breath: float = 1.2
    grace: float = 0.0


PHRASES = ((2.5, 1), (6, 2), (2, 3), (3, 4))  # their bars
LONGER_PHRASES = ((1, 1), (4, 2), (2, 3), (5, 4))
HELD, GRACE = 0.9, 0.2  # beats: notes that may have a grace note, and how far before them it is struck
MOTIFS, FEWER_MOTIFS = 0.2, 0.1  # share of phrases


def play_solo(dice: Dice, harmony: Harmony, part: Part, manner: Manner) -> None:
    """Phrases of one to four bars until the last bar, whose first beat holds the end."""
    soloist = Soloist(dice, harmony, manner)
    last = harmony.chart.bars - 1
    soloist.play(part, 0 if dice.chance(0.85) else 1, last)
    soloist.end(part)


class Soloist:
    """A right hand that goes on from where it stands: its register, its motifs and what it said last."""

    def __init__(self, dice: Dice, harmony: Harmony, manner: Manner) -> None:
        self.manner = manner  # may change between stretches
        self._dice, self._harmony = dice, harmony
        self._middle = manner.low + manner.lift * (manner.high - manner.low)
        self.register = Register(manner.low, manner.high, self._middle, round(self._middle))
        level = 1 if manner.busy < 0.7 else 2
        self._motifs = [make_motif(dice, harmony.chart.beats_per_bar, level) for _ in range(2)]
        self._answers = False  # whether the coming phrase replies to the one before with its rhythm
        self._rhythm: Beats = []
        self._length = 2  # bars

    def play(self, part: Part, bar: int, last: int, heat: float | None = None) -> None:
        """Phrases from bar `bar` until bar `last`. heat: 0..1; None: it rises toward two thirds of the piece."""
        dice, manner, meter, bars = self._dice, self.manner, self._harmony.chart.beats_per_bar, self._harmony.chart.bars
        while bar < last:
            # A reply is as long as what it replies to.
            length = self._length if self._answers else dice.weigh(LONGER_PHRASES if manner.drive else PHRASES)
            length = min(length, last - bar)
            self._length = length
            # The register rises toward two thirds of the piece and comes back.
            t = bar / bars
            rise = heat if heat is not None else t / 0.66 if t < 0.66 else (1 - t) / 0.34
            spread = manner.high - manner.low
            self.register.centre = self._middle + (rise - 0.4) * 0.2 * spread + 1.5 * dice.bell()
            busy = min(1.0, max(0.0, manner.busy + 0.2 * (rise - 0.5) + 0.1 * dice.bell()))
            line, thick = self._phrase(float(bar * meter), float((bar + length) * meter), length, busy)
            write_line(dice, self._harmony, part, line, manner, thick)
            bar += length
            if bar < last and dice.chance(manner.rests):
                bar += 1

    def _phrase(self, start: float, end: float, length: int, busy: float) -> tuple[Line, bool]:
        """A phrase, and whether it is to be thick."""
        dice, harmony, manner, register = self._dice, self._harmony, self.manner, self.register
        meter = harmony.chart.beats_per_bar
        kind = dice.random()
        level = int(busy * 2.5 + dice.random() * 0.8)
        level = min(manner.lively, level + int(manner.drive + dice.random()) if manner.drive else level)
        thick = dice.chance(manner.thick)
        if kind < manner.blues:
            return blues_lick(dice, harmony, harmony.tonic, start, min(length, 2), register), thick
        if kind < manner.blues + (FEWER_MOTIFS if manner.drive else MOTIFS):
            return motif_phrase(dice, harmony, dice.pick(self._motifs), start, length, register), thick
        if busy < 0.3 and kind < manner.blues + 0.35:
            return long_notes(dice, harmony, start, end - 0.5, register), thick
        if thick:
            most = 3 if manner.shortest < 0.45 else max(2, manner.lively - 1)
            level = min(most if manner.nimble else 1, level)
        rhythm = self._rhythm
        if self._answers and rhythm:
            shift = start - (rhythm[0][0] - rhythm[0][0] % meter)
            rhythm = [(onset + shift, held) for onset, held in rhythm if onset + shift < end - 0.4]
        else:
            begin = start + dice.weigh(((5, 0.0), (4, 0.5), (2, 1.0), (2, 1.5), (1, 2.0)))
            breath = dice.weigh(((3, 0.5), (4, 1.0), (3, 1.5), (2, 2.0)))
            rhythm = phrase_rhythm(dice, begin, end - breath * (manner.breath - busy), meter, level, manner.lively)
        self._rhythm = rhythm
        self._answers = not self._answers and dice.chance(0.3)
        return target_phrase(dice, harmony, rhythm, register, dice.pick((-7, 5, 8, 10))), thick

    def end(self, part: Part) -> None:
        """The first beat of the last bar."""
        _last_note(self._dice, self._harmony, part, self.register, self.manner)


def write_line(dice: Dice, harmony: Harmony, part: Part, line: Line, manner: Manner, thick: bool) -> None:
    """A line's notes with their dynamics: an arc over the phrase, offbeats and high notes up, some notes ghosted."""
    if not line:
        return
    ways = ("block", "block", "block", "locked", "octave") if manner.nimble else ("block", "block", "octave", "thirds")
    manner_of = dice.pick(ways) if thick else "line"
    legato = dice.weigh(((4, 0.98), (3, 0.9), (1, 0.7), (0.6, 0.5)))
    first, span = line[0][0], max(1.0, line[-1][0] - line[0][0])
    count = len(line)
    top = max(pitch for _, _, pitch in line)
    for k, (onset, length, pitch) in enumerate(line):
        t = (onset - first) / span
        accent = 10.0 * t * (1 - t) - 3.0 + 0.25 * (pitch - top) + 2.0 * dice.bell()
        offbeat = 0.3 < onset % 1 < 0.8
        if manner.swung and offbeat:
            accent += 5.0
        elif onset % 1 == 0 and not manner.swung:
            accent += 3.0
        if k == count - 1:
            accent += 3.0
        elif length <= 0.5 and k > 0 and line[k - 1][2] > pitch < line[k + 1][2] and dice.chance(0.25):
            accent -= 16.0  # a ghost note at the bottom of a turn
        until = line[k + 1][0] if k + 1 < count else onset + length
        held = min(length, until - onset)
        held = held * legato if held <= 1.0 else held - 0.1
        straight = manner.swung and _double_time(line, k)
        if manner.grace and length >= HELD and dice.chance(manner.grace):
            _grace(dice, harmony, part, line[k - 1] if k else None, line[k], accent)
        part.add(onset, held, pitch, accent, 0.0, straight)
        if manner_of != "line" and length >= manner.shortest:
            way = "thirds" if length < 0.3 and manner_of == "block" else manner_of
            for under in _below(harmony, onset, length, pitch, way, manner.low):
                part.add(onset, held, under, accent - 6.0, dice.between(0, 5), straight)


def _grace(
    dice: Dice, harmony: Harmony, part: Part, before: tuple[float, float, int] | None, held: tuple[float, float, int],
    accent: float,
) -> None:  # fmt: skip
    """A neighbour slid from into a held note, where the note before leaves room."""
    onset, _, pitch = held
    if onset < GRACE or (before is not None and before[0] > onset - 0.45):
        return
    if before is not None and before[0] + before[1] > onset - GRACE:
        part.cut(before[0], onset - GRACE + 0.03)
    neighbour = pitch - 1 if dice.chance(0.6) else harmony.at(onset).up[pitch]
    part.add(onset - GRACE, GRACE, neighbour, accent - 7.0, 0.0, True)


def _double_time(line: Line, k: int) -> bool:
    """Whether the note is one of a run of sixteenths."""
    return line[k][1] <= 0.25 or (k > 0 and line[k - 1][1] <= 0.25 and line[k][0] % 0.5 != 0)


def _below(harmony: Harmony, onset: float, length: float, pitch: int, manner_of: str, low: int) -> list[int]:
    """What sounds under a melody note: an octave, a third or sixth, or the chord, in close position or in an octave."""
    colour = harmony.at(onset + 0.5 if length > 0.5 and onset % 1 >= 0.5 else onset)
    if manner_of == "octave":
        return [pitch - 12] if pitch - 12 >= low else []
    if manner_of == "thirds":
        under = colour.down[colour.down[pitch]]
        return [under] if under >= low and pitch - under >= 3 else []
    notes: list[int] = []
    at, most = pitch - 2, 3
    if manner_of == "locked" and pitch - 12 >= low:  # two notes within the octave
        most = 2
    while len(notes) < most and at > pitch - 12 and at >= low:
        if at % 12 in colour.tones and (not notes or notes[-1] - at > 1):
            notes.append(at)
        at -= 1
    return [*notes, pitch - 12] if most == 2 else notes


def _last_note(dice: Dice, harmony: Harmony, part: Part, register: Register, manner: Manner) -> None:
    meter, bars = harmony.chart.beats_per_bar, harmony.chart.bars
    start = float((bars - 1) * meter)
    colour = harmony.palettes[-1]
    pitch = register.fold(colour.near[register.at])
    part.add(start, meter * 0.9, pitch, 2.0)
    for under in _below(harmony, start, 2.0, pitch, "block", manner.low) if dice.chance(0.5) else []:
        part.add(start, meter * 0.9, under, -4.0, dice.between(0, 10))
