"""Makes returns: music of a style after some seconds of the model's own playing, under one beat and one row of chords.

A model that has only continued a style's own pieces goes on in that style as long as it hears nothing else. In a
session it hears itself: every departure becomes the past it goes by, and after a few bars it plays what the base plays.
Here the past is what the model, as it stands, played over the piece's chords and beat, and what is to be learnt is the
piece (the idea of DAgger, Ross et al. 2011: learn on the states that the learner itself comes to).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.beats.phase import UNKNOWN_IN_BAR
from engine.data.piece_chords import chords_from
from engine.data.shards.augmentation import transpose_chords
from engine.data.shards.shards import PieceArrays, token_steps
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint
from engine.notes import Notes, make_notes
from engine.solo.improvise import notes_of
from engine.styles.style import Style
from engine.tokens import decode_notes, encode_notes
from engine.vocabulary import BOS, NO_CHORD, STEP_S

__all__ = ["Return", "play_returns"]

SHORTEST_S, LONGEST_S = 1.5, 12.0  # of own playing
LOOK_S = 1.0  # of own playing between two looks at the clock
AFTER_S = 15.0  # of the piece
MIN_OWN_NOTES, MIN_PIECE_NOTES = 4, 8
MIN_BEATS = 24
TRIES = 8  # places looked at for every return that is wanted


@dataclass(frozen=True)
class Return:
    """piece: own playing, then the style's; the first token that is the style's."""

    piece: PieceArrays
    first: int


def play_returns(
    checkpoint: Checkpoint,
    style: Style,
    pieces: Sequence[PieceArrays],
    count: int,
    rng: np.random.Generator,
    no_time: Callable[[], bool] = lambda: False,
) -> list[Return]:
    """Plays up to `count` returns, to every token of the pieces with equal chance; pieces without beats give none.

    no_time: whether the time for it is over: what is being played then is dropped.
    """
    fit = [piece for piece in pieces if len(piece.beat_steps) >= MIN_BEATS]
    if not fit:
        return []
    shares = np.array([len(piece.tokens) for piece in fit], dtype=np.float64)
    notes: dict[int, Notes] = {}
    found: list[Return] = []
    for _ in range(TRIES * count):
        if len(found) == count or no_time():
            break
        index = int(rng.choice(len(fit), p=shares / shares.sum()))
        if index not in notes:
            notes[index] = decode_notes(fit[index].tokens)
        there = _return(checkpoint, style, fit[index], notes[index], rng, no_time)
        if there is not None:
            found.append(there)
    return found


def _return(
    checkpoint: Checkpoint,
    style: Style,
    piece: PieceArrays,
    notes: Notes,
    rng: np.random.Generator,
    no_time: Callable[[], bool],
) -> Return | None:
    """Plays one return to a random place of a piece in a random key; None if there is too little to play or learn."""
    own_s = float(np.exp(rng.uniform(np.log(SHORTEST_S), np.log(LONGEST_S))))
    beats_s = piece.beat_steps.astype(np.float64) * STEP_S
    earliest_s, latest_s = beats_s[1] + own_s, min(float(notes["onset_s"][-1]) - 3.0, beats_s[-2])
    if latest_s <= earliest_s:
        return None
    turn_s = round(rng.uniform(earliest_s, latest_s) / STEP_S) * STEP_S
    start_s = round((turn_s - own_s) / STEP_S) * STEP_S
    semitones = int(rng.integers(-5, 7))
    pitch = notes["pitch"].astype(np.int64) + semitones
    if pitch.min() < 0 or pitch.max() > 127:
        return None
    moved = replace(piece, chord_ids=transpose_chords(piece.chord_ids.astype(np.int64), semitones))

    own = _own_playing(checkpoint, style, moved, start_s, turn_s, int(rng.integers(2**40)), no_time)
    ahead = (notes["onset_s"] >= turn_s) & (notes["onset_s"] < turn_s + AFTER_S)
    if len(own) < MIN_OWN_NOTES or ahead.sum() < MIN_PIECE_NOTES or no_time():
        return None
    both = make_notes(
        np.concatenate([own["onset_s"], notes["onset_s"][ahead] - start_s]),
        np.concatenate([own["offset_s"], notes["offset_s"][ahead] - start_s]),
        np.concatenate([own["pitch"], pitch[ahead]]),
        np.concatenate([own["velocity"], notes["velocity"][ahead]]),
    )
    tokens, begin_s = encode_notes(both)
    tokens = np.concatenate([[BOS], tokens]).astype(np.uint16)
    origin = round((start_s + begin_s) / STEP_S)  # of the new piece, in the old one's steps
    now = int(np.searchsorted(moved.chord_steps, origin, side="right")) - 1
    heard = PieceArrays(
        tokens,
        np.concatenate([[NO_CHORD], moved.chord_ids[now:]]),
        np.concatenate([[0], np.maximum(0, moved.chord_steps[now:] - origin)]),
        (piece.beat_steps - origin).astype(np.float32),
        piece.beat_in_bar,
        0,
    )
    turn = round(turn_s / STEP_S) - origin
    return Return(heard, int(np.searchsorted(token_steps(tokens), turn, side="left")))


def _own_playing(
    checkpoint: Checkpoint,
    style: Style,
    piece: PieceArrays,
    start_s: float,
    turn_s: float,
    seed: int,
    no_time: Callable[[], bool],
) -> Notes:
    """Returns what the style plays over the piece's chords and beat from start_s to turn_s; its time 0 is start_s.

    Less where the time is over before turn_s.
    """
    at = int(np.searchsorted(piece.beat_steps, start_s / STEP_S, side="right")) - 1
    beat_s = float(np.median(np.diff(piece.beat_steps[at : at + 9]))) * STEP_S
    known = piece.beat_in_bar[piece.beat_in_bar != UNKNOWN_IN_BAR]
    beats_per_bar = int(known.max()) + 1 if len(known) else 4
    in_bar = int(piece.beat_in_bar[at]) if piece.beat_in_bar[at] != UNKNOWN_IN_BAR else 0
    session = Session(checkpoint, seed)
    session.use_style({style.name: 1.0}, {style.name: style})
    session.set_tempo(60.0 / beat_s, beats_per_bar, float(piece.beat_steps[at]) * STEP_S - start_s - in_bar * beat_s)
    session.set_chords(chords_from(piece, start_s))
    events, until_s = [], 0.0
    while until_s < turn_s - start_s and not no_time():
        until_s = min(until_s + LOOK_S, turn_s - start_s)
        events += session.generate(until_s)
    notes = notes_of(events + session.end())
    played: Notes = notes[notes["offset_s"] > notes["onset_s"]]
    return played
