"""The form for a GPU is the plain form's function, before and after the compiler, and trains to the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.data.diet import Diet  # noqa: E402
from engine.data.shards.shard_writer import save_shard  # noqa: E402
from engine.data.shards.shards import Shard  # noqa: E402
from engine.model.config import Config  # noqa: E402
from engine.model.dense import dense_attention  # noqa: E402
from engine.model.perceiver import Inputs, PerceiverMusicTransformer  # noqa: E402
from engine.model.relative import relative_attention  # noqa: E402
from engine.training.device import CHORDS, FastForm, pad_chords  # noqa: E402
from engine.training.trainer import Trainer  # noqa: E402
from tests.support.study_corpus import random_piece  # noqa: E402
from tests.support.tiny_model import CONTROLLED, make_model, random_inputs  # noqa: E402

SIZES = [(90, 12, 20), (90, 12, 5), (96, 12, 12), (40, 64, 20), (40, 40, 64), (7, 12, 20), (1, 12, 3)]


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """The distance, against the size of the second."""
    return float((one.float() - other).detach().norm() / other.detach().norm())


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(("length", "band", "distances"), SIZES)
def test_dense_attention_is_the_plain_one_with_its_gradients(length: int, band: int, distances: int) -> None:
    generator = torch.Generator().manual_seed(length + band)
    q, k, v = (torch.randn(2, 3, length, 8, generator=generator, requires_grad=True) for _ in range(3))
    relative = torch.randn(3, distances, 8, generator=generator, requires_grad=True)
    results = []
    for attention in (relative_attention, dense_attention):
        out = attention(q, k, v, relative, band)
        gradients = torch.autograd.grad((out * torch.arange(8.0)).sum(), (q, k, v, relative))
        results.append((out.detach(), *gradients))
    for plain, dense in zip(*results, strict=True):
        torch.testing.assert_close(dense, plain, rtol=1e-3, atol=1e-4)


def windows(count: int = 3) -> Inputs:
    rng = np.random.default_rng(8)
    rows = [random_inputs(rng, 90, config=CONTROLLED) for _ in range(count)]
    return Inputs(**{name: torch.cat([getattr(row, name) for row in rows]) for name in vars(rows[0])})


def outputs(model: PerceiverMusicTransformer, inputs: Inputs) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Logits, and every parameter's gradient."""
    model.zero_grad()
    logits = model(inputs)
    logits.square().mean().backward()
    return logits.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


# eager: what torch.compile makes of the code, without its kernels, which take minutes (benchmarks/study/check_gpu.py).
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # of torch's own compiler
@pytest.mark.parametrize("backend", [None, "eager"])
def test_both_forms_agree_on_random_windows(backend: str | None) -> None:
    """To 1e-5 in float32 and to 1e-2 in bfloat16, with chords added that are hidden."""
    inputs = windows()
    model = make_model(config=CONTROLLED)
    plain, plain_gradients = outputs(model, inputs)
    fast = FastForm(model, backend)
    padded = pad_chords(inputs)
    assert padded.chords.shape[1] == CHORDS
    logits, gradients = outputs(model, padded)
    assert apart(logits, plain) < 1e-5
    for name, gradient in gradients.items():
        assert apart(gradient, plain_gradients[name]) < 1e-4, name
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert apart(model(padded), plain) < 1e-2
    with fast.plain(), torch.no_grad():
        assert torch.equal(model(inputs), plain)
    with torch.no_grad():
        assert apart(model(padded), plain) < 1e-5


def test_training_in_the_fast_form_leads_to_the_same_weights(tmp_path: Path) -> None:
    save_shard(tmp_path / "train.safetensors", Shard([random_piece(i) for i in range(3)], ["a"]))
    diet = Diet(tmp_path / "train.safetensors", CONTROLLED.max_seq_len, 4, 0, controls=CONTROLLED.controls)
    trainers = [Trainer(Config(model=CONTROLLED), 10, seed=1, fast=fast) for fast in (False, True)]
    losses = [[float(trainer.step(diet.open())) for _ in range(5)] for trainer in trainers]
    np.testing.assert_allclose(losses[1], losses[0], atol=2e-4)
    with trainers[1].averaged() as model:
        assert apart(model(windows(1)), trainers[0].model.eval()(windows(1))) < 5e-3
