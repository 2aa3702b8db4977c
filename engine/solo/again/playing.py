"""Bars of a take played anew: its notes on the model's grid, and a session that has heard what stands before them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from engine.arrays import F64, I64
from engine.chords import Chord
from engine.errors import SidemanError
from engine.inference.draw.limits import FASTEST_BPM
from engine.inference.fill.fill import Candidate, Effort
from engine.inference.fill.foresight import Foresight
from engine.inference.fill.gap import Gap, Struck
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint
from engine.notes import NoteEvent
from engine.solo.again.keeping import kept_notes, kept_register, narrowed
from engine.solo.again.likeness import like_the_take
from engine.solo.again.midi_take import MidiTake, TakeNote
from engine.solo.limits import check_limits
from engine.vocabulary import STEP_S, middle_velocity, velocity_bin
from osc_protocol.table.parameters import DEFAULTS, Setting, values_of

__all__ = ["Again", "Request", "play_again"]

LEAD_S, BEYOND_S = 30.0, 20.0  # how much of the take is heard before the gap, and known of behind it


@dataclass(frozen=True)
class Request:
    """What is to be played again. Times are the take's seconds.

    chords: (onset_s, chord) of the take. beats_s, beat_in_bar: its beats, empty where they are unknown. keep: one of
    engine.solo.again.keeping.KEEPS. vary: the share of its beats
    that is new, more than 0 to 1.
    """

    begin_s: float
    end_s: float
    chords: Sequence[tuple[float, Chord | None]]
    beats_s: F64
    beat_in_bar: I64
    keep: str | None = None
    vary: float = 1.0


class Again(NamedTuple):
    """removed: notes of the take that are gone. ways: for each candidate its new notes in ticks, best first."""

    removed: list[TakeNote]
    ways: list[tuple[list[tuple[int, int, int, int]], Candidate]]


def play_again(
    checkpoint: Checkpoint,
    take: MidiTake,
    request: Request,
    *,
    count: int = 1,
    seed: int = 0,
    params: Collection[Setting] = (),
    effort: Effort | None = None,
) -> Again:
    """Returns the `count` best candidates. Notes outside the gap, and those that stay, are not touched.

    The same arguments give the same notes. SidemanError: as Session, and limits that leave nothing to play.
    """
    check_limits(params)
    if FASTEST_BPM * _beat_s(request) < 60.0:  # the ticks of a clock, which nobody counts
        request = replace(request, beats_s=np.zeros(0), beat_in_bar=np.zeros(0, dtype=np.int64))
    beat_s = _beat_s(request)
    begin_s, end_s = narrowed(request.begin_s, request.end_s, request.vary, beat_s, seed)
    start_s = max(0.0, begin_s - LEAD_S)
    begin, end = (round((moment - start_s) / STEP_S) for moment in (begin_s, end_s))
    if not begin < end:
        lasts_ms = 1e3 * (end_s - begin_s)
        raise SidemanError(f"what is to be played again lasts {lasts_ms:.3g} ms: give more of it, or a take in tempo")
    first_tick, last_tick = take.tick(begin_s), take.tick(end_s)
    rows: dict[Struck, list[TakeNote]] = {}  # more than one where tracks double each other
    for note in take.notes:
        at_s = take.seconds(note.on_tick)
        if start_s <= at_s < end_s + BEYOND_S:
            inside = first_tick <= note.on_tick < last_tick
            step = round((at_s - start_s) / STEP_S)
            if inside:
                step = min(max(step, begin), end - 1)
            else:
                step = min(step, begin - 1) if note.on_tick < first_tick else max(step, end)
            stop = max(round((take.seconds(note.off_tick) - start_s) / STEP_S), step + 1)
            played = Struck(step, stop, note.pitch, velocity_bin(note.velocity))
            rows.setdefault(played, []).append(note)
    inside_notes = sorted(note for note in rows if begin <= note.step < end)
    kept = kept_notes(inside_notes, request.keep)
    gap = Gap.of(rows, begin, end, kept)
    chords = _chords(request, start_s)
    bar_steps = beat_s * _beats_a_bar(request) / STEP_S

    def session(ahead: Foresight | None) -> Session:
        return _session(checkpoint, request, start_s, gap, ahead, beat_s, chords, params, seed)

    ahead = Foresight.of(gap, bar_steps) if request.keep != "rhythm" else None
    foreseeing = None if ahead is None else (session(ahead), ahead.shift)
    beats = [round(begin + i * beat_s / STEP_S) for i in range(1, round((end - begin) * STEP_S / beat_s) + 1)]
    candidates = session(None).fill(
        gap, beats=beats, count=count, keep_rhythm=request.keep == "rhythm", effort=effort, foreseeing=foreseeing
    )
    removed = [note for played in gap.removed for note in rows[played]]

    def ticks(note: Struck) -> tuple[int, int, int, int]:
        on = min(max(take.tick(start_s + note.step * STEP_S), first_tick), last_tick - 1)
        off = min(max(take.tick(start_s + note.end * STEP_S), on + 1), last_tick)
        return on, off, note.pitch, middle_velocity(note.velocity)

    return Again(removed, [([ticks(note) for note in one.notes], one) for one in candidates])


def _beat_s(request: Request) -> float:
    """Returns the length of a beat in the gap; half a second where none is known."""
    beats = request.beats_s
    near = beats[(beats >= request.begin_s - 4) & (beats <= request.end_s + 4)]
    return float(np.median(np.diff(near))) if len(near) > 1 else 0.5


def _beats_a_bar(request: Request) -> int:
    """Returns the beats of the bar in which the gap begins; 4 where none is known."""
    lines = np.flatnonzero(request.beat_in_bar == 0)
    after = int(np.searchsorted(request.beats_s[lines], request.begin_s + 1e-6, side="right"))
    if 0 < after < len(lines):
        return int(lines[after] - lines[after - 1])
    return int(request.beat_in_bar.max()) + 1 if len(request.beats_s) > 1 else 4


def _chords(request: Request, start_s: float) -> list[tuple[float, Chord | None]]:
    """Returns the take's chords from start_s on, which becomes 0."""
    now = [chord for onset_s, chord in request.chords if onset_s <= start_s][-1:]
    later = [(onset_s - start_s, chord) for onset_s, chord in request.chords if onset_s > start_s]
    return [(0.0, now[0] if now else None), *later]


def _session(
    checkpoint: Checkpoint,
    request: Request,
    start_s: float,
    gap: Gap,
    ahead: Foresight | None,
    beat_s: float,
    chords: Sequence[tuple[float, Chord | None]],
    params: Collection[Setting],
    seed: int,
) -> Session:
    """Makes a session that has heard what stands before the gap, or the take in another order, and stands at the gap.

    start_s: the take's second at which its steps and the chords begin.
    """
    session = Session(checkpoint, seed)
    asked = {**DEFAULTS, **values_of(params)}
    low, high = kept_register(request.keep, gap.kept, int(asked["register_low"]), int(asked["register_high"]))
    session.set_params(*params, register_low=low, register_high=high)
    session.set_auto(like_the_take(gap, session.controls))
    from_s = start_s - (0 if ahead is None else ahead.shift) * STEP_S
    if len(request.beats_s) > 1:
        lines = request.beats_s[request.beat_in_bar == 0]
        line = lines[np.argmin(np.abs(lines - request.begin_s))] if len(lines) else request.beats_s[0]
        session.set_tempo(60 / beat_s, _beats_a_bar(request), origin_s=float(line) - from_s)
    if ahead is not None:
        session.set_chords(ahead.chords(gap, chords))
        session.foresee(gap, ahead)
        return session
    session.set_chords(chords)
    session.feed(
        [
            NoteEvent(step * STEP_S, "on", pitch, middle_velocity(velocity))
            if velocity >= 0
            else NoteEvent(step * STEP_S, "off", pitch, 0)
            for step, pitch, velocity in gap.lead()
        ]
    )
    session.wait(gap.begin * STEP_S)
    return session
