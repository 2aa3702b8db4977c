"""The streaming decoder is the network: same logits, for ever, and exact rollback."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.inference.decoders.numpy_decoder import Decoder
from engine.model.config import ModelConfig
from engine.model.perceiver import Inputs
from engine.model.shapes import CHORD_CLIP, CHORDS_AHEAD, CHORDS_BACK
from tests.support.tiny_model import CONFIG, CONTROLLED, make_checkpoint, make_model, random_inputs

TOLERANCE = 1e-4


def step(decoder: Decoder, inputs: Inputs, position: int) -> np.ndarray:
    """Feeds one position of a window."""
    now, count = int(inputs.chord_now[0, position]), inputs.chords.shape[1]
    first, last = max(0, now - CHORDS_BACK), min(count, now + CHORDS_AHEAD + 1)
    rows = np.clip(np.arange(first, last) - now, -CHORD_CLIP, CHORD_CLIP) + CHORD_CLIP
    return decoder.step(
        int(inputs.tokens[0, position]),
        int(inputs.beat[0, position]),
        int(inputs.bar[0, position]),
        inputs.chords[0, first:last].numpy(),
        rows,
        None if inputs.levels is None else inputs.levels[0, position].numpy(),
    )


def without_chords(inputs: Inputs) -> Inputs:
    length = inputs.tokens.shape[1]
    return Inputs(
        inputs.tokens,
        inputs.beat,
        inputs.bar,
        torch.tensor([[400]]),
        torch.zeros(1, length, dtype=torch.long),
        inputs.chords_ahead,
        torch.tensor([1]),
        inputs.levels,
    )


@pytest.mark.parametrize(("chords", "config"), [(1, CONFIG), (9, CONFIG), (90, CONFIG), (9, CONTROLLED)])
def test_a_stream_gives_the_logits_of_the_full_forward_pass(chords: int, config: ModelConfig) -> None:
    """150 tokens: past three bands, past the context, and past the point where the caches slide."""
    model = make_model(config=config)
    inputs = random_inputs(np.random.default_rng(chords), 150, chords, config=config)
    decoder = Decoder(make_checkpoint(model), rollback=16)
    streamed = np.stack([step(decoder, inputs, position) for position in range(150)], axis=1)
    with torch.no_grad():
        assert np.abs(streamed[0] - model(inputs)[0].numpy()).max() < TOLERANCE
        assert np.abs(streamed[1] - model(without_chords(inputs))[0].numpy()).max() < TOLERANCE


def test_rollback_equals_never_having_gone_ahead() -> None:
    rng = np.random.default_rng(5)
    checkpoint, inputs, other = make_checkpoint(make_model()), random_inputs(rng, 200), random_inputs(rng, 200)
    straight, detour = Decoder(checkpoint, rollback=20), Decoder(checkpoint, rollback=20)
    for position in range(200):
        expected = step(straight, inputs, position)
        for wrong in range(back := int(rng.integers(0, 20))):
            step(detour, other, (position + wrong) % 200)
        detour.rollback(back)
        np.testing.assert_array_equal(step(detour, inputs, position), expected)
    assert detour.length == straight.length == 200


def test_rollback_beyond_what_is_kept_is_refused() -> None:
    decoder, inputs = Decoder(make_checkpoint(make_model()), rollback=4), random_inputs(np.random.default_rng(0), 10)
    for position in range(10):
        step(decoder, inputs, position)
    with pytest.raises(ValueError, match="cannot roll back 5 tokens: 4 are kept"):
        decoder.rollback(5)


def test_memory_does_not_grow() -> None:
    decoder, inputs = Decoder(make_checkpoint(make_model()), rollback=8), random_inputs(np.random.default_rng(0), 100)
    sizes = set()
    for position in range(1000):
        step(decoder, inputs, position % 100)
        sizes.add(decoder._k.nbytes + decoder._v.nbytes + decoder._ids.nbytes)
    assert len(sizes) == 1


def test_what_is_not_asked_is_unknown() -> None:
    checkpoint = make_checkpoint(make_model(config=CONTROLLED))
    silent, unknown = Decoder(checkpoint), Decoder(checkpoint)
    chord = np.array([400]), np.array([CHORD_CLIP])
    np.testing.assert_array_equal(
        silent.step(60, 24, 8, *chord), unknown.step(60, 24, 8, *chord, np.full(5, -1, np.float32))
    )


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ([0, 0, 0], "give 5, one a control"),
        ([3, 0, 0, 0, 0], "role level 3"),
        ([0.5, 0, 0, 0, 0], "role level 0.5: give a whole number of 0 to 2"),
        ([0, 3.5, 0, 0, 0], "density level 3.5: give 0 to 3, or -1 for unknown"),
        ([0, np.nan, 0, 0, 0], "density level nan"),
        ([0, -0.5, 0, 0, 0], "density level -0.5"),
    ],
)
def test_levels_that_are_none_are_refused_and_nothing_is_fed(levels: list[float], words: str) -> None:
    decoder = Decoder(make_checkpoint(make_model(config=CONTROLLED)))
    with pytest.raises(ValueError, match=words):
        decoder.step(60, 24, 8, np.array([400]), np.array([CHORD_CLIP]), np.array(levels, np.float32))
    assert decoder.length == 0
