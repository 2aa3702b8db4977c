"""Notes <-> event tokens: the performance encoding of Oore et al. 2018 ("This Time with Feeling")."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from native.layout import Layout

__all__ = ["MAX_SECONDS", "decode", "encode"]

MAX_SECONDS = 1e6  # a bound on memory: eleven days of silence are a million TIME_SHIFTs

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
    onsets = _steps(layout, onset_s, "onset")
    offsets = _steps(layout, offset_s, "offset")
    pitches = _integers(pitch, 0, 127, "pitch")
    velocities = _integers(velocity, 1, 127, "velocity")
    if not len(onsets) == len(offsets) == len(pitches) == len(velocities):
        raise ValueError("onset_s, offset_s, pitch and velocity differ in length: pass one entry a note in each")

    notes: dict[tuple[int, int], tuple[int, int]] = {}  # (pitch, onset) -> (offset, velocity)
    for onset, offset, key, loudness in zip(onsets, offsets, pitches, velocities, strict=True):
        merged_offset, merged_loudness = notes.get((key, onset), (onset + 1, 0))
        notes[key, onset] = max(offset, merged_offset), max(loudness, merged_loudness)

    off, on = 1, 2
    events: list[tuple[int, int, int, int]] = []  # (step, off or on, pitch, velocity), sorted below
    by_pitch = sorted(notes)
    for (key, onset), (next_key, next_onset) in zip(by_pitch, [*by_pitch[1:], (-1, 0)], strict=False):
        offset, loudness = notes[key, onset]
        events.append((onset, on, key, loudness))
        events.append((min(offset, next_onset) if next_key == key else offset, off, key, 0))
    events.sort()

    changes = _pedal_changes(layout, pedal_s, pedal_down)
    tokens: list[int] = []
    now = 0
    current_bin = -1
    next_change = 0

    def wait_until(step: int) -> None:
        nonlocal now
        full, rest = divmod(step - now, layout.num_shifts)
        tokens.extend([layout.time_shift + layout.num_shifts - 1] * full)
        if rest:
            tokens.append(layout.time_shift + rest - 1)
        now = step

    for step, kind, key, loudness in [*events, (2**62, 0, 0, 0)]:  # the last one flushes the pedal
        while next_change < len(changes) and changes[next_change][0] <= step:
            change_step, down = changes[next_change]
            wait_until(change_step)
            tokens.append(layout.pedal_on if down else layout.pedal_off)
            next_change += 1
        if kind == 0:
            break
        wait_until(step)
        if kind == off:
            tokens.append(layout.note_off + key)
            continue
        velocity_bin = loudness // layout.velocity_width
        if velocity_bin != current_bin:
            tokens.append(layout.velocity + velocity_bin)
            current_bin = velocity_bin
        tokens.append(layout.note_on + key)
    return np.array(tokens, dtype=np.uint16)


def decode(layout: Layout, ids: npt.ArrayLike) -> Decoded:
    """(T,) tokens -> onset_step (N,) i64, offset_step (N,) i64, pitch (N,) u8, velocity (N,) u8, pedal_step (P,) i64,
    pedal_down (P,) bool; notes ordered by (onset, pitch).

    Takes any sequence: a NOTE_ON of a sounding pitch re-strikes it (within its own step it is merged, the louder
    velocity winning), a NOTE_OFF of a silent one is ignored, unended notes end at the last step, every note lasts at
    least one step, notes before any VELOCITY get the middle bin, PAD BOS EOS and reserved ids say nothing.
    ValueError for ids outside 0..num_ids-1.
    """
    tokens = _integers(ids, 0, layout.num_ids - 1, "token")
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


def _steps(layout: Layout, seconds: npt.ArrayLike, name: str) -> list[int]:
    values = np.asarray(seconds, dtype=np.float64).reshape(-1)
    for value in values[~((values >= 0) & (values <= MAX_SECONDS))][:1].tolist():
        raise ValueError(f"{name} {value:g} s lies outside 0..{MAX_SECONDS:g} s: move the performance to start at 0")
    steps: list[int] = np.rint(values * 1000.0 / layout.step_ms).astype(np.int64).tolist()
    return steps


def _integers(values: npt.ArrayLike, low: int, high: int, name: str) -> list[int]:
    whole: npt.NDArray[Any] = np.asarray(values).reshape(-1).astype(np.int64)
    for value in whole[(whole < low) | (whole > high)][:1].tolist():
        raise ValueError(f"{name} {value} lies outside {low}..{high}")
    numbers: list[int] = whole.tolist()
    return numbers


def _pedal_changes(
    layout: Layout, pedal_s: npt.ArrayLike | None, pedal_down: npt.ArrayLike | None
) -> list[tuple[int, bool]]:
    """(step, down) wherever the pedal really changes; it starts up."""
    if pedal_s is None and pedal_down is None:
        return []
    if pedal_s is None or pedal_down is None:
        raise ValueError("pedal_s and pedal_down belong together: pass both or neither")
    steps = _steps(layout, pedal_s, "pedal time")
    states = np.asarray(pedal_down, dtype=bool).reshape(-1).tolist()
    if len(steps) != len(states):
        raise ValueError("pedal_s and pedal_down differ in length: pass one state a time")
    changes: list[tuple[int, bool]] = []
    is_down = False
    # Stable: changes of one step keep the order they were given in.
    for step, down in sorted(zip(steps, states, strict=True), key=lambda change: change[0]):
        if down != is_down:
            is_down = down
            changes.append((step, down))
    return changes
