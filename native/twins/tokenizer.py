"""Notes <-> event tokens: the performance encoding of Oore et al. 2018 ("This Time with Feeling")."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from native.layout import Layout

__all__ = ["MAX_SECONDS", "decode", "encode"]

MAX_SECONDS = 1e6  # a bound on memory: eleven days of silence are a million TIME_SHIFTs

I64 = npt.NDArray[np.int64]

Decoded = tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.uint8],
    npt.NDArray[np.int64], npt.NDArray[np.bool_],
]  # fmt: skip


def encode(
    layout: Layout, onset_s: npt.ArrayLike, offset_s: npt.ArrayLike, pitch: npt.ArrayLike, velocity: npt.ArrayLike,
    pedal_s: npt.ArrayLike | None = None, pedal_down: npt.ArrayLike | None = None,
) -> npt.NDArray[np.uint16]:  # fmt: skip
    """Four (N,) arrays of notes in any order, and (P,) pedal changes or none -> (T,) uint16 tokens.

    Absolute times are rounded to the grid (half to even), so nothing drifts. A note lasts at least one step; a
    re-struck pitch ends the earlier note; two notes of one pitch in one step become one (the louder velocity, the
    later offset).
    Inside a step: pedal, NOTE_OFFs by pitch, NOTE_ONs by pitch. Long waits are full shifts, then the remainder.
    ValueError for unequal lengths, times outside 0..1e6 s, pitches outside 0..127, velocities outside 1..127.
    """
    onset = _steps(layout, onset_s, "onset")
    offset = _steps(layout, offset_s, "offset")
    key = _integers(pitch, 0, 127, "pitch")
    loudness = _integers(velocity, 1, 127, "velocity")
    if not len(onset) == len(offset) == len(key) == len(loudness):
        raise ValueError("onset_s, offset_s, pitch and velocity differ in length: pass one entry a note in each")
    change_step, change_down = _pedal_changes(layout, pedal_s, pedal_down)
    step, kind, loudness = _note_events(onset, offset, key, loudness)
    token = np.where(kind < 128, layout.note_off, layout.note_on - 128) + kind
    velocity_bin = np.where(kind < 128, -1, loudness // layout.velocity_width)
    if len(change_step):
        pedal_token = np.where(change_down, layout.pedal_on, layout.pedal_off)
        step, token = np.concatenate([change_step, step]), np.concatenate([pedal_token, token])
        velocity_bin = np.concatenate([np.full(len(change_step), -1), velocity_bin])
        order = np.argsort(step, kind="stable")  # the pedal stands first, so it comes first in its step
        step, token, velocity_bin = step[order], token[order], velocity_bin[order]
    return _with_waits(layout, step, token, velocity_bin)


def _note_events(onset: I64, offset: I64, key: I64, loudness: I64) -> tuple[I64, I64, I64]:
    """(N,) notes -> (E,) step, kind and velocity of their events in order; kind: a pitch ends, 128 + pitch begins."""
    order = np.argsort(key << 32 | onset)
    onset, offset, key, loudness = onset[order], offset[order], key[order], loudness[order]
    # Equal pitches in one step are one note.
    first = np.flatnonzero((np.diff(onset, prepend=-1) != 0) | (np.diff(key, prepend=-1) != 0))
    if len(first) < len(onset):
        offset, loudness = np.maximum.reduceat(offset, first), np.maximum.reduceat(loudness, first)
        onset, key = onset[first], key[first]
    offset = np.maximum(offset, onset + 1)
    again = key[1:] == key[:-1]
    offset[:-1][again] = np.minimum(offset[:-1], onset[1:])[again]
    # One integer an event, in the order of a step: ends by pitch, then beginnings by pitch.
    events = np.concatenate([offset << 16 | key << 8, onset << 16 | (key + 128) << 8 | loudness])
    events.sort()
    return events >> 16, events >> 8 & 0xFF, events & 0xFF


def _with_waits(layout: Layout, step: I64, token: I64, velocity_bin: I64) -> npt.NDArray[np.uint16]:
    """(E,) events in order -> tokens: TIME_SHIFTs before each, and VELOCITY where the bin changes (-1: has none)."""
    full, rest = np.divmod(np.diff(step, prepend=0), layout.num_shifts)
    sounded = np.flatnonzero(velocity_bin >= 0)
    louder = sounded[np.diff(velocity_bin[sounded], prepend=-1) != 0]
    size = full + (rest > 0) + 1
    size[louder] += 1
    last = np.cumsum(size) - 1
    tokens = np.full(int(last[-1]) + 1 if len(last) else 0, layout.time_shift + layout.num_shifts - 1, dtype=np.uint16)
    tokens[last] = token
    tokens[last[louder] - 1] = layout.velocity + velocity_bin[louder]
    behind = last - 1
    behind[louder] -= 1
    waits = np.flatnonzero(rest)
    tokens[behind[waits]] = layout.time_shift + rest[waits] - 1
    return tokens


def decode(layout: Layout, ids: npt.ArrayLike) -> Decoded:
    """(T,) tokens -> onset_step (N,) i64, offset_step (N,) i64, pitch (N,) u8, velocity (N,) u8, pedal_step (P,) i64,
    pedal_down (P,) bool; notes ordered by (onset, pitch).

    Takes any sequence: a NOTE_ON of a sounding pitch re-strikes it (within its own step it is merged, the louder
    velocity winning), a NOTE_OFF of a silent one is ignored, unended notes end at the last step, every note lasts at
    least one step, notes before any VELOCITY get the middle bin, PAD BOS EOS and reserved ids say nothing.
    ValueError for ids outside 0..num_ids-1.
    """
    tokens = _integers(ids, 0, layout.num_ids - 1, "token").tolist()
    width = layout.velocity_width
    loudness = width * (layout.num_velocities // 2) + width // 2
    notes: list[list[int]] = []  # [onset, offset, pitch, velocity]
    latest: list[list[int] | None] = [None] * 128  # the newest note of each pitch
    sounding = [False] * 128
    pedal: list[tuple[int, bool]] = []
    pedal_is_down = False
    now = 0
    for token in tokens:
        if layout.note_on <= token < layout.note_on + 128:
            key = token - layout.note_on
            note = latest[key]
            if note is not None and note[0] == now:
                note[3] = max(note[3], loudness)
            else:
                if note is not None and sounding[key]:
                    note[1] = now
                latest[key] = note = [now, now + 1, key, loudness]
                notes.append(note)
            sounding[key] = True
        elif layout.note_off <= token < layout.note_off + 128:
            key = token - layout.note_off
            note = latest[key]
            if note is not None and sounding[key]:
                note[1] = max(now, note[0] + 1)
                sounding[key] = False
        elif layout.time_shift <= token < layout.time_shift + layout.num_shifts:
            now += token - layout.time_shift + 1
        elif layout.velocity <= token < layout.velocity + layout.num_velocities:
            loudness = width * (token - layout.velocity) + width // 2
        elif token in (layout.pedal_on, layout.pedal_off) and (token == layout.pedal_on) != pedal_is_down:
            pedal_is_down = not pedal_is_down
            pedal.append((now, pedal_is_down))
    for key, note in enumerate(latest):
        if note is not None and sounding[key]:
            note[1] = max(now, note[0] + 1)
    notes.sort(key=lambda note: (note[0], note[2]))
    columns = np.array(notes, dtype=np.int64).reshape(-1, 4)
    return (
        columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].astype(np.uint8), columns[:, 3].astype(np.uint8),
        np.array([step for step, _ in pedal], dtype=np.int64), np.array([down for _, down in pedal], dtype=bool),
    )  # fmt: skip


def _steps(layout: Layout, seconds: npt.ArrayLike, name: str) -> I64:
    values = np.asarray(seconds, dtype=np.float64).reshape(-1)
    for value in values[~((values >= 0) & (values <= MAX_SECONDS))][:1].tolist():
        raise ValueError(f"{name} {value:g} s lies outside 0..{MAX_SECONDS:g} s: move the performance to start at 0")
    return np.rint(values * 1000.0 / layout.step_ms).astype(np.int64)


def _integers(values: npt.ArrayLike, low: int, high: int, name: str) -> I64:
    whole: I64 = np.asarray(values).reshape(-1).astype(np.int64)
    for value in whole[(whole < low) | (whole > high)][:1].tolist():
        raise ValueError(f"{name} {value} lies outside {low}..{high}")
    return whole


def _pedal_changes(
    layout: Layout, pedal_s: npt.ArrayLike | None, pedal_down: npt.ArrayLike | None
) -> tuple[I64, npt.NDArray[np.bool_]]:
    """Step and state wherever the pedal really changes; it starts up."""
    if pedal_s is None and pedal_down is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    if pedal_s is None or pedal_down is None:
        raise ValueError("pedal_s and pedal_down belong together: pass both or neither")
    steps = _steps(layout, pedal_s, "pedal time")
    states = np.asarray(pedal_down, dtype=bool).reshape(-1)
    if len(steps) != len(states):
        raise ValueError("pedal_s and pedal_down differ in length: pass one state a time")
    order = np.argsort(steps, kind="stable")  # changes of one step keep the order they were given in
    steps, states = steps[order], states[order]
    changed = states != np.concatenate([[False], states[:-1]])[: len(states)]
    return steps[changed], states[changed]
