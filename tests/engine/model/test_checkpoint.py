"""Checkpoints come back as they were saved, or are refused in one line."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.errors import CheckpointError, SidemanError
from engine.model.checkpoint import Weights, checkpoint_folder, load_checkpoint, save_checkpoint
from engine.model.config import Config, ModelConfig
from engine.model.config_file import load_config, shipped_configs
from engine.model.controls import Control
from engine.model.nf4 import dequantise, quantise
from engine.model.shapes import parameter_shapes

MODEL = ModelConfig(
    latent_dim=64, latent_len=8, num_layers=2, num_heads=2, ff_dim=128, max_seq_len=16, max_relative_distance=12
)


def random_weights(seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)
    return {n: rng.normal(0, 0.1, shape).astype(np.float32) for n, shape in parameter_shapes(MODEL).items()}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "base", Config(model=MODEL), random_weights(), "# card\n")
    return tmp_path / "base"


CONTROLLED = replace(MODEL, controls=(Control("role", labels=("solo", "left")), Control("density", edges=(1.0, 4.5))))


@pytest.mark.parametrize("config", [MODEL, CONTROLLED, *(load_config(name).model for name in shipped_configs())])
def test_the_shapes_are_those_of_the_torch_model_in_its_order(config: ModelConfig) -> None:
    torch = pytest.importorskip("torch")
    from engine.model.perceiver import PerceiverMusicTransformer

    with torch.device("meta"):
        model = PerceiverMusicTransformer(config)
    expected = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    assert list(parameter_shapes(config).items()) == expected


def test_full_precision_comes_back_exactly(tmp_path: Path) -> None:
    weights = random_weights()
    save_checkpoint(tmp_path / "full", Config(model=MODEL), weights, "", bits=32)
    loaded = load_checkpoint(tmp_path / "full")
    assert loaded.model == MODEL
    assert list(loaded.weights) == list(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(loaded.weights[name], value)


def test_four_bits_hold_matrices_as_nf4_embeddings_as_halves_and_norms_whole(saved: Path) -> None:
    loaded, weights = load_checkpoint(saved), random_weights()
    for name, value in weights.items():
        if name.endswith("_proj.weight") or name == "head.weight":
            expected = dequantise(*quantise(value))
        else:
            expected = value.astype(np.float16).astype(np.float32) if value.ndim == 2 else value
        np.testing.assert_array_equal(loaded.weights[name], expected, err_msg=name)
    assert loaded.sha256 == hashlib.sha256((saved / "model.safetensors").read_bytes()).hexdigest()
    assert sorted(item.name for item in saved.iterdir()) == ["card.md", "config.yaml", "model.safetensors"]


@pytest.mark.parametrize("bits", [4, 32])
@pytest.mark.parametrize("name", ["head.weight", "token_emb.weight", "out_norm.bias"])
@pytest.mark.parametrize("value", [math.nan, -math.inf, 2e4])
def test_what_no_reader_takes_is_not_written(value: float, name: str, bits: int, saved: Path) -> None:
    before, weights = load_checkpoint(saved).sha256, random_weights()
    weights[name].flat[-1] = value
    with pytest.raises(CheckpointError, match=rf"{name} would hold numbers that are no weights"):
        save_checkpoint(saved, Config(model=MODEL), weights, "", bits)
    assert load_checkpoint(saved).sha256 == before


def change(edit: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        edit(tensors)
        save_file(tensors, folder / "model.safetensors")

    return damage


def rewrite(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


HEAD = "head.weight"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "config.yaml").unlink(), "no config.yaml"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
        (rewrite("config.yaml", b"model: {latent_dmi: 64}"), "did you mean 'latent_dim'"),
        (rewrite("config.yaml", b"\xff"), "UTF-8"),
        (rewrite("config.yaml", b"model: 2020-99-99"), "broken YAML"),
        (rewrite("config.yaml", b"[" * 50_000), "broken YAML"),
        (rewrite("config.yaml", b"#" * 70_000), "it is too long"),
        (rewrite("config.yaml", b"model: {latent_dim: 1" + b"0" * 400 + b"}"), "is not a whole number"),
        (rewrite("model.safetensors", b""), "copy the checkpoint again"),
        (rewrite("model.safetensors", b"\x80\x04pickle" * 9), "copy the checkpoint again"),
        (cut, "copy the checkpoint again"),
        (change(lambda t: t.pop("out_norm.bias")), "no tensor out_norm.bias"),
        (change(lambda t: t.update({"more": np.zeros(2, np.float32)})), "an unknown tensor more"),
        (change(lambda t: t.update({"out_norm.bias": np.zeros(2, np.float32)})), "out_norm.bias is (2,)"),
        (change(lambda t: t.update({"out_norm.bias": np.zeros(64, np.int64)})), "int64 without scales"),
        (change(lambda t: t.pop(f"{HEAD}.absmax")), "head.weight is uint8 without scales"),
        (change(lambda t: t.pop(HEAD)), "head.weight.absmax has no codes"),
        (change(lambda t: t.update({f"{HEAD}.absmax": t[f"{HEAD}.absmax"][1:]})), "not one NF4 matrix"),
        (change(lambda t: t["out_norm.bias"].__setitem__(0, np.nan)), "out_norm.bias holds numbers that"),
        (change(lambda t: t[f"{HEAD}.absmax"].__setitem__(0, np.inf)), "head.weight holds numbers that are no weights"),
        (change(lambda t: t["token_emb.weight"].__setitem__(0, 6e4)), "token_emb.weight holds numbers that are"),
        (rewrite("model.safetensors", b"\0" * 3_000_000), "too large for its config.yaml"),
        (rewrite("config.yaml", b"model: {num_layers: 1000000000}"), "no base has more than 256"),
        (rewrite("config.yaml", b"model: {max_seq_len: 1000000000000}"), "no base has more than 1048576"),
    ],
)
def test_a_damaged_checkpoint_is_refused_in_one_line(saved: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(saved)
    with pytest.raises(CheckpointError) as refusal:
        load_checkpoint(saved)
    assert words in str(refusal.value)
    assert str(saved) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_that_is_no_checkpoint_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.mid").write_bytes(b"MThd")
    with pytest.raises(SidemanError, match=r"holds 'song\.mid'"):
        save_checkpoint(tmp_path / "music", Config(model=MODEL), random_weights(), "")
    assert (tmp_path / "music" / "song.mid").read_bytes() == b"MThd"


def test_controls_come_back_with_the_checkpoint(tmp_path: Path) -> None:
    weights = {n: np.ones(shape, np.float32) for n, shape in parameter_shapes(CONTROLLED).items()}
    save_checkpoint(tmp_path / "base", Config(model=CONTROLLED), weights, "")
    loaded = load_checkpoint(tmp_path / "base")
    assert loaded.model == CONTROLLED
    assert loaded.weights["control_emb.weight"].shape == (3 + 4, 64)


def test_the_shipped_bases_load() -> None:
    small = load_checkpoint("small")
    assert small.model == load_config("tiny").model
    base = load_checkpoint()
    assert len(base.model.controls) == 12
    for checkpoint in (small, base):
        assert all(np.isfinite(value).all() for value in checkpoint.weights.values())


def test_a_folder_here_comes_before_a_shipped_base_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkpoint_folder("small").is_absolute()
    save_checkpoint(tmp_path / "small", Config(model=MODEL), random_weights(), "")
    assert load_checkpoint("small").model == MODEL
