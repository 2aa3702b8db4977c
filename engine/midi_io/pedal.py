"""Writes the sustain pedal into note lengths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.notes import Notes, Performance

__all__ = ["MAX_NOTE_S", "as_held", "extend_with_pedal"]

MAX_NOTE_S = 300.0  # no piano sounds so long: the end of such a note, or the pedal's, was lost


def as_held(played: Performance) -> Performance:
    """Returns the music with its notes as long as the pedal holds them, as models learn it, and no pedal any more.

    Notes that the pedal would hold longer than MAX_NOTE_S are told in `repairs`.
    """
    notes, repairs = played.notes, played.repairs
    held = extend_with_pedal(notes, played.pedal_s, played.pedal_down)
    latest_s = notes["onset_s"] + MAX_NOTE_S
    endless = int(((held["offset_s"] == latest_s) & (notes["offset_s"] < latest_s)).sum())
    if endless:
        repairs = (*repairs, f"{endless} notes that the pedal holds longer than {MAX_NOTE_S:.0f} s cut there")
    return replace(played, notes=held, pedal_s=np.zeros(0), pedal_down=np.zeros(0, dtype=bool), repairs=repairs)


def extend_with_pedal(notes: Notes, pedal_s: npt.NDArray[np.float64], pedal_down: npt.NDArray[np.bool_]) -> Notes:
    """Lengthens notes as the pedal holds them, as Oore et al. 2018 do in section 3.

    A note whose key is released under a held pedal sounds until the pedal rises, and no note outlasts the next onset
    of its pitch, nor MAX_NOTE_S. A pedal that never rises holds to the end of the performance.

    notes: (N,); pedal_s, pedal_down: (P,) changes in time order and the state after each. Returns new (N,) notes.
    """
    extended: Notes = notes.copy()
    if len(notes) == 0:
        return extended
    offset_s = notes["offset_s"].astype(np.float64)
    if len(pedal_s):
        end_s = max(float(offset_s.max()), float(pedal_s[-1]))
        # release_s[i]: first release at or after change i, found by a running minimum from the right.
        release_s = np.minimum.accumulate(np.where(pedal_down, end_s, pedal_s)[::-1])[::-1]
        change = np.searchsorted(pedal_s, offset_s, side="right") - 1  # last change at or before the key's release
        held = (change >= 0) & pedal_down[np.maximum(change, 0)]
        release_s = np.minimum(release_s[np.maximum(change, 0)], notes["onset_s"] + MAX_NOTE_S)
        offset_s = np.where(held, np.maximum(release_s, offset_s), offset_s)
    extended["offset_s"] = np.minimum(offset_s, _next_onset_s(notes))
    return extended


def _next_onset_s(notes: Notes) -> npt.NDArray[np.float64]:
    """(N,) the next later onset of each note's pitch, inf where there is none."""
    order = np.lexsort((notes["onset_s"], notes["pitch"]))
    onset_s, pitch = notes["onset_s"][order], notes["pitch"][order]
    # Notes of one pitch struck together (two tracks in unison) share a group: they must not cut each other to nothing.
    new_group = np.concatenate([[True], (onset_s[1:] != onset_s[:-1]) | (pitch[1:] != pitch[:-1])])
    first = np.flatnonzero(new_group)
    following = np.full(len(first), np.inf)
    same_pitch = pitch[first[1:]] == pitch[first[:-1]]
    following[:-1][same_pitch] = onset_s[first[1:]][same_pitch]
    result = np.empty(len(notes))
    result[order] = following[np.cumsum(new_group) - 1]
    return result
