"""What an asked role, groove or left hand sounds like, recalled before the first note of a solo.

The model goes on as the music goes that it has just heard, far more than by the rows that it is asked with: a stride
left hand that is asked of a silent past comes in some solos and stays away in others. So the bars that lead into the
solo are put into its memory as a practice pianist plays just that over the chart's own last bars. Nobody hears them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.chords import Chart, Chord
from engine.chords.charts.home import home_chord
from engine.data.practice.piece import STYLES, arrange
from engine.inference.session import Session
from engine.judgement import Judgement
from engine.notes import NoteEvent, Notes
from engine.vocabulary import STEP_S

__all__ = ["RECALLED_BARS", "LeadIn", "begin_at", "lead_in", "leading_in", "recall", "recollection"]

RECALLED_BARS = 4
_LEFT_HANDS = frozenset(kind for style in STYLES.values() for _, kind in style.lefts)
_BEYOND_BARS = 2  # a practice pianist comes to an end, which must not be recalled


@dataclass(frozen=True)
class LeadIn:
    """What leads up to a moment of a stream, in its seconds: bars of a practice pianist's that nobody hears.

    begin_s: the first bar line; ends_s: on the grid, the last one or shortly before. chords: (onset_s, chord). events:
    in time order, none after ends_s.
    """

    tempo_bpm: float
    beats_per_bar: int
    begin_s: float
    ends_s: float
    chords: tuple[tuple[float, Chord | None], ...]
    events: tuple[NoteEvent, ...]


def recall(session: Session, chart: Chart, tempo_bpm: float, judgement: Judgement, seed: int) -> None:
    """Feeds a fresh session what the judgement sounds like; the chart then begins where its time stands.

    What no practice pianist plays is not recalled, and its time stays 0.
    """
    found = leading_in(chart, tempo_bpm, judgement, seed)
    if found is None:
        return
    session.set_tempo(tempo_bpm, found.beats_per_bar, found.begin_s)
    session.set_chords(found.chords)
    session.feed([*found.events, begin_at(found.ends_s)])


def begin_at(time_s: float) -> NoteEvent:
    """Returns the end of a silent key: who has waited for that strikes there, as no wait is followed by another."""
    return NoteEvent(time_s, "off", 0, 0)


def leading_in(
    chart: Chart, tempo_bpm: float, judgement: Judgement, seed: int, from_s: float = 0.0, grace_s: float = 0.0
) -> LeadIn | None:
    """Returns recollection() as a stream is fed it from its second from_s on; None where nothing is recalled.

    grace_s: so long before the chart's bar line it ends.
    """
    notes = recollection(chart, tempo_bpm, judgement, seed)
    if notes is None:
        return None
    before, beat_s = lead_in(chart), 60.0 / tempo_bpm
    until_s = _grid(from_s + math.ceil(before.beats * beat_s / STEP_S) * STEP_S)  # the chart begins on the grid
    begin_s = until_s - before.beats * beat_s
    ends_s = _grid(until_s - grace_s)
    events: list[NoteEvent] = []
    for note in notes:
        start_s, end_s = begin_s + float(note["onset_s"]), min(begin_s + float(note["offset_s"]), ends_s)
        if start_s < ends_s - STEP_S:
            pitch = int(note["pitch"])
            events += [
                NoteEvent(_grid(start_s), "on", pitch, int(note["velocity"])),
                NoteEvent(_grid(end_s), "off", pitch, 0),
            ]
    # Ends before starts: a key that is struck again was let go.
    events.sort(key=lambda event: (event.time_s, event.kind, event.pitch))
    chords = tuple((begin_s + span.start_beat * beat_s, span.chord) for span in before.spans)
    return LeadIn(tempo_bpm, chart.beats_per_bar, begin_s, ends_s, chords, tuple(events))


def recollection(chart: Chart, tempo_bpm: float, judgement: Judgement, seed: int) -> Notes | None:
    """(N,) notes over lead_in(chart), from its start, as the judgement has them; None: no practice pianist plays that.

    The same arguments give the same notes.
    """
    if judgement.groove not in STYLES or judgement.role is None or chart.beats_per_bar not in (3, 4):
        return None
    if chart.metre.is_compound and not STYLES[judgement.groove].swung:  # halves of a beat, where thirds are to be
        return None
    if judgement.left_hand is not None and judgement.left_hand not in _LEFT_HANDS:
        return None
    if any(span.chord is None for span in chart.spans):
        return None
    before = lead_in(chart)
    longer = before.followed_by(chart.fill(_BEYOND_BARS))
    home = home_chord(chart)
    music = arrange(
        f"recalled {seed}", judgement.groove, longer, tempo_bpm, judgement.role, judgement.left_hand,
        None if home is None else home.root,
    )  # fmt: skip
    return music.notes[music.notes["onset_s"] < before.beats * 60.0 / tempo_bpm]


def lead_in(chart: Chart) -> Chart:
    """The bars before a chart: its last ones, as if it had been played before."""
    turns = -(-RECALLED_BARS // chart.bars)
    whole = chart.fill(turns * chart.bars)
    return whole.cut(whole.bars - RECALLED_BARS, whole.bars)


def _grid(time_s: float) -> float:
    return round(time_s / STEP_S) * STEP_S
