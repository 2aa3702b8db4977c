"""What an asked role, groove or left hand sounds like, recalled before the first note of a solo.

The model goes on as the music goes that it has just heard, far more than by the rows that it is asked with: a stride
left hand that is asked of a silent past comes in some solos and stays away in others. So the bars that lead into the
solo are put into its memory as a practice pianist plays just that over the chart's own last bars. Nobody hears them.
"""

from __future__ import annotations

import math

from engine.chords import Chart
from engine.data.practice.piece import STYLES, arrange
from engine.inference.session import Session
from engine.judgement import Judgement
from engine.notes import NoteEvent, Notes
from engine.vocabulary import STEP_S

__all__ = ["RECALLED_BARS", "lead_in", "recall", "recollection"]

RECALLED_BARS = 4
_BEYOND_BARS = 2  # a practice pianist comes to an end, which must not be recalled


def recall(session: Session, chart: Chart, tempo_bpm: float, judgement: Judgement, seed: int) -> None:
    """Feeds a fresh session what the judgement sounds like; the chart then begins where its time stands.

    What no practice pianist plays is not recalled, and its time stays 0.
    """
    notes = recollection(chart, tempo_bpm, judgement, seed)
    if notes is None:
        return
    before, beat_s = lead_in(chart), 60.0 / tempo_bpm
    until_s = math.ceil(before.beats * beat_s / STEP_S) * STEP_S  # the chart begins on the grid
    from_s = until_s - before.beats * beat_s
    session.set_tempo(tempo_bpm, chart.beats_per_bar, from_s)
    session.set_chords([(from_s + span.start_beat * beat_s, span.chord) for span in before.spans])
    events = [NoteEvent(until_s, "off", 0, 0)]  # of a silent key, so that the last rest is remembered, too
    for note in notes:
        start_s, end_s = from_s + float(note["onset_s"]), min(from_s + float(note["offset_s"]), until_s)
        if start_s < until_s - STEP_S:
            pitch = int(note["pitch"])
            events += [NoteEvent(start_s, "on", pitch, int(note["velocity"])), NoteEvent(end_s, "off", pitch, 0)]
    # Ends before starts: a key that is struck again was let go.
    session.feed(sorted(events, key=lambda event: (round(event.time_s / STEP_S), event.kind, event.pitch)))


def recollection(chart: Chart, tempo_bpm: float, judgement: Judgement, seed: int) -> Notes | None:
    """(N,) notes over lead_in(chart), from its start, as the judgement has them; None: no practice pianist plays that.

    The same arguments give the same notes.
    """
    if judgement.groove not in STYLES or judgement.role is None or chart.beats_per_bar not in (3, 4):
        return None
    if any(span.chord is None for span in chart.spans):
        return None
    before = lead_in(chart)
    longer = before.followed_by(chart.fill(_BEYOND_BARS))
    music = arrange(f"recalled {seed}", judgement.groove, longer, tempo_bpm, judgement.role, judgement.left_hand)
    return music.notes[music.notes["onset_s"] < before.beats * 60.0 / tempo_bpm]


def lead_in(chart: Chart) -> Chart:
    """The bars before a chart: its last ones, as if it had been played before."""
    turns = -(-RECALLED_BARS // chart.bars)
    whole = chart.fill(turns * chart.bars)
    return whole.cut(whole.bars - RECALLED_BARS, whole.bars)
