"""Heads: a melody for each letter of the form, that comes back as a player brings it back, varied but to be known."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.lines import target_phrase
from engine.data.practice.hands.motifs import make_motif, motif_phrase
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.register import Line
from engine.data.practice.hands.rhythm import phrase_rhythm
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.solo import Manner, Soloist, write_line
from engine.data.practice.plan import Section

__all__ = ["Heads"]

VARIED, NEW_ENDING = 0.3, 0.45  # bars of a return that are ornamented; returns whose last bars are new
FILLS, NEW_FILLS, FILLED_AGAIN = 0.35, 0.1, 0.8  # of a head's rests that a nimble hand fills; when it returns
FLORID = 0.65  # share of heads that are lines in eighths, of those that a nimble hand plays


class Heads:
    """Plays the sections of heads; each letter's melody is written when it first comes."""

    def __init__(self, dice: Dice, harmony: Harmony, soloist: Soloist, manner: Manner) -> None:
        self._dice, self._harmony, self._soloist = dice, harmony, soloist
        self._manner = manner
        self._meter = harmony.chart.beats_per_bar
        self._motif = make_motif(dice, self._meter, 1)
        self._florid = manner.nimble and dice.chance(FLORID)
        self._quick = int(self._florid) + (manner.lively > 3)  # levels by which its lines are livelier
        self._fills: dict[str, dict[float, Line]] = {}  # letter -> runs in its rests, by their first beat in it
        self._melodies: dict[str, list[Line]] = {}  # letter -> phrases, from the section's first beat on

    def play(self, part: Part, section: Section) -> None:
        """The letter's melody over the section's bars."""
        start = float(section.first * self._meter)
        if section.letter not in self._melodies:
            phrases = self._written(section)
            self._melodies[section.letter] = [_moved(phrase, -start) for phrase in phrases]
        else:
            phrases = [_moved(phrase, start) for phrase in self._melodies[section.letter]]
            phrases = [self._varied(phrase) for phrase in phrases]
            if self._dice.chance(NEW_ENDING):
                phrases[-1] = self._phrase(float((section.stop - 2) * self._meter), 2)
        thick = self._dice.chance(0.9 if self._manner.nimble else 0.35 if section.chorus else 0.0)
        manner = replace(self._manner, thick=0.6) if thick else self._manner
        for phrase in phrases:
            write_line(
                self._dice,
                self._harmony,
                part,
                phrase,
                manner,
                thick and self._dice.chance(0.9 if self._manner.nimble else 0.8),
            )
        if self._manner.nimble:
            self._fill(part, phrases, section)

    def _fill(self, part: Part, phrases: list[Line], section: Section) -> None:
        """Adds runs between phrases, in some of the rests that are long enough; what rings into them is cut.

        Most come again with the melody.
        """
        dice, manner = self._dice, self._manner
        zero, stop = float(section.first * self._meter), float(section.stop * self._meter)
        returns = section.letter in self._fills
        fills = self._fills.setdefault(section.letter, {})
        ends = [phrase[-1][0] for phrase in phrases if phrase]
        starts = [*(phrase[0][0] for phrase in phrases if phrase), stop][1:]
        for end, start in zip(ends, starts, strict=True):
            first = float(math.ceil(end + 1.0))
            again = fills.get(first - zero)
            if start - first < 1.0 or not dice.chance(FILLED_AGAIN if again else NEW_FILLS if returns else FILLS):
                continue
            part.cut(end, first)
            if again:
                line = _moved(again, zero)
            else:
                rhythm = phrase_rhythm(dice, first, min(start, first + 4.0), self._meter, manner.lively, manner.lively)
                line = target_phrase(dice, self._harmony, rhythm, self._soloist.register, dice.pick((-6, 6, 9)))
                if not returns:
                    fills[first - zero] = _moved(line, -zero)
            before = [(onset, min(length, start - onset), pitch) for onset, length, pitch in line if onset < start]
            write_line(dice, self._harmony, part, before, manner, dice.chance(manner.thick / 2))

    def _written(self, section: Section) -> list[Line]:
        """Two bars at a time: an idea, the same again or its answer, and a close."""
        phrases: list[Line] = []
        rhythm_of: Line = []
        for bar in range(section.first, section.stop, 2):
            bars = min(2, section.stop - bar)
            start = float(bar * self._meter)
            if rhythm_of and bar % 4 == section.first % 4 + 2 and self._dice.chance(0.45):
                shift = start - (rhythm_of[0][0] - rhythm_of[0][0] % self._meter)
                again = [(onset + shift, length) for onset, length, _ in rhythm_of]
                phrases.append(target_phrase(self._dice, self._harmony, again, self._soloist.register, 4))
            else:
                phrases.append(self._phrase(start, bars))
            rhythm_of = phrases[-1]
        return [phrase for phrase in phrases if phrase]

    def _phrase(self, start: float, bars: int) -> Line:
        dice, register = self._dice, self._soloist.register
        register.centre = 0.5 * register.centre + 0.5 * (
            register.low + (self._manner.lift + 0.05) * (register.high - register.low)
        )
        if dice.chance(0.2 if self._florid else 0.4):
            return motif_phrase(dice, self._harmony, self._motif, start, bars, register)
        end = start + bars * self._meter - dice.pick((0.5, 1.0, 1.5))
        level = (1 if dice.chance(0.25 + 0.5 * self._manner.busy) else 0) + self._quick
        rhythm = phrase_rhythm(dice, start + dice.pick((0.0, 0.0, 0.5, 1.0)), end, self._meter, level, 1 + self._quick)
        return target_phrase(dice, self._harmony, rhythm, register, dice.pick((-4, 4, 6)))

    def _varied(self, phrase: Line) -> Line:
        """The phrase again: a note early, a neighbour before one, or one left out, now and then."""
        dice = self._dice
        out: Line = []
        for k, (onset, length, pitch) in enumerate(phrase):
            if k and dice.chance(VARIED / 3):
                free = out[-1][0] + out[-1][1] if out else 0.0
                if onset % 1 == 0 and onset - 0.5 > out[-1][0] + 0.2:
                    before, held, old = out[-1]
                    out[-1] = (before, min(held, onset - 0.5 - before), old)
                    onset, length = onset - 0.5, length + 0.5  # anticipated
                elif onset - 0.5 >= free - 1e-6 and onset % 1 == 0:
                    out.append((onset - 0.25, 0.25, self._harmony.at(onset).up[pitch]))
            out.append((onset, length, pitch))
        return out


def _moved(phrase: Line, by: float) -> Line:
    return [(onset + by, length, pitch) for onset, length, pitch in phrase]
