"""Voicings: every chord has one in every kind, in range, without mud, made of its scale, near the one before."""

from __future__ import annotations

import pytest

from engine.chords import Chord
from engine.chords.scales import SCALES
from engine.data.practice.hands.scales import AVOID, CHORD_SCALES, palette
from engine.data.practice.hands.voicings import KINDS, RANGES, is_clear, voicing
from engine.vocabulary import QUALITIES


def test_every_quality_has_its_scales_and_each_known_scale_holds_its_third_and_seventh() -> None:
    assert set(CHORD_SCALES) == set(QUALITIES)
    for (quality, name), avoid in AVOID.items():
        assert not avoid & set(QUALITIES[quality])
        if name in SCALES:
            guides = [i for i in QUALITIES[quality] if i in (3, 4, 10, 11)]
            assert sum(i in SCALES[name] for i in guides) >= len(guides) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_chord_has_a_clear_voicing_in_range_made_of_notes_that_may_be_held(kind: str) -> None:
    low, high = RANGES[kind]
    for root in range(12):
        for quality, names in CHORD_SCALES.items():
            for bass in (None, (root + 2) % 12, (root + QUALITIES[quality][1]) % 12):
                chord = Chord(root, quality, bass)
                for name in names[:2]:
                    colour = palette(root, quality, name)
                    pitches = voicing(kind, chord, colour, ())
                    assert 2 <= len(pitches) <= 5
                    assert low <= pitches[0]
                    assert pitches[-1] <= high
                    assert is_clear(pitches) or len(pitches) == 2
                    extra = {14 % 12, 13 % 12, 15 % 12}  # ninths as pianists add them, whatever the scale says
                    allowed = colour.held | {(root + i) % 12 for i in extra} | ({bass} if bass is not None else set())
                    assert {pitch % 12 for pitch in pitches} <= allowed


@pytest.mark.parametrize("kind", ["rootless", "high"])
def test_rootless_voicings_of_a_cadence_move_by_small_steps(kind: str) -> None:
    for key in range(12):
        previous: tuple[int, ...] = ()
        for root, quality, scale in ((2, "m7", "dorian"), (7, "13", "mixolydian"), (0, "maj9", "major")):
            chord = Chord((root + key) % 12, quality)
            pitches = voicing(kind, chord, palette(chord.root, quality, scale), previous)
            assert chord.root not in {pitch % 12 for pitch in pitches}
            if previous:
                assert max(abs(a - b) for a, b in zip(pitches, previous, strict=True)) <= 2
            previous = pitches


@pytest.mark.parametrize("kind", ["shell", "open"])
def test_rooted_voicings_have_the_bass_at_the_bottom(kind: str) -> None:
    for root in range(12):
        for quality in QUALITIES:
            colour = palette(root, quality, CHORD_SCALES[quality][0])
            for bass in (None, (root + 7) % 12, (root + 3) % 12):
                pitches = voicing(kind, Chord(root, quality, bass), colour, ())
                assert pitches[0] % 12 == (root if bass is None else bass)


@pytest.mark.parametrize(
    ("pitches", "clear"),
    [
        ((36, 46, 52), True),  # root, seventh, tenth
        ((36, 40, 43), False),  # a third below E2
        ((46, 47, 53), False),  # a half step below C3
        ((52, 53, 57, 60), True),  # seventh and root at the half step, higher up
        ((60, 61, 62), False),  # a cluster
    ],
)
def test_mud_is_told_from_clarity(pitches: tuple[int, ...], clear: bool) -> None:
    assert is_clear(pitches) is clear
