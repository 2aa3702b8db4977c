"""Twelve charts that solos are measured over: cadences, forms, grooves, far keys, a tempo from 60 to 240."""

from __future__ import annotations

from dataclasses import dataclass

from engine.chords import Chart, parse_chart

__all__ = ["CHARTS", "MeasuredChart"]


@dataclass(frozen=True)
class MeasuredChart:
    """A chart as a musician would write it, and its tempo."""

    name: str
    text: str
    tempo_bpm: float
    beats_per_bar: int = 4

    def fill(self, bars: int) -> Chart:
        """So many bars of it, round and round."""
        return parse_chart(self.text, beats_per_bar=self.beats_per_bar).fill(bars)


_RHYTHM = "Bb G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Bb Bb7 | Eb Edim7 | Bb F7 | Bb"

CHARTS = (
    MeasuredChart("blues in F", "F7 | Bb7 | F7 | F7 | Bb7 | Bb7 | F7 | D7 | Gm7 | C7 | F7 D7 | Gm7 C7", 140),
    MeasuredChart("two five one", "Dm7 | G7 | Cmaj7 | Cmaj7", 120),
    MeasuredChart("rhythm changes", f"{_RHYTHM} | {_RHYTHM} | D7 | D7 | G7 | G7 | C7 | C7 | F7 | F7 | {_RHYTHM}", 200),
    MeasuredChart("modal", " | ".join(["Dm7"] * 16 + ["Ebm7"] * 8 + ["Dm7"] * 8), 136),
    MeasuredChart("ballad", "Cm7 F7 | Bbmaj7 Ebmaj7 | Am7b5 D7 | Gm7 | Cm7 F7 | Bbmaj7 Ebmaj7 | Am7b5 D7b9 | Gm6", 60),
    MeasuredChart(
        "thirds, fast",
        "Bmaj7 D7 | Gmaj7 Bb7 | Ebmaj7 | Am7 D7 | Gmaj7 Bb7 | Ebmaj7 F#7 | Bmaj7 | Fm7 Bb7 | "
        "Ebmaj7 | Am7 D7 | Gmaj7 | C#m7 F#7 | Bmaj7 | Fm7 Bb7 | Ebmaj7 | C#m7 F#7",
        240,
    ),
    MeasuredChart("minor blues", "Cm7 | Fm7 | Cm7 | Cm7 | Fm7 | Fm7 | Cm7 | Cm7 | Ab7 | G7 | Cm7 | G7", 120),
    MeasuredChart("bossa", "Fmaj7 | Fmaj7 | G7 | G7 | Gm7 | C7 | Fmaj7 | C7", 130),
    MeasuredChart("waltz", "Fmaj7 | Dm7 | Gm7 | C7 | Am7 | D7 | Gm7 | C7", 150, 3),
    MeasuredChart("pop", "C | G | Am | F", 100),
    MeasuredChart("minor two five", "Bm7b5 | E7 | Am7 | Am7 | Dm7 | G7 | Cmaj7 | Fmaj7", 110),
    MeasuredChart("standard", "Gmaj7 | Gm7 C7 | Fmaj7 | Fm7 Bb7 | Ebmaj7 | Am7b5 D7 | Gm7 | D7", 160),
)
