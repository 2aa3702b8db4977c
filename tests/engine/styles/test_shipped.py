"""The shipped styles, played as `sideman generate` plays them, are nearer to their pianists than the base is.

Figures of the pianists' own pieces and of both are in docs/STYLES.md; benchmarks/music/bench_styles names clips.
"""

from __future__ import annotations

import numpy as np
import pytest

from engine.chords import parse_chart
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.notes import Notes
from engine.solo.improvise import improvise
from osc_protocol.table.parameters import settings

CHART = "Dm7 | G7 | Cmaj7 | Am7 | Dm7 | G7 | C | C"
SOLOS = 4
SOON_S = 0.35


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(None)


def solos(checkpoint: Checkpoint, style: str) -> list[Notes]:
    return [
        improvise(checkpoint, parse_chart(CHART), tempo_bpm=110.0, seed=seed, params=settings(style=style)).notes
        for seed in range(SOLOS)
    ]


def struck_again_soon(notes: Notes) -> float:
    """The share of notes whose key was struck less than SOON_S before."""
    last: dict[int, float] = {}
    again = 0
    for note in np.sort(notes, order="onset_s"):
        again += note["onset_s"] - last.get(int(note["pitch"]), -SOON_S) < SOON_S
        last[int(note["pitch"])] = float(note["onset_s"])
    return again / len(notes)


@pytest.mark.parametrize(("style", "most"), [("ragtime", 0.17), ("klezmer", 0.32)])
def test_a_pianist_repeats_keys_about_as_often_as_in_his_own_pieces(
    shipped: Checkpoint, style: str, most: float
) -> None:
    """Joplin's rags 0.09 and Perlstein's rolls 0.21, the styles 0.11 and 0.19, without his repetition 0.23 and 0.43."""
    assert np.mean([struck_again_soon(notes) for notes in solos(shipped, style)]) < most


def test_klezmer_is_the_denser_and_both_are_denser_than_the_base(shipped: Checkpoint) -> None:
    base, rag, klezmer = (
        np.mean([len(notes) / notes["offset_s"].max() for notes in solos(shipped, style)])
        for style in ("", "ragtime", "klezmer")
    )
    assert base < rag < klezmer < 18, "Perlstein's rolls have 14 notes a second"
