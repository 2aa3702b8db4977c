"""Notes -> chords: a hidden Markov model over frames of pitch classes.

The states are no chord and the vocabulary's 288. A frame's pitch classes, weighted by how long they sound, are taken as
draws from the chord's template; its lowest note speaks for the root; changing the chord costs. Viterbi finds the best
row of chords (Sheh & Ellis 2003, with fixed templates in the place of trained ones).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.chords.chord import Chord
from engine.notes import Notes
from engine.vocabulary import CHORD, QUALITIES

__all__ = ["DEFAULT_PRIORS", "Priors", "recognise"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Priors:
    """What the recogniser believes before it hears a note, tuned for agreement with POP909's PIANO tracks."""

    evidence: float = 8.5  # nats' weight of one frame full of notes: how many independent draws its chroma counts for
    foreign: float = 0.05  # probability that a sounding note lies outside the chord
    upper: float = 0.9  # weight of sixths, sevenths and ninths in a template; root, third and fifth weigh 1
    bass_root: float = 0.4  # probability that the lowest note is the root
    bass_tone: float = 0.3  # that it is another chord tone, shared among them
    bass_evidence: float = 1.5  # weight of the lowest note
    change: float = 3.5  # nats that a change of chord costs
    rare: float = 3.5  # nats that the rarest qualities cost a frame
    uncommon: float = 0.9  # nats for the qualities between
    silence: float = 1.0  # nats for no chord in a frame without notes
    max_sounding_s: float = 4.0  # a piano note has faded by then, however long it is held


DEFAULT_PRIORS = Priors()

_COMMON = frozenset({"", "m", "7", "maj7", "m7"})
_RARE = frozenset({"dim", "aug", "5", "mMaj7", "7b9", "7#9", "7#11", "7#5", "13", "maj9", "m9", "9"})
_ONSET_FRAME_S = 0.3  # without beats: frames start at onsets at least this far apart
_MAX_FRAMES_PER_NOTE = 64
_BASS_CEILING = 60  # a lowest note at or above middle C says little about the root
_BASS_FLOOR = 48  # one at or below speaks with full weight


def recognise(
    notes: Notes, beats_s: Floats | None = None, priors: Priors = DEFAULT_PRIORS
) -> list[tuple[float, Chord | None]]:
    """The chords of a performance.

    notes: (N,) as the keys were held: lengthened by the pedal they run into the next chord and agree less with POP909
    (0.89 for 0.95 with beats, 0.87 for 0.93 without). beats_s: (B,) beat times, rising, where they are known: chords
    then change on beats, else on note onsets.
    Returns (onset_s, chord) of every change, the first at 0.0; None where nothing sounds. Empty for no notes. A chord
    names its bass where that is another chord tone.
    """
    if len(notes) == 0:
        return []
    edges = _frame_edges(notes, beats_s)  # (F + 1,)
    chroma, lowest, lowest_weight = _features(notes, edges, priors)
    states = _viterbi(_emissions(chroma, lowest, lowest_weight, priors), priors.change)
    return _changes(states, edges, lowest, lowest_weight)


def _frame_edges(notes: Notes, beats_s: Floats | None) -> Floats:
    """(F + 1,) frame borders from 0 to the end of the last note."""
    end_s = float(notes["offset_s"].max()) + 1e-3
    if beats_s is not None and len(beats_s) >= 2:
        inner = beats_s[(beats_s > 0) & (beats_s < end_s)]
    else:
        onset_s = np.unique(notes["onset_s"])
        starts, at = [], 0
        while at < len(onset_s):
            starts.append(onset_s[at])
            at = int(np.searchsorted(onset_s, onset_s[at] + _ONSET_FRAME_S))
        inner = np.array([start for start in starts if start > 0])
    return np.concatenate([[0.0], inner, [end_s]])


def _features(notes: Notes, edges: Floats, priors: Priors) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
    """(F, 12) seconds of each pitch class, (F,) lowest pitch (0 in silence), (F,) its say about the root, 0..1."""
    frames = len(edges) - 1
    onset_s = notes["onset_s"]
    offset_s = np.minimum(notes["offset_s"], onset_s + priors.max_sounding_s)
    first = np.clip(np.searchsorted(edges, onset_s, side="right") - 1, 0, frames - 1)
    last = np.clip(np.searchsorted(edges, offset_s, side="left") - 1, first, frames - 1)
    count = np.minimum(last - first + 1, _MAX_FRAMES_PER_NOTE)
    # One row for every (note, frame it sounds in).
    note = np.repeat(np.arange(len(notes)), count)
    frame = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count) + np.arange(len(note))
    overlap_s = np.minimum(offset_s[note], edges[frame + 1]) - np.maximum(onset_s[note], edges[frame])
    overlap_s = np.maximum(overlap_s, 0.0)
    pitch = notes["pitch"].astype(np.int64)[note]
    chroma = np.bincount(frame * 12 + pitch % 12, weights=overlap_s, minlength=frames * 12).astype(np.float64)
    # A note that only hangs over from the frame before is not its bass.
    frame_s = np.diff(edges)
    steady = overlap_s > 0.2 * np.minimum(frame_s[frame], 1.0)
    lowest = np.full(frames, 128, dtype=np.int64)
    np.minimum.at(lowest, frame[steady], pitch[steady])
    weight = np.clip((_BASS_CEILING + 6 - lowest) / (_BASS_CEILING + 6 - _BASS_FLOOR), 0.0, 1.0)
    return chroma.reshape(frames, 12), np.where(lowest < 128, lowest, 0), np.where(lowest < 128, weight, 0.0)


def _templates(priors: Priors) -> tuple[Floats, Floats, Floats]:
    """(288, 12) log chance of a sounding pitch class, (288, 12) of the lowest one, (288,) log prior a frame."""
    tones, bass, prior = [], [], []
    for root in range(12):
        for quality, intervals in QUALITIES.items():
            inside = [(root + interval) % 12 for interval in intervals]
            weights = np.array([1.0 if i in (0, 3, 4, 7) or n < 3 else priors.upper for n, i in enumerate(intervals)])
            tone = np.full(12, priors.foreign / (12 - len(inside)))
            tone[inside] = (1 - priors.foreign) * weights / weights.sum()
            low = np.full(12, (1 - priors.bass_root - priors.bass_tone) / (12 - len(inside)))
            low[inside] = priors.bass_tone / (len(inside) - 1)
            low[root] = priors.bass_root
            tones.append(np.log(tone))
            bass.append(np.log(low))
            prior.append(0.0 if quality in _COMMON else -priors.rare if quality in _RARE else -priors.uncommon)
    return np.array(tones), np.array(bass), np.array(prior)


def _emissions(chroma: Floats, lowest: npt.NDArray[np.int64], lowest_weight: Floats, priors: Priors) -> Floats:
    """(F, 1 + 288) log score of each state in each frame; column 0 is no chord."""
    tones, bass, prior = _templates(priors)
    total = chroma.sum(axis=1)
    # Two seconds of notes (a triad through two thirds of a second) are a frame's full evidence.
    strength = priors.evidence * np.minimum(total / 2.0, 1.0)
    share = chroma / np.maximum(total, 1e-9)[:, None]
    scores = (share * strength[:, None]) @ tones.T
    scores += (priors.bass_evidence * lowest_weight)[:, None] * bass[:, lowest % 12].T
    scores += prior * (total > 0)[:, None]
    anything = strength * np.log(1 / 12) - 2.0 * priors.bass_evidence * lowest_weight - priors.rare
    nothing = np.where(total > 0, anything, priors.silence)
    return np.concatenate([nothing[:, None], scores], axis=1)


def _viterbi(emissions: Floats, change: float) -> npt.NDArray[np.int64]:
    """(F, S) log scores -> (F,) best states, where every change costs the same: stay, or leave the best state."""
    frames, states = emissions.shape
    back = np.empty((frames, states), dtype=np.int64)
    stay = np.arange(states)
    score = emissions[0]
    for frame in range(1, frames):
        best = int(score.argmax())
        moved = score[best] - change
        back[frame] = np.where(score >= moved, stay, best)
        score = np.maximum(score, moved) + emissions[frame]
    path = np.empty(frames, dtype=np.int64)
    path[-1] = int(score.argmax())
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def _changes(
    states: npt.NDArray[np.int64], edges: Floats, lowest: npt.NDArray[np.int64], lowest_weight: Floats
) -> list[tuple[float, Chord | None]]:
    starts = np.flatnonzero(np.concatenate([[True], states[1:] != states[:-1]]))
    changes: list[tuple[float, Chord | None]] = []
    for start in starts:
        chord = Chord.from_id(CHORD + int(states[start]) - 1) if states[start] else None
        if chord is not None and lowest_weight[start] > 0:
            bass = int(lowest[start]) % 12
            if bass != chord.root and bass in chord.pitch_classes():
                chord = Chord(chord.root, chord.quality, bass)
        changes.append((float(edges[start]), chord))
    return changes
