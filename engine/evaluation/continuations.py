"""Plays in an excerpt's place: a model from the same lead and chords, or the 5-gram."""

from __future__ import annotations

import numpy as np

import native
from engine.evaluation.excerpts import Excerpt, within
from engine.evaluation.ngram import NgramModel
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint
from engine.notes import Notes
from engine.solo.improvise import feed_notes, notes_of
from engine.tokens import decode_notes, encode_notes
from engine.vocabulary import BOS, LAYOUT, STEP_S

__all__ = ["continue_with_model", "continue_with_ngrams"]

MAX_TOKENS_PER_S = 400  # of the 5-gram: beyond, its clip is as long as it is


def continue_with_model(
    checkpoint: Checkpoint, excerpt: Excerpt, seed: int, chord_strength: float = 1.0, style: str | None = None
) -> Notes:
    """Goes on from the lead under the excerpt's chords and meter, with the other parameters' defaults.

    CheckpointError: a style that is not there or was made on another base.
    """
    session = Session(checkpoint, seed)
    session.set_params(chord_strength=chord_strength, **({} if style is None else {"style": style}))
    begin_s = -feed_notes(session, excerpt.lead)  # where the excerpt begins; what is played before it is dropped
    if excerpt.meter is not None:
        meter = excerpt.meter
        session.set_tempo(meter.tempo_bpm, meter.beats_per_bar, origin_s=begin_s + meter.bar_s)
    session.set_chords([(begin_s + onset_s, chord) for onset_s, chord in excerpt.chords], from_s=begin_s)
    played = session.generate(begin_s + excerpt.length_s) + session.end()
    return within(notes_of([event._replace(time_s=event.time_s - begin_s) for event in played]), 0.0, excerpt.length_s)


def continue_with_ngrams(model: NgramModel, excerpt: Excerpt, seed: int) -> Notes:
    """Goes on likewise with a 5-gram, through the same sampler: it knows neither chords nor meter."""
    ids, begin_s = encode_notes(excerpt.lead)
    sampler = native.Sampler(LAYOUT, seed, rollback=1)
    tokens = [BOS, *(int(token) for token in ids)]
    for token in tokens[1:]:
        sampler.advance(token)
    lead_tokens, step = len(tokens), 0
    while step * STEP_S < excerpt.length_s and len(tokens) - lead_tokens < MAX_TOKENS_PER_S * excerpt.length_s:
        probability = model.distribution(tokens[1 - model.order :])
        token = sampler.sample(np.log(np.maximum(probability, 1e-30)).astype(np.float32))
        sampler.advance(token)
        tokens.append(token)
        step += max(0, token - LAYOUT.time_shift + 1) if token < LAYOUT.velocity else 0
    notes = decode_notes(np.array(tokens[1:], dtype=np.uint16))
    return within(notes, -begin_s, excerpt.length_s - begin_s)
