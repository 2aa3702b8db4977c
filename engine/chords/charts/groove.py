"""The groove that a chart asks for by its chords, its metre and its tempo. docs/JUDGEMENT.md has the rules' reasons."""

from __future__ import annotations

from engine.chords.charts.chart import Chart
from engine.chords.chord import Chord

__all__ = ["DOMINANTS", "SLOW_BPM", "SOUL_BPM", "groove_of"]

SLOW_BPM = 84.0  # the slowest swing of the practice pieces is 100, the fastest ballad 84
SOUL_BPM = 108.0
BOSSA_BPM = (104.0, 150.0)  # from 150 on the same chords are a swing tune
BLUES_BPM = 160.0  # faster, a blues is swung like any other form
UP_BPM = 200.0
MODAL_BARS = 4.0  # a chord that lasts as long on average is a place to stay, not a step on the way

TRIADS = frozenset({"", "m", "dim", "aug", "sus4", "sus2", "5"})
RICH = frozenset({"9", "13", "maj9", "m9", "7sus4"})  # what soul is made of
DOMINANTS = frozenset({"7", "9", "13", "7b9", "7#9", "7#11", "7#5", "7sus4"})
MAJORS = frozenset({"", "6", "maj7", "maj9"})
MINORS = frozenset({"m", "m6", "m7", "mMaj7", "m9"})
RESTING = frozenset({"m7", "m9", "m6", "mMaj7", "maj7", "maj9", "7sus4"})


def groove_of(chart: Chart | None, tempo_bpm: float, beats_per_bar: int) -> str | None:
    """Returns the groove of the first rule that holds; None where no practice piece is like it.

    chart: None where nothing is known of the harmony. tempo_bpm: of the felt beat.
    """
    three = beats_per_bar in (3, 6, 9)
    if not three and beats_per_bar not in (2, 4, 8):
        return None  # no practice piece is in five or seven: better no word than a wrong one
    bars = _bars(chart) if chart is not None else []
    known = [chord for bar in bars for chord in bar if chord is not None]
    triads = _share(known, TRIADS)
    if three:
        return "waltz" if tempo_bpm >= SLOW_BPM else "pop" if triads > 0.5 else "ballad"
    if not known:
        return "ballad" if tempo_bpm < SLOW_BPM else "up" if tempo_bpm >= UP_BPM else None
    if _is_blues(bars) and tempo_bpm < BLUES_BPM:
        return "blues"
    if tempo_bpm >= SLOW_BPM and _is_modal(bars):
        return "modal"
    if triads > 0.5:
        return "pop"
    if tempo_bpm < SLOW_BPM:
        return "ballad"
    if tempo_bpm >= UP_BPM:
        return "up"
    if BOSSA_BPM[0] <= tempo_bpm <= BOSSA_BPM[1] and _is_bossa(bars):
        return "bossa"
    if tempo_bpm < SOUL_BPM and _share(known, RICH) >= 0.4:
        return "soul"
    return "swing"


def _bars(chart: Chart) -> list[list[Chord | None]]:
    """The chord of every beat, bar by bar."""
    beats: list[Chord | None] = []
    for start, end, chord in chart.spans:
        beats += [chord] * (round(end) - round(start))
    size = chart.beats_per_bar
    return [beats[at : at + size] for at in range(0, len(beats), size)]


def _share(chords: list[Chord], qualities: frozenset[str]) -> float:
    """The share of beats whose chord has one of the qualities."""
    return sum(chord.quality in qualities for chord in chords) / len(chords) if chords else 0.0


def _is_blues(bars: list[list[Chord | None]]) -> bool:
    """Twelve bars: the first chord at 1 and 7, one a fourth above it at 5, another at 9; and so again, if longer."""
    if len(bars) < 12 or any(bar[:1] != bars[at - 12][:1] for at, bar in enumerate(bars) if at >= 12):
        return False
    first, fifth, seventh, ninth = (bars[at][0] for at in (0, 4, 6, 8))
    if first is None or fifth is None or seventh is None or ninth is None:
        return False
    alike = DOMINANTS | {""} if first.quality in DOMINANTS | {""} else MINORS
    return (
        first.quality in alike
        and fifth.quality in alike
        and fifth.root == (first.root + 5) % 12
        and seventh.root == first.root
        and ninth.root != first.root
    )


def _is_modal(bars: list[list[Chord | None]]) -> bool:
    """Chords to stay on: four bars each on average, or one or two in turn, and not all of them major triads.

    Two in turn must be such as rest: one is minor with a seventh, suspended, or a major seventh.
    """
    flat = [chord for bar in bars for chord in bar]
    chords = {chord for chord in flat if chord is not None}
    changes = sum(chord != flat[at - 1] for at, chord in enumerate(flat))  # the last one goes on to the first
    if changes == 0 or len(bars) / changes >= MODAL_BARS:
        return any(chord.quality != "" for chord in chords)
    return len(chords) <= 2 and any(chord.quality in RESTING for chord in chords)


def _is_bossa(bars: list[list[Chord | None]]) -> bool:
    """A major home, a dominant a whole tone above it, and that one turned minor: the bossa's I, II7, ii.

    Each lasts a bar at least, by which it is told from a turnaround.
    """
    whole: list[Chord] = []
    for bar in bars:
        chord = bar[0]
        if chord is not None and all(beat == chord for beat in bar) and (not whole or whole[-1] != chord):
            whole.append(chord)
    return any(
        home.quality in MAJORS
        and second.quality in DOMINANTS
        and then.quality in MINORS
        and second.root == then.root == (home.root + 2) % 12
        for home, second, then in zip(whole, whole[1:], whole[2:], strict=False)
    )
