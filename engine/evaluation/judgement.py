"""Makes one table of real music, the model with and without chords and beat, and the 5-gram, all measured alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

import native
from engine.data.shards.shards import Shard
from engine.errors import DataError
from engine.evaluation.continuations import continue_with_model, continue_with_ngrams
from engine.evaluation.distances import overlap_and_kl
from engine.evaluation.excerpts import Excerpt, cut_excerpts
from engine.evaluation.features import FIGURES, HISTOGRAMS, figures, histograms
from engine.evaluation.memorisation import Memorisation
from engine.evaluation.ngram import NgramModel
from engine.model.checkpoint import Checkpoint
from engine.notes import Notes
from engine.vocabulary import LAYOUT

__all__ = ["PLAYED", "ROWS", "Judgement", "cut_clips", "judge"]

ROWS = {
    "real music": "other excerpts of the same held-out pieces",
    "model": "goes on from the lead of each excerpt, under its chords, in its meter",
    "strength 0": "the model at chord strength 0: it does not heed the chords",
    "strength 2": "the model at chord strength 2",
    "wrong chords": "the model under another excerpt's chords; chord tones still count against the right ones",
    "no beat": "the model without the meter; its notes still count against it",
    "5-gram": "goes on from the same leads, counted on the training tokens",
}
PLAYED = len(ROWS) - 1  # rows whose clips have to be played first
LENGTH_S, LEAD_S = 16.0, 8.0
MIN_CLIPS = 4  # a distribution of fewer says nothing


@dataclass(frozen=True)
class Judgement:
    """clips: excerpts played; rows: name of ROWS -> measure -> value (None where it cannot be told).

    histograms: name of ROWS, and "reference" -> name of HISTOGRAMS -> mean shares, for pictures.
    """

    clips: int
    rows: dict[str, dict[str, float | None]]
    histograms: dict[str, dict[str, npt.NDArray[np.float64]]]


def cut_clips(held_out: Shard, clips: int, seed: int) -> tuple[list[Excerpt], list[Excerpt]]:
    """As many excerpts of 16 s for the reference as for the row of real music, up to `clips`; the same seed, the same.

    DataError: fewer than say something are asked for, or the held-out side is too small for that.
    """
    if clips < MIN_CLIPS:
        raise DataError(f"clips {clips}: fewer than {MIN_CLIPS} say nothing: give --clips {MIN_CLIPS} or more, as 60")
    excerpts = cut_excerpts(held_out, 2 * clips, LENGTH_S, LEAD_S, seed)
    half = len(excerpts) // 2
    if half < MIN_CLIPS:
        raise DataError(
            f"the held-out side has {len(excerpts)} excerpts of {LENGTH_S + LEAD_S:.0f} s, {2 * MIN_CLIPS} are needed: "
            "prepare with a larger share for it, or more files"
        )
    return excerpts[:half], excerpts[half : 2 * half]


def judge(
    checkpoint: Checkpoint,
    ngrams: NgramModel,
    train: Shard,
    held_out: Shard,
    clips: int = 60,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> Judgement:
    """Plays in the places of cut_clips, which says what is refused, and measures all rows alike.

    ngrams: counted on `train`, in which copies are looked for, too.

    progress is told the clips played so far, of PLAYED x clips.
    """
    reference, others = cut_clips(held_out, clips, seed)
    known = Memorisation(_pitches(piece.tokens) for piece in train.pieces)
    wrong = [replace(excerpt, chords=reference[number - 1].chords) for number, excerpt in enumerate(reference)]
    no_beat = [replace(excerpt, meter=None) for excerpt in reference]

    def model(places: list[Excerpt], chord_strength: float = 1.0) -> Iterator[Notes]:
        return (continue_with_model(checkpoint, at, seed + n, chord_strength) for n, at in enumerate(places))

    plays = {
        "model": model(reference),
        "strength 0": model(reference, 0.0),
        "strength 2": model(reference, 2.0),
        "wrong chords": model(wrong),
        "no beat": model(no_beat),
        "5-gram": (continue_with_ngrams(ngrams, at, seed + n) for n, at in enumerate(reference)),
    }
    music = {"real music": ([excerpt.notes for excerpt in others], others)}
    done = 0
    for name, clips_of_row in plays.items():
        played = []
        for clip in clips_of_row:
            played.append(clip)
            done += 1
            progress(done)
        music[name] = (played, reference)
    truth = _stacked([excerpt.notes for excerpt in reference])
    rows, pictures = {}, {"reference": {name: values.mean(0) for name, values in truth.items()}}
    for name, (notes, places) in music.items():
        counted = _stacked(notes)
        pictures[name] = {key: values.mean(0) for key, values in counted.items()}
        rows[name] = {**_distances(truth, counted), **_figures(notes, places), **_memorised(known, notes)}
    return Judgement(len(reference), rows, pictures)


def _stacked(clips: list[Notes]) -> dict[str, npt.NDArray[np.float64]]:
    """Name of HISTOGRAMS -> (clips, bins)."""
    counted = [histograms(notes, LENGTH_S) for notes in clips]
    return {name: np.stack([row[name] for row in counted]) for name in HISTOGRAMS}


def _distances(
    truth: dict[str, npt.NDArray[np.float64]], counted: dict[str, npt.NDArray[np.float64]]
) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for name in HISTOGRAMS:
        values[f"overlap {name}"], values[f"KL {name}"] = overlap_and_kl(truth[name], counted[name])
    return values


def _figures(clips: list[Notes], places: list[Excerpt]) -> dict[str, float | None]:
    """Returns means over the clips for which a figure can be computed."""
    rows = [figures(notes, LENGTH_S, at.chords, at.meter) for notes, at in zip(clips, places, strict=True)]
    means: dict[str, float | None] = {}
    for name in FIGURES:
        values = np.array([row[name] for row in rows])
        means[name] = float(np.nanmean(values)) if not np.isnan(values).all() else None
    return means


def _memorised(known: Memorisation, clips: list[Notes]) -> dict[str, float | None]:
    return {
        "known 12-grams": float(np.mean(known.known_shares(clips))),
        "longest copy": float(known.longest_match(clips)),
    }


def _pitches(tokens: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    return np.asarray(native.decode(LAYOUT, np.asarray(tokens))[2])
