"""The namer hears what a practice pianist was asked, and goes on hearing it where the pianist is less exact."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.controls.naming import NAMED, Clip, Namer, practice_clip, roughened

PIECES, UNHEARD = range(160), range(90_000, 90_050)


@pytest.fixture(scope="module")
def namer() -> Namer:
    clips = [practice_clip(seed) for seed in PIECES]
    return Namer(clips + [roughened(clip, np.random.default_rng(i)) for i, clip in enumerate(clips)])


@pytest.fixture(scope="module")
def unheard() -> list[Clip]:
    return [practice_clip(seed) for seed in UNHEARD]


def test_a_few_hundred_pieces_are_enough_to_name_others(namer: Namer, unheard: list[Clip]) -> None:
    for kind, share in namer.accuracy(unheard).items():
        assert share >= {"role": 0.85, "groove": 0.4, "left_hand": 0.6}[kind]


def test_names_do_not_hang_on_exactness(namer: Namer, unheard: list[Clip]) -> None:
    rough = namer.accuracy([roughened(clip, np.random.default_rng(i)) for i, clip in enumerate(unheard)])
    exact = namer.accuracy(unheard)
    for kind in NAMED:
        assert rough[kind] >= exact[kind] - 0.15


def test_roughened_music_is_the_same_each_time_and_still_playable(unheard: list[Clip]) -> None:
    for clip in unheard[:10]:
        one, again = (roughened(clip, np.random.default_rng(3)).notes for _ in range(2))
        np.testing.assert_array_equal(one, again)
        assert 0.7 * len(clip.notes) <= len(one) <= len(clip.notes)
        assert (one["offset_s"] > one["onset_s"]).all()
        assert (one["onset_s"] >= 0).all()
        assert one["velocity"].min() >= 1
