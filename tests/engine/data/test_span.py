"""A span of each window is learnt from: latents and loss on its last positions, the past before them as context."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from engine.data.span import cut_span  # noqa: E402
from engine.data.window_sampler import WindowSampler  # noqa: E402
from engine.model.config_file import load_config  # noqa: E402
from engine.training.trainer import Trainer  # noqa: E402
from engine.vocabulary import PAD  # noqa: E402
from tests.support.study_corpus import random_piece, write_config  # noqa: E402

LENGTH, SPAN = 64, 20


def sampler(pieces: int = 4, length: int = 300) -> WindowSampler:
    return WindowSampler([random_piece(seed, length) for seed in range(pieces)], LENGTH, 4, seed=0)


@pytest.mark.parametrize("number", range(20))
def test_a_span_is_the_end_of_a_shorter_window(number: int) -> None:
    inputs, targets = sampler().batch(number)
    cut, last = cut_span(inputs, targets, SPAN, (0, number))
    end = cut.tokens.shape[1]
    assert SPAN <= end <= LENGTH
    assert last.shape == (4, SPAN)
    assert cut.beat.shape == cut.bar.shape == cut.chord_now.shape == (4, end)
    np.testing.assert_array_equal(last, targets[:, end - SPAN : end])
    told = last[:, :-1] != PAD  # what strays from the beat is no target
    np.testing.assert_array_equal(last[:, :-1][told], cut.tokens[:, end - SPAN + 1 :][told])
    assert told.float().mean() > 0.8
    assert cut_span(inputs, targets, SPAN, (0, number))[0].tokens.shape[1] == end  # a resumed run cuts as before


def test_spans_end_everywhere_so_that_starts_are_learnt_too() -> None:
    inputs, targets = sampler().batch(0)
    ends = {cut_span(inputs, targets, SPAN, (0, n))[0].tokens.shape[1] for n in range(2000)}
    assert ends == set(range(SPAN, LENGTH + 1))


@pytest.mark.parametrize("span", [0, LENGTH, LENGTH + 1])
def test_a_span_as_long_as_the_window_cuts_nothing(span: int) -> None:
    inputs, targets = sampler().batch(0)
    same, last = cut_span(inputs, targets, span, (0, 0))
    assert same is inputs
    assert last is targets


@pytest.mark.parametrize("length", [10, 15, 30, 50])
def test_pieces_shorter_than_a_window_always_leave_a_loss(length: int) -> None:
    for number in range(20):
        _, last = cut_span(*sampler(length=length).batch(number), SPAN, (0, number))
        assert (last != PAD).any()


def test_an_update_on_a_span_counts_its_tokens_and_resumes_exactly(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    config = load_config(write_config(tmp_path, epochs=1))
    config = replace(config, training=replace(config.training, latent_span=SPAN))
    trainer = Trainer(config, 10, seed=0)
    assert trainer.tokens_per_update == 4 * SPAN
    losses = [trainer.step(sampler()) for _ in range(4)]
    other = Trainer(config, 10, seed=0)
    assert [other.step(sampler()) for _ in range(2)] == losses[:2]
    other.save(tmp_path / "state.safetensors")
    third = Trainer(config, 10, seed=0)
    third.load(tmp_path / "state.safetensors")
    assert [third.step(sampler()) for _ in range(2)] == losses[2:]
