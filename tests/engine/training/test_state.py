"""A state file goes back into the run it came from, whole, or is refused in one line with nothing changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from safetensors.torch import load_file, save_file  # noqa: E402

from engine.data.window_sampler import WindowSampler  # noqa: E402
from engine.errors import CheckpointError, ConfigError  # noqa: E402
from engine.model.config_file import load_config, to_yaml  # noqa: E402
from engine.model.controls import Control  # noqa: E402
from engine.training.initial import initialise  # noqa: E402
from engine.training.trainer import Trainer  # noqa: E402
from tests.support.study_corpus import random_piece, write_config  # noqa: E402

Tensors = dict[str, Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder after two updates."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run")
    trainer = make(folder)
    sampler = WindowSampler([random_piece(1)], 64, 4, seed=0)
    for _ in range(2):
        trainer.step(sampler)
    trainer.save(folder / "state.safetensors")
    return folder


def make(folder: Path, **facts: Any) -> Trainer:
    config = load_config(write_config(folder, epochs=1))
    return Trainer(config, facts.pop("steps", 10), facts.pop("seed", 3), **facts)


def rewrite(source: Path, path: Path, change: Callable[[dict[str, Any], Tensors], None]) -> Path:
    """A copy of a state file with other facts or tensors."""
    with safe_open(source / "state.safetensors", framework="pt") as file:
        facts = json.loads(file.metadata()["run"])
    tensors = load_file(source / "state.safetensors")
    change(facts, tensors)
    save_file(tensors, path, metadata={"run": json.dumps(facts)})
    return path


def test_a_state_of_before_the_facts_grew_is_still_read(run: Path, tmp_path: Path) -> None:
    def older(facts: dict[str, Any], tensors: Tensors) -> None:
        for key in ("weights", "tokens", "processes", "data_sha256", "lowest"):
            del facts[key]
        # The first configs had none of these keys.
        facts["config"] = "".join(
            line for line in facts["config"].splitlines(True) if not line.strip().startswith(("ema:", "latent_span:"))
        )

    trainer = make(tmp_path, tokens=1000)
    trainer.load(rewrite(run, tmp_path / "old.safetensors", older))
    assert trainer.done == 2


@pytest.mark.parametrize("steps", [6, 10, 500])
def test_a_run_may_become_longer_or_shorter(run: Path, tmp_path: Path, steps: int) -> None:
    trainer = make(tmp_path, steps=steps)
    trainer.config = replace(trainer.config, training=replace(trainer.config.training, epochs=steps / 10))
    trainer.load(run / "state.safetensors")
    assert (trainer.done, trainer.steps) == (2, steps)
    trainer.done = steps
    assert trainer.learning_rate() == pytest.approx(3e-4)  # a tenth, at the new end


def test_a_state_of_the_fp16_scale_comes_back(run: Path, tmp_path: Path) -> None:
    trainer = make(tmp_path)
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
    trainer.save(tmp_path / "scaled.safetensors")
    other = make(tmp_path)
    other.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    other.load(tmp_path / "scaled.safetensors")
    assert other.accelerator.scaler.get_scale() == 512.0


def test_an_update_through_the_fp16_scale_is_the_update_without(tmp_path: Path) -> None:
    """Both optimisers see unscaled gradients, and the scale changes once an update."""
    sampler = WindowSampler([random_piece(1)], 64, 4, seed=0)
    plain, scaled = make(tmp_path), make(tmp_path)
    scaled.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=1)
    for _ in range(2):
        assert float(scaled.step(sampler)) == pytest.approx(float(plain.step(sampler)), abs=1e-5)
    for name, value in plain.weights().items():
        np.testing.assert_allclose(scaled.weights()[name], value, atol=1e-5, err_msg=name)
    assert scaled.accelerator.scaler.get_scale() == 4096.0


def averaging(folder: Path) -> Trainer:
    config = load_config(write_config(folder, epochs=1))
    return Trainer(replace(config, training=replace(config.training, ema=0.9)), 10, seed=3)


def test_an_average_is_measured_and_saved_while_the_run_goes_on_without_it(tmp_path: Path) -> None:
    sampler = WindowSampler([random_piece(1)], 64, 4, seed=0)
    plain, averaged = make(tmp_path), averaging(tmp_path)
    seen = []
    for _ in range(5):
        assert averaged.step(sampler) == plain.step(sampler)
        seen.append(plain.weights()["head.weight"])
    with averaged.averaged() as model:
        inside = model.head.weight.detach().numpy().copy()
    np.testing.assert_array_equal(inside, averaged.weights()["head.weight"])
    np.testing.assert_array_equal(averaged.model.head.weight.detach().numpy(), seen[-1])
    expected = seen[0]
    for done, weights in enumerate(seen[1:], start=1):
        decay = min(0.9, (done + 1) / (done + 10))
        expected = decay * expected + (1 - decay) * weights
    np.testing.assert_allclose(inside, expected, atol=1e-6)

    averaged.save(tmp_path / "state.safetensors")
    other = averaging(tmp_path)
    other.load(tmp_path / "state.safetensors")
    assert other.step(sampler) == averaged.step(sampler)
    for name, value in averaged.weights().items():
        np.testing.assert_array_equal(other.weights()[name], value, err_msg=name)
    fresh = make(tmp_path)
    assert initialise(fresh.model, tmp_path).endswith("float32, averaged, after 5 updates")
    np.testing.assert_array_equal(fresh.weights()["head.weight"], inside)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_a_loaded_state_is_not_held_open(tmp_path: Path) -> None:
    """Windows would refuse to replace the file at the next save."""
    path = tmp_path / "state.safetensors"
    first, other = averaging(tmp_path), averaging(tmp_path)
    first.step(WindowSampler([random_piece(1)], 64, 4, seed=0))
    first.save(path)
    other.load(path)
    assert not [line for line in Path("/proc/self/maps").read_text().splitlines() if str(path) in line]


@pytest.mark.parametrize("where", ["model", "average", "optimiser"])
def test_what_could_not_be_read_again_is_not_written(where: str, tmp_path: Path) -> None:
    trainer, path = averaging(tmp_path), tmp_path / "state.safetensors"
    trainer.step(WindowSampler([random_piece(1)], 64, 4, seed=0))
    trainer.save(path)
    before = path.read_bytes()
    moments = trainer.optimisers[1].state_dict()["state"][0]
    held = {"model": trainer.model.state_dict(), "average": trainer.average, "optimiser": moments}[where]
    next(value for value in held.values() if value.dim()).fill_(float("inf"))
    with pytest.raises(ConfigError, match=rf"^{where}\..* is not finite after 1 updates: lower training.learning_rate"):
        trainer.save(path)
    assert path.read_bytes() == before


def fact(key: str, value: object) -> Callable[[dict[str, Any], Tensors], None]:
    return lambda facts, tensors: facts.update({key: value})


def tensor(name: str, value: Any) -> Callable[[dict[str, Any], Tensors], None]:
    return lambda facts, tensors: tensors.update({name: value})


def config(old: str, new: str) -> Callable[[dict[str, Any], Tensors], None]:
    return lambda facts, tensors: facts.update({"config": facts["config"].replace(old, new)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (fact("seed", 4), "this run had seed 4, not 3"),
        (config("latent_len: 16", "latent_len: 8"), "this run had model.latent_len 8, not 16"),
        (config("learning_rate: 0.003", "learning_rate: 0.1"), "this run had training.learning_rate 0.1, not 0.003"),
        (fact("weights", {"pop": 0.5}), "this run had the weights pop=0.5, not 1 for all"),
        (fact("tokens", 7), "this run had data of 7 tokens, not 1,000"),
        (fact("data_sha256", "b" * 64), "this run had data with other content on their training side: give the same"),
        (fact("processes", 2), "this run had 2 processes, not 1"),
        (fact("done", -1), "cannot be read (update -1 of 10)"),
        (fact("done", "soon"), "cannot be read"),
        (fact("config", 5), "cannot be read"),
        (fact("config", "model: {latent_dim: [}"), "cannot be read (its config: broken YAML"),
        (fact("weights", [1]), "cannot be read"),
        (lambda facts, tensors: facts.clear(), "cannot be read ('config')"),
        (lambda facts, tensors: tensors.pop("model.head.weight"), "lacks parameter head.weight: start a new run"),
        (tensor("model.extra", torch.zeros(1)), "has an unknown parameter extra"),
        (tensor("model.head.weight", torch.zeros(2, 2)), "head.weight is (2, 2), not (400, 64): delete it"),
        (tensor("model.head.weight", torch.full((400, 64), float("nan"))), "model.head.weight holds numbers that are"),
        (tensor("optimiser.0.999.momentum_buffer", torch.zeros(1)), "optimiser.0.999.momentum_buffer fits no"),
        (tensor("optimiser.1.x.y", torch.zeros(1)), "optimiser.1.x.y fits no parameter"),
        (tensor("optimiser.1.0.exp_avg", torch.zeros(3)), "optimiser.1.0.exp_avg fits no parameter"),
    ],
)
def test_another_run_or_a_broken_one_is_refused_and_nothing_changes(
    change: Callable[[dict[str, Any], Tensors], None], words: str, run: Path, tmp_path: Path
) -> None:
    trainer = make(tmp_path, tokens=1000, data_sha256="a" * 64)
    before = trainer.weights()
    with pytest.raises(CheckpointError) as refusal:
        trainer.load(rewrite(run, tmp_path / "state.safetensors", change))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert trainer.done == 0
    for name, value in trainer.weights().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"\xff" * 64, b"\x08\0\0\0\0\0\0\0{}      "])
def test_what_is_no_state_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        make(tmp_path).load(tmp_path / "state.safetensors")
    with pytest.raises(CheckpointError, match="cannot be read"):
        initialise(make(tmp_path).model, tmp_path)


def test_a_new_run_starts_from_the_float32_numbers_of_another(run: Path, tmp_path: Path) -> None:
    for path in (run, run / "state.safetensors"):
        trainer = make(tmp_path, seed=9)
        text = initialise(trainer.model, path)
        assert text == f"{run / 'state.safetensors'}, float32 after 2 updates"
        for name, value in load_file(run / "state.safetensors").items():
            if name.startswith("model."):
                np.testing.assert_array_equal(trainer.weights()[name.removeprefix("model.")], value.numpy())
        assert trainer.done == 0


def test_a_checkpoint_given_as_the_folder_one_stands_in_has_its_run_beside_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base").mkdir()
    shutil.copytree(run, tmp_path / "base.run")
    monkeypatch.chdir(tmp_path / "base")
    for path in (".", "../base", tmp_path / "base"):
        text = initialise(make(tmp_path).model, Path(path))
        assert text == f"{tmp_path / 'base.run' / 'state.safetensors'}, float32 after 2 updates"
    with pytest.raises(CheckpointError, match=r"no config\.yaml"):
        initialise(make(tmp_path).model, Path("/"))


def test_a_missing_parameter_starts_at_zero_only_if_it_is_optional(run: Path, tmp_path: Path) -> None:
    def without(name: str) -> Path:
        return rewrite(run, tmp_path / "state.safetensors", lambda facts, tensors: tensors.pop(f"model.{name}"))

    trainer = make(tmp_path)
    assert initialise(trainer.model, without("sounding_emb.weight")).endswith("; sounding_emb.weight from zero")
    assert not trainer.weights()["sounding_emb.weight"].any()
    with pytest.raises(CheckpointError, match=r"lacks parameter head.weight: start from a model of the same config"):
        initialise(trainer.model, without("head.weight"))


def test_weights_of_another_shape_are_refused(run: Path, tmp_path: Path) -> None:
    wide = write_config(tmp_path, epochs=1)
    wide.write_text(to_yaml(load_config(wide)).replace("latent_dim: 64", "latent_dim: 128"))
    with pytest.raises(CheckpointError, match=r"is \(.*64\), but --config asks for \(.*128\): start from"):
        initialise(Trainer(load_config(wide), 10, seed=0).model, run)
    with pytest.raises(CheckpointError, match="no such run or checkpoint"):
        initialise(make(tmp_path).model, tmp_path / "nowhere")


def test_a_new_run_may_be_told_more_labels_than_the_one_it_starts_from(tmp_path: Path) -> None:
    """Rows go by name: those it had stay, a new label begins as if nothing were asked."""
    plain = load_config(write_config(tmp_path, epochs=1))
    role, density = Control("role", labels=("solo", "left")), Control("density", edges=(2.0, 5.0))
    old = replace(plain, model=replace(plain.model, controls=(role, density)))
    more = Control("role", labels=("left", "right", "solo"))
    new = replace(plain, model=replace(plain.model, controls=(density, more)))
    first, then = Trainer(old, 10, seed=3), Trainer(new, 10, seed=4)
    first.save(tmp_path / "state.safetensors")
    assert initialise(then.model, tmp_path).endswith("; role right from unknown")
    had, has = (trainer.weights()["control_emb.weight"] for trainer in (first, then))
    # had: solo, left, unknown; three levels, unknown. has: three levels, unknown; left, right, solo, unknown.
    np.testing.assert_array_equal(has, had[[3, 4, 5, 6, 1, 2, 0, 2]])
    other = replace(plain, model=replace(plain.model, controls=(Control("density", edges=(2.0, 6.0)),)))
    with pytest.raises(CheckpointError, match="its control 'density' is another one"):
        initialise(Trainer(other, 10, seed=4).model, tmp_path)


def test_a_new_run_may_start_from_the_mean_of_several(run: Path, tmp_path: Path) -> None:
    other = make(tmp_path)
    other.step(WindowSampler([random_piece(2)], 64, 4, seed=0))
    other.save(tmp_path / "state.safetensors")
    trainer = make(tmp_path, seed=9)
    said = initialise(trainer.model, run, run, tmp_path)
    assert said.count("after 2 updates") == 2
    assert said.endswith(f"and {tmp_path / 'state.safetensors'}, float32 after 1 updates")
    one = load_file(run / "state.safetensors")
    for name, value in trainer.weights().items():
        mean = (2 * one[f"model.{name}"].double() + other.model.state_dict()[name].double()) / 3
        np.testing.assert_allclose(value, mean.numpy(), rtol=1e-6, err_msg=name)
    with pytest.raises(CheckpointError, match="nowhere: no such run or checkpoint"):
        initialise(trainer.model, run, tmp_path / "nowhere")
