"""The numbers that the token loops need of the model and the engine, each of which has one owner in the engine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["Steering", "StreamRules", "Theme"]


@dataclass(frozen=True)
class Steering:
    """How far the draw leans towards a quantity that is asked, in nats (see engine/inference/draw/steering)."""

    window_steps: int = 0  # that are listened to; 0: nothing is steered
    bass_below: int = 0  # pitches that are bass
    most: float = 0.0  # of one move
    strike: float = 0.0  # of strikes, by the density that is missing
    wait: float = 0.0  # of shorter waits, by the same
    hold: float = 0.0  # of later ends, by the thickness that is missing
    chord: float = 0.0  # of further strikes at one moment, by the same
    bass: float = 0.0
    register: float = 0.0
    loudness: float = 0.0
    offsets: Sequence[float] = (0.0,) * 5  # by target, added to both sides: none is not infinitely far from some
    first_notes: float = 0.0  # counted as heard before the first strike, as asked: one note is no register yet
    octave: float = 12.0  # semitones that count as one unit of distance in the register
    louder: float = 12.0  # steps of velocity that count as one unit of distance in loudness
    temperature: float = 0.8  # of the sampler, at which moves of pitch are as said


@dataclass(frozen=True)
class Theme:
    """How far the draw is pulled to what comes back, in nats at strength 1 (see engine/inference/draw/theme)."""

    reach: int = 0  # strikes and ends that are remembered; 0: none
    near_beats: float = 0.0  # a time through that struck nothing so near was not there
    early_steps: int = 0  # so much before its moment a strike is due
    late_steps: int = 0  # and so much after it is still due, or was played
    strike: float = 0.0  # of a strike that is due
    other: float = 0.0  # against other strikes
    end: float = 0.0  # of an end that is due
    wait: float = 0.0  # of the wait that leads to what comes next
    miss: float = 0.0  # against waits that lead past what is due or comes next
    temperature: float = 0.8  # of the sampler, at which moves of pitch are as said


@dataclass(frozen=True)
class StreamRules:
    """Plain numbers, the same for a whole stream. ValueError if they contradict each other."""

    max_note_steps: int  # a longer note was forgotten, and is ended
    restrike_steps: int  # a key repeats no faster
    beat_bins: int  # of the model, without the bin for "no beat"
    bar_bins: int
    no_chord: int  # the id of no chord at all
    chord_clip: int  # relative chord indices beyond share an embedding
    chords_back: int  # chords before the present one that the model sees
    chords_ahead: int
    leaning: Sequence[float] = ()  # of waits, by the bin of the beat they end in; empty: none
    release: float = 0.0  # of notes foreign to a new chord, times the chord strength
    chord_tones: Sequence[int] = ()  # pitch classes as bits, by chord id less no_chord
    controls: int = 0  # of the decoder
    phrase_control: int = -1  # which of them is the bar of the phrase; -1: none
    phrase_bars: int = 1
    phrase_grace_s: float = 0.0  # a bar counts from that much before its line
    ending_control: int = -1  # which is the time that is left; -1: none
    ending_edges_s: Sequence[float] = ()  # where its levels change
    steering: Steering = field(default_factory=Steering)
    theme: Theme = field(default_factory=Theme)

    def __post_init__(self) -> None:
        for name in ("beat_bins", "bar_bins"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"the stream's rule {name} {getattr(self, name)}: a beat and a bar have a bin at least"
                )
        for name in (
            "max_note_steps", "restrike_steps", "beat_bins", "bar_bins", "no_chord", "chord_clip", "chords_back",
            "chords_ahead", "controls",
        ):  # fmt: skip
            if not 0 <= getattr(self, name) <= 1 << 20:
                raise ValueError(f"the stream's rule {name} {getattr(self, name)} lies outside 0..{1 << 20}")
        for name in ("reach", "early_steps", "late_steps"):
            if not 0 <= getattr(self.theme, name) <= 1 << 20:
                raise ValueError(f"the theme's rule {name} {getattr(self.theme, name)} lies outside 0..{1 << 20}")
        for name in ("phrase_control", "ending_control"):
            if not -1 <= getattr(self, name) < self.controls:
                raise ValueError(f"the stream's rule {name} {getattr(self, name)}: there are {self.controls} controls")
        if not 1 <= self.phrase_bars <= 1 << 20:
            raise ValueError(f"the stream's rule phrase_bars {self.phrase_bars}: a phrase has a bar at least")
        if len(self.leaning) not in (0, self.beat_bins):
            raise ValueError(f"the stream's rule leaning has {len(self.leaning)} numbers: give one a bin of the beat")
        if not all(math.isfinite(number) for number in _numbers(self)):
            raise ValueError("the stream's rules hold a number that is none")
        if not (0 <= self.steering.window_steps <= 1 << 20 and 0 <= self.steering.bass_below <= 128):
            raise ValueError(f"{self.steering}: its window lies outside 0..{1 << 20} steps, or its bass outside 0..128")
        if len(self.steering.offsets) != 5:
            raise ValueError(f"the steering's offsets are {len(self.steering.offsets)}: give one a target, five")
        if min(self.steering.octave, self.steering.louder, self.steering.temperature, self.theme.temperature) <= 0:
            raise ValueError("the rules divide by an octave, a step of loudness or a temperature that is not above 0")


def _numbers(rules: StreamRules) -> Iterator[float]:
    """Every number of the rules, those of steering and theme too."""
    for value in (*vars(rules).values(), *vars(rules.steering).values(), *vars(rules.theme).values()):
        if isinstance(value, int | float):
            yield value
        elif not isinstance(value, Steering | Theme):
            yield from value
