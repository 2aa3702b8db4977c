"""What a stream is told of the music to come, and what that means at a moment. Twin: native/src/stream."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

import native
from engine.arrays import F32, F64, I64
from engine.beats.phase import beat_bins
from engine.chords.charts.form import Form, Place
from engine.inference.draw.release import CHORD_TONES
from engine.inference.draw.steering import NO_TARGETS
from engine.model.controls import UNKNOWN
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORD_CLIP, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import NO_CHORD, STEP_S

__all__ = ["Beat", "Conditions"]


class Beat(NamedTuple):
    """A steady beat: a bar line lies at origin_s."""

    bpm: float
    beats_per_bar: int
    origin_s: float


@dataclass(frozen=True)
class Conditions:
    """All that was asked of a stream. It is replaced as a whole and never changed, so forks share their parent's."""

    levels: F32  # (K,) of each control
    chord_ids: I64 = field(default_factory=lambda: np.array([NO_CHORD]))  # (C,)
    chord_steps: I64 = field(default_factory=lambda: np.array([0]))  # (C,) onsets, rising from 0
    beat: Beat | None = None  # None: unknown
    leans: bool = True  # whether waits lean towards the beat
    targets: F64 = field(default_factory=lambda: NO_TARGETS)  # (M,) what the draw leans to, see steering.targets_of
    temperature: float = 0.8  # the sampler's
    chord_strength: np.float32 = field(default_factory=lambda: np.float32(1))  # 0 without chords, beyond 1 further
    form_s: float | None = None  # where bars are counted from
    form: Form = field(default_factory=Form)  # what comes back in it
    theme: float = 0.0  # how much what comes back is like it was, 0..1
    end_step: int | None = None  # where the music is to end

    def chord_at(self, step: int) -> tuple[int, int]:
        """Returns the id and the onset, in steps, of the chord in force."""
        now = self._index_at(step)
        return int(self.chord_ids[now]), int(self.chord_steps[now])

    def chords_in_view(self, step: int) -> tuple[I64, I64]:
        """Returns ids and embedding rows, (c,) each, of the chords that the model sees at a step."""
        now = self._index_at(step)
        first, last = max(0, now - CHORDS_BACK), min(len(self.chord_ids), now + CHORDS_AHEAD + 1)
        rows = np.clip(np.arange(first - now, last - now), -CHORD_CLIP, CHORD_CLIP) + CHORD_CLIP
        return self.chord_ids[first:last], rows

    def beat_bins(self, step: int) -> tuple[int, int]:
        """Returns the position in the beat and the beat of the bar, as the model's bins."""
        if self.beat is None:
            return BEAT_BINS, BAR_BINS
        bpm, beats_per_bar, origin_s = self.beat
        beat = (step * STEP_S - origin_s) * bpm / 60
        first = math.floor(beat) - 1
        index = np.arange(first, first + 4)
        beat_bin, bar_bin = beat_bins([beat], index, index % beats_per_bar)
        return int(beat_bin[0]), int(bar_bin[0])

    def remembered_place(self, step: int, rules: native.StreamRules) -> Place | None:
        """Returns where in the form a step lies; None where that is not known, or nothing is to be remembered."""
        if self.theme <= 0 or self.form_s is None or self.beat is None:
            return None
        beat = (step * STEP_S + rules.phrase_grace_s - self.form_s) * self.beat.bpm / 60
        return self.form.at(beat) if beat >= 0 else None

    def fits(self, pitch: int, step: int) -> bool:
        """Tells whether a pitch belongs to the chord in force."""
        chord_id, _ = self.chord_at(step)
        return bool(CHORD_TONES[chord_id - NO_CHORD] >> pitch % 12 & 1)

    def levels_at(self, step: int, rules: native.StreamRules) -> F32:
        """Returns (K,) what is asked of each control at a step: phrase and ending change with it."""
        levels: F32 = self.levels.copy()
        if self.form_s is not None and rules.phrase_control >= 0:
            bar = UNKNOWN
            if self.beat is not None:
                since_s = step * STEP_S + rules.phrase_grace_s - self.form_s
                bars = math.floor(since_s * self.beat.bpm / 60 / self.beat.beats_per_bar)
                bar = float(bars % rules.phrase_bars) if bars >= 0 else UNKNOWN
            levels[rules.phrase_control] = bar
        if self.end_step is not None and rules.ending_control >= 0:
            left_s = max(0, self.end_step - step) * STEP_S
            levels[rules.ending_control] = float(np.searchsorted(rules.ending_edges_s, left_s, side="right"))
        return levels

    def shifted(self, steps: int) -> Conditions:
        """Returns the same, so many steps later; the first chord holds from 0 or before on."""
        later_s = steps * STEP_S
        chord_steps = self.chord_steps + steps
        chord_steps[0] = min(chord_steps[0], 0)
        return replace(
            self, chord_steps=chord_steps,
            beat=None if self.beat is None else self.beat._replace(origin_s=self.beat.origin_s + later_s),
            form_s=None if self.form_s is None else self.form_s + later_s,
            end_step=None if self.end_step is None else self.end_step + steps,
        )  # fmt: skip

    def _index_at(self, step: int) -> int:
        # Before the first chord, as far as a stream may be shifted back, that one is in force.
        return max(0, int(np.searchsorted(self.chord_steps, step, side="right")) - 1)
