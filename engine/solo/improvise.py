"""A whole solo at once: a chord chart in, notes that fill it out."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import numpy as np

import native
from engine.beats.feel import FEEL_NAMES, Feel, NoteMover
from engine.chords import Chart
from engine.chords.charts.form import form_of
from engine.chords.charts.home import last_chord_beat
from engine.inference.session import Session
from engine.judgement import RECALLED, arc, auto_values, judge
from engine.metre import Metre
from engine.model.checkpoint import Checkpoint
from engine.notes import NoteEvent, Notes, Performance, make_notes
from engine.solo.both_hands import BothHands, has_both
from engine.solo.limits import check_limits
from engine.solo.polyphony import at_most
from engine.tokens import encode_notes
from engine.vocabulary import LAYOUT, STEP_S
from osc_protocol.table.parameters import AUTO, DEFAULT_BPM, DEFAULTS, Setting, values_of

__all__ = ["PROMPT_NOTES", "PROMPT_TOKENS", "Solo", "end_of_prompt", "feed_notes", "improvise", "notes_of"]

PHRASE_BARS = 4  # as often as a solo looks at how far it has come
PROMPT_NOTES = 400  # the end of a prompt; the model's reach is shorter
PROMPT_TOKENS = 1600  # what so many notes take where they stand close; a second's wait is one, too
TOKENS_A_NOTE = 3.2
SHORTEST_HOME_S = 3 * STEP_S  # of the last chord, and of the way there


@dataclass(frozen=True)
class Solo:
    """notes start at 0, where the chart does; chords: (onset_s, symbol) of every chord as written.

    nats: nats a token that the model gives what it played, under what it was asked.
    """

    notes: Notes
    chords: list[tuple[float, str]]
    tempo_bpm: float
    metre: Metre
    length_s: float
    nats: float


def improvise(
    checkpoint: Checkpoint,
    chart: Chart,
    *,
    tempo_bpm: float = DEFAULT_BPM,
    seed: int = 0,
    params: Collection[Setting] = (),
    prompt: Performance | None = None,
    backend: str = "auto",
    ending: bool = True,
    intro_bars: int = 0,
) -> Solo:
    """Plays over a chart from its first beat to its last. With a prompt the music goes on from its last notes.

    intro_bars: of the chart's bars that come before its form begins. ending: comes home to the chart's last chord;
    without, as for a loop, it plays on to the last bar line. A role, groove or left hand that params ask for is
    recalled before the first note. The same arguments give the same notes. SidemanError: an unknown scale, a
    style that is not there, limits that leave nothing to play. backend: see engine.inference.backends.
    """
    check_limits(params)
    beat_s = 60.0 / tempo_bpm
    session = Session(checkpoint, seed, backend)
    session.set_params(*params)
    asked = values_of(params)
    # A prompt says itself how it is to go on.
    judged = partial(judge, chart, tempo_bpm, mode="changes" if prompt is None else "continue", asked=asked)
    if prompt is not None:
        feed_notes(session, end_of_prompt(prompt.notes))
    elif any(asked.get(name, AUTO) != AUTO for name in RECALLED):
        from engine.solo.recollection import recall  # and the practice room, which a solo at defaults need not load

        session.set_auto(auto_values(judged(), checkpoint.model.controls))
        recall(session, chart, tempo_bpm, judged(), seed)
    start_s = session.time_s  # where the prompt ends, or what was recalled
    before, tokens = session.likelihood
    session.set_tempo(tempo_bpm, chart.beats_per_bar, origin_s=start_s)
    session.set_chords([(start_s + span.start_beat * beat_s, span.chord) for span in chart.spans], from_s=start_s)
    length_s = chart.beats * beat_s
    session.set_form(start_s + intro_bars * chart.beats_per_bar * beat_s, form_of(chart, intro_bars))
    home = last_chord_beat(chart) if ending else None
    # With only one bar there is no way there; and a chord of less than a few steps is no ending.
    if home and min(home, chart.beats - home) * beat_s >= SHORTEST_HOME_S:
        session.bring_home(start_s + home * beat_s, (chart.beats - home) * beat_s)
    bar_s = chart.beats_per_bar * beat_s
    hands = BothHands(session, bar_s)
    events: list[NoteEvent] = []
    both = False
    for bar in range(chart.bars):
        if bar % PHRASE_BARS == 0:
            now = judged(height=arc(bar + PHRASE_BARS / 2, chart.bars))
            auto = auto_values(now, checkpoint.model.controls)
            session.set_auto(auto)
            both = has_both(auto, asked)
        # The last grid point before the end, so that the last notes end within the file.
        until_s = start_s + math.floor(min((bar + 1) * bar_s, length_s) / STEP_S) * STEP_S
        events += hands.generate(until_s) if both else session.generate(until_s)
    events += session.end()
    after, length = session.likelihood
    nats = (before - after) / max(1, length - tokens)
    knobs = {name: float(value) for name, value in asked.items() if name in FEEL_NAMES}
    feel = Feel(tempo_bpm=tempo_bpm, thirds=chart.metre.is_compound, seed=seed).turned(**knobs)
    moved = _moved([event._replace(time_s=event.time_s - start_s) for event in events], feel, length_s)
    notes = at_most(notes_of(moved), int(asked.get("polyphony", DEFAULTS["polyphony"])))
    height = np.array([arc(onset_s / bar_s, chart.bars) for onset_s in notes["onset_s"]])
    gain = 1.0 + judged().swell * height
    notes["velocity"] = np.clip(np.rint(notes["velocity"] * gain), 1, 127)
    symbols = [(span.start_beat * beat_s, span.chord.label if span.chord else "N.C.") for span in chart.spans]
    return Solo(notes, symbols, tempo_bpm, chart.metre, length_s, nats)


def notes_of(events: list[NoteEvent]) -> Notes:
    """Makes Notes of events in time order.

    A note's end without its start (it began before) is dropped, as is a note struck at the very end.
    """
    sounding: dict[int, NoteEvent] = {}
    rows: list[tuple[float, float, int, int]] = []
    for event in events:
        started = sounding.pop(event.pitch, None)
        if started is not None and event.time_s > started.time_s:
            rows.append((started.time_s, event.time_s, event.pitch, started.velocity))
        if event.kind == "on":
            sounding[event.pitch] = event
    assert not sounding, "the stream was not ended"
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return make_notes(*columns)


def _moved(events: list[NoteEvent], feel: Feel, length_s: float) -> list[NoteEvent]:
    """Returns the events as they are to sound, none after length_s."""
    mover = NoteMover(feel, not_before_s=0.0)
    moved = mover.take(events, length_s) + mover.release(math.inf)
    within = [event._replace(time_s=min(event.time_s, length_s)) for event in moved if _fits(event, length_s)]
    return sorted(within, key=lambda event: event.time_s)  # stable: a key's events are in order already


def _fits(event: NoteEvent, length_s: float) -> bool:
    return event.kind == "off" or event.time_s < length_s


def end_of_prompt(notes: Notes) -> Notes:
    """Returns the last of the notes, as many as the model hears of them: fewer where they stand far apart."""
    last = notes[-PROMPT_NOTES:]
    waits_s = last["onset_s"][-1] - last["onset_s"]
    tokens = waits_s + TOKENS_A_NOTE * np.arange(len(last), 0, -1)
    within: Notes = last[tokens <= max(PROMPT_TOKENS, tokens[-1])]
    return within


def feed_notes(session: Session, notes: Notes) -> float:
    """Feeds music into a fresh session, its first note at 0; returns the moment its time 0 stands for, in seconds."""
    # Through the tokenizer and back: what the model has learned from is on its grid, re-strikes resolved.
    ids, begin_s = encode_notes(notes)
    onset, offset, pitch, velocity, _, _ = native.decode(LAYOUT, ids)
    ends = [NoteEvent(float(t) * STEP_S, "off", int(p), 0) for t, p in zip(offset, pitch, strict=True)]
    starts = [
        NoteEvent(float(t) * STEP_S, "on", int(p), int(v)) for t, p, v in zip(onset, pitch, velocity, strict=True)
    ]
    session.feed(sorted(ends + starts, key=lambda event: (event.time_s, event.kind, event.pitch)))  # "off" before "on"
    return begin_s
