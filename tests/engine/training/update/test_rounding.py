"""Training that knows of NF4: what an update feels, what is measured, and what is saved are the same numbers."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from engine.data.window_sampler import WindowSampler  # noqa: E402
from engine.model.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from engine.model.config_file import load_config  # noqa: E402
from engine.model.nf4 import dequantise, quantise  # noqa: E402
from engine.model.shapes import is_matrix  # noqa: E402
from engine.training.trainer import Trainer  # noqa: E402
from engine.training.update.rounding import rounded, stored_weights  # noqa: E402
from tests.support.study_corpus import random_piece, write_config  # noqa: E402


def make(folder: Path, *, aware: bool = True) -> Trainer:
    config = load_config(write_config(folder, epochs=1))
    return Trainer(replace(config, training=replace(config.training, quantisation_aware=aware)), 10, seed=3)


def own(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in trainer.model.state_dict().items()}


def test_rounded_numbers_are_those_that_a_checkpoint_gives_back() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(33, 192)).astype(np.float32) * np.float32(10.0) ** rng.integers(-6, 4, (33, 1))
    weight[3], weight[4, :64], weight[5, 7] = 0.0, 0.0, 1e30
    weight = weight.astype(np.float32)
    np.testing.assert_array_equal(rounded(torch.from_numpy(weight)).numpy(), dequantise(*quantise(weight)))


def test_only_inside_the_matrices_are_rounded(tmp_path: Path) -> None:
    trainer = make(tmp_path)
    before = own(trainer)
    with contextlib.suppress(KeyboardInterrupt), stored_weights(trainer.model):
        inside = own(trainer)
        raise KeyboardInterrupt
    for name, value in inside.items():
        stored = dequantise(*quantise(before[name])) if is_matrix(name) else before[name]
        np.testing.assert_array_equal(value, stored, err_msg=name)
    after = own(trainer)
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_an_update_takes_its_gradients_at_the_rounded_weights_and_moves_the_exact_ones(tmp_path: Path) -> None:
    sampler = WindowSampler([random_piece(1)], 64, 4, seed=0)
    aware, plain = make(tmp_path), make(tmp_path, aware=False)
    exact = own(aware)
    plain.model.load_state_dict(
        {n: torch.from_numpy(dequantise(*quantise(v)) if is_matrix(n) else v) for n, v in exact.items()}
    )
    assert float(aware.step(sampler)) == float(plain.step(sampler))
    gradients = dict(plain.model.named_parameters())
    for name, parameter in aware.model.named_parameters():
        assert torch.equal(parameter.grad, gradients[name].grad), name
        assert not is_matrix(name) or np.abs(parameter.detach().numpy() - exact[name]).max() > 0, name
        assert not is_matrix(name) or not torch.equal(parameter, rounded(parameter)), "an exact number, not a level"


def test_what_is_measured_is_what_is_saved(tmp_path: Path) -> None:
    trainer = make(tmp_path)
    trainer.step(WindowSampler([random_piece(1)], 64, 4, seed=0))
    save_checkpoint(tmp_path / "base", trainer.config, trainer.weights(), "a test")
    saved = load_checkpoint(tmp_path / "base").weights
    with trainer.averaged() as model:
        for name, value in model.state_dict().items():
            stored = value.numpy() if is_matrix(name) else saved[name]  # embeddings are kept in float16
            np.testing.assert_array_equal(saved[name], stored, err_msg=name)
