"""Fine-tuning on a base of a few weights: it learns, it stops, plain PEFT reads it, and the decoder plays the same."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("bitsandbytes")
pytest.importorskip("peft")

import torch

from engine.data.prepare import Settings, prepare
from engine.data.shards.shards import load_shard
from engine.errors import ConfigError, DataError, SidemanError
from engine.inference.decoders.numpy_decoder import Decoder
from engine.model import nf4
from engine.model.checkpoint import Checkpoint, load_checkpoint, nf4_matrices
from engine.model.config import QloraConfig
from engine.model.perceiver import PerceiverMusicTransformer
from engine.styles.merge import export_merged
from engine.styles.style import adapter_of
from engine.styles.style_folder import STYLE_FILES, load_style, save_style
from engine.training.evaluate import load_model
from engine.training.finetune import layers as finetune_layers
from engine.training.finetune.checks import Worth
from engine.training.finetune.finetune import Recipe, finetune
from engine.training.finetune.recipe import KEEP_SHARE
from engine.training.finetune.run import JUDGED_WINDOWS, STRENGTHS, Run
from engine.training.finetune.time_limit import Budget
from tests.support.study_corpus import write_corpus
from tests.support.style_folders import random_style, write_base
from tests.support.tiny_model import random_inputs

QUICK = Recipe(updates=12, update_tokens=80, warmup=2, learning_rate=1e-2)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base and prepared pieces: `data` split in three, `whole` with nothing held out."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("finetune")
    write_base(folder / "base")
    write_corpus(folder / "midi", files=6)
    prepare(folder / "midi", folder / "data", Settings(split=(0.5, 0.25, 0.25), workers=1))
    prepare(folder / "midi", folder / "whole", Settings(split=(1.0, 0.0, 0.0), workers=1))
    return folder


@pytest.fixture(scope="module")
def base(study: Path) -> Checkpoint:
    return load_checkpoint(study / "base")


def logits(model: torch.nn.Module, length: int = 30) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = model(random_inputs(np.random.default_rng(0), length))
    return out


@pytest.mark.parametrize("form", ["nf4", "16-bit", "32-bit", "full"])
def test_every_form_of_a_base_is_the_base(base: Checkpoint, form: finetune_layers.Form) -> None:
    exact = finetune_layers.build(base, form, "cpu", double_quantization=False).eval()
    tolerance = 2e-2 if form == "16-bit" else 1e-4
    torch.testing.assert_close(logits(exact), logits(load_model(base)), atol=tolerance, rtol=tolerance)


def test_nf4_holds_the_checkpoints_own_codes(base: Checkpoint) -> None:
    model = finetune_layers.build(base, "nf4", "cpu", double_quantization=False)
    codes, absmax = nf4_matrices(base)["blocks.0.ff.up_proj.weight"]
    layer = model.get_submodule("blocks.0.ff.up_proj")
    np.testing.assert_array_equal(layer.weight.numpy().reshape(codes.shape), codes)
    np.testing.assert_array_equal(layer.weight.quant_state.absmax.numpy().reshape(absmax.shape), absmax)
    np.testing.assert_array_equal(nf4.dequantise(codes, absmax), base.weights["blocks.0.ff.up_proj.weight"])


def test_double_quantisation_is_smaller_and_near(base: Checkpoint) -> None:
    single = finetune_layers.build(base, "nf4", "cpu", double_quantization=False).eval()
    double = finetune_layers.build(base, "nf4", "cpu", double_quantization=True).eval()
    half = finetune_layers.build(base, "16-bit", "cpu").eval()
    sizes = [finetune_layers.stored_bytes(model) for model in (double, single, half)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1] < sizes[2]
    error = (logits(double) - logits(single)).norm() / logits(single).norm()
    assert error < 0.05


def test_gradients_pass_through_four_bits(base: Checkpoint) -> None:
    """Of the adapter's matrices, through NF4 layers, as through the same weights in float32."""
    gradients = []
    for form in ("nf4", "full"):
        torch.manual_seed(0)
        inner = finetune_layers.build(base, form, "cpu", double_quantization=False).requires_grad_(False)  # type: ignore[arg-type]
        wrapped = finetune_layers.add_lora(inner, QloraConfig(dropout=0.0)).train()
        inner(random_inputs(np.random.default_rng(0), 30)).square().mean().backward()
        gradients.append({name: p.grad for name, p in wrapped.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    assert all(".lora_" in name for name in gradients[0])
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-5, rtol=1e-3)


def test_gradient_checkpointing_changes_no_gradient(base: Checkpoint) -> None:
    gradients = []
    for keep in (False, True):
        torch.manual_seed(0)
        inner = finetune_layers.build(base, "nf4", "cpu")
        if keep:
            finetune_layers.checkpoint_blocks(inner)
        wrapped = finetune_layers.add_lora(inner, QloraConfig(dropout=0.0)).train()
        inner(random_inputs(np.random.default_rng(0), 30)).square().mean().backward()
        gradients.append([p.grad for p in wrapped.parameters() if p.grad is not None])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_a_style_is_learnt_and_its_folder_says_how(study: Path, base: Checkpoint) -> None:
    news = []
    done = finetune(study / "base", study / "data", "songs", study / "style", QUICK, study / "whole", news.append)
    before, after = done.held_out
    assert after < 0.97 * before
    assert done.gain == pytest.approx(1 - after / before)
    assert news[-1].held_out < news[0].base
    assert sorted(path.name for path in (study / "style").iterdir()) == sorted(STYLE_FILES)
    style = load_style(study / "style")
    assert (style.name, style.base_sha256, style.rank, style.alpha) == ("songs", base.sha256, 8, 16.0)
    measured = style.facts["metrics"]["held_out"]
    assert measured["style_nats_per_token"] == pytest.approx(after, abs=1e-3)
    assert style.facts["sources"][0]["files"] > 0
    training = style.facts["training"]
    assert (training["keep_share"], training["own_playing"]) == (KEEP_SHARE, True)
    assert training["emphasis"] in STRENGTHS
    assert set(style.facts["metrics"]["chords_are_worth"]) == {"held_out", "practice"}
    # What style.yaml says is what the base and the adapter give, float16 and 4 bits notwithstanding.
    merged = load_model(base)
    for module, (a, b, scale) in adapter_of(style, base).items():
        merged.get_submodule(module).weight.data += torch.from_numpy(scale * b @ a)
    from engine.training.evaluate import evaluate

    side = "test" if len(load_shard(study / "data" / "test.safetensors").pieces) else "valid"
    score = evaluate(merged, load_shard(study / "data" / f"{side}.safetensors"), max_windows=JUDGED_WINDOWS)[
        "all"
    ].nats_per_token
    assert score == pytest.approx(after, abs=0.02)


@pytest.mark.parametrize(("worth_lost", "emphasis"), [(0.0, 0.85), (0.14, 0.85), (0.15, 0.7), (0.2, 0.5), (0.5, 0.5)])
def test_emphasis_leaves_what_chords_are_worth(
    worth_lost: float, emphasis: float, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worth that falls evenly with the adapter's strength."""
    train = load_shard(study / "data" / "train.safetensors")
    run = Run(load_checkpoint(study / "base"), QUICK, "songs", train, train, None, Budget(0.0, 1e9))
    matrix = next(p for name, p in run.model.named_parameters() if ".lora_B." in name)
    with torch.no_grad():
        matrix.fill_(1.0)

    def worth(model: torch.nn.Module) -> Worth:
        now = float(matrix.detach().mean())
        return Worth(1 - 0.2 * now, {"held_out": 0.2 * (1 - worth_lost * now), "practice": 0.3})

    run.worth = (Worth(1.0, {"held_out": 0.2, "practice": 0.3}),) * 2
    monkeypatch.setattr(run.checks, "worth", worth)
    run.emphasise()
    assert run.emphasis == pytest.approx(emphasis)
    assert float(matrix.detach().mean()) == pytest.approx(emphasis)
    assert run.worth[1].held_out == pytest.approx(worth(run.inner).held_out)


def test_what_chords_are_worth_counts_where_they_are_worth_something() -> None:
    base = Worth(1.0, {"held_out": 0.2, "practice": 0.001})
    assert Worth(0.9, {"held_out": 0.1, "practice": -0.5}).kept(base) == pytest.approx(0.5)
    assert Worth(0.9, {"held_out": 0.1}).kept(Worth(1.0, {"held_out": 0.0})) == 1.0


@pytest.mark.parametrize("slow_from", ["the start", "the first update"])
def test_the_time_limit_holds_on_the_wall_where_the_process_gets_little_of_a_processor(
    slow_from: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, begun = time.monotonic, time.monotonic()
    slow_since = [begun] if slow_from == "the start" else []

    def wall_s() -> float:
        """Fifteen seconds pass on the wall while the process computes for one, if it has the processor to itself."""
        now = real()
        return now + 14 * (now - slow_since[0]) if slow_since else now

    def slow_down(*_: object) -> int:
        if not slow_since:
            slow_since.append(real())
        return 0

    monkeypatch.setattr(time, "monotonic", wall_s)
    monkeypatch.setattr("engine.training.finetune.run.rate_share", lambda *_: slow_down() or 0.5)
    recipe = dataclasses.replace(QUICK, updates=100_000, max_minutes=3.0)
    done = finetune(study / "base", study / "data", "songs", tmp_path / "style", recipe)
    assert 60.0 < done.seconds < 225.0
    assert load_style(tmp_path / "style").name == "songs"


def test_one_product_is_what_peft_computes(base: Checkpoint) -> None:
    """Output and gradients of every LoRA layer, with and without dropout's mask at rest."""
    results = []
    for mine in (True, False):
        torch.manual_seed(0)
        inner = finetune_layers.build(base, "32-bit", "cpu")
        wrapped = finetune_layers.add_lora(inner, QloraConfig(dropout=0.0)).train()
        for name, parameter in wrapped.named_parameters():
            if ".lora_B." in name:
                torch.nn.init.normal_(parameter, std=0.1)
        if not mine:
            for module in wrapped.modules():
                vars(module).pop("forward", None)
        out = inner(random_inputs(np.random.default_rng(0), 30))
        out.square().mean().backward()
        results.append((out.detach(), {name: p.grad for name, p in wrapped.named_parameters() if p.grad is not None}))
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-5, rtol=1e-4)
    assert results[0][1].keys() == results[1][1].keys()
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(gradient, results[1][1][name], atol=1e-5, rtol=1e-3)


def test_dropout_leaves_the_mean_and_acts_in_training_alone(base: Checkpoint) -> None:
    torch.manual_seed(0)
    wrapped = finetune_layers.add_lora(finetune_layers.build(base, "32-bit", "cpu"), QloraConfig(dropout=0.5))
    layer = wrapped.get_submodule("base_model.model.encode_attn.q_proj")
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    x = torch.randn(3, 64)
    layer.eval()
    plain = layer(x).detach()
    torch.testing.assert_close(layer(x).detach(), plain)
    layer.train()
    draws = torch.stack([layer(x).detach() for _ in range(4000)])
    assert draws.std(0).mean() > 0.1 * plain.std()
    torch.testing.assert_close(draws.mean(0), plain, atol=0.1 * float(draws.std(0).max()), rtol=0)


def test_the_same_seed_gives_the_same_style(study: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(QUICK, updates=2)
    for name in ("one", "two"):
        finetune(study / "base", study / "data", "songs", tmp_path / name, recipe)
    first, second = (load_style(tmp_path / name).tensors for name in ("one", "two"))
    for module, pair in first.items():
        for one, other in zip(pair, second[module], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_without_a_held_out_side_some_pieces_are_kept_back(study: Path, tmp_path: Path) -> None:
    done = finetune(study / "base", study / "whole", "songs", tmp_path / "style", dataclasses.replace(QUICK, updates=2))
    assert "kept back from the training side" in done.facts["metrics"]["held_out_is"]


def test_a_run_that_gains_nothing_stops_early_and_leaves_the_base(study: Path, tmp_path: Path) -> None:
    news = []
    recipe = dataclasses.replace(QUICK, updates=48, learning_rate=1e-15, patience=2)
    done = finetune(study / "base", study / "data", "songs", tmp_path / "style", recipe, report=news.append)
    assert [(line.step, line.held_out) for line in news] == [(9, news[0].base), (18, news[0].base)]
    assert done.updates == 0
    assert done.held_out[1] == done.held_out[0]


def test_a_run_out_of_time_ends_with_what_it_has(study: Path, tmp_path: Path) -> None:
    news = []
    recipe = dataclasses.replace(QUICK, max_minutes=1e-6)
    finetune(study / "base", study / "data", "songs", tmp_path / "style", recipe, report=news.append)
    assert [line.step for line in news] == [1]
    assert load_style(tmp_path / "style").name == "songs"


def test_all_of_a_base_is_fine_tuned_into_a_checkpoint(study: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(QUICK, form="full", updates=4, learning_rate=3e-3)
    done = finetune(study / "base", study / "data", "songs", tmp_path / "tuned", recipe)
    assert done.held_out[1] < done.held_out[0]
    tuned = load_checkpoint(tmp_path / "tuned")
    assert not np.array_equal(tuned.weights["head.weight"], load_checkpoint(study / "base").weights["head.weight"])
    assert "fine-tuned: songs" in (tmp_path / "tuned" / "card.md").read_text()


def test_plain_peft_the_decoder_and_a_merged_base_agree(base: Checkpoint, tmp_path: Path) -> None:
    """Logits of one style by three roads, and by the decoder with the style at weight 1 in a slot."""
    style = random_style(base, size=0.1)
    save_style(tmp_path / "style", style)
    peft = finetune_layers.import_peft()
    by_peft = logits(peft.PeftModel.from_pretrained(load_model(base), str(tmp_path / "style")).eval())
    export_merged(base, style, tmp_path / "merged", bits=32)
    merged = load_checkpoint(tmp_path / "merged")
    torch.testing.assert_close(logits(load_model(merged)), by_peft, atol=1e-5, rtol=1e-5)
    assert (by_peft - logits(load_model(base))).abs().max() > 0.1

    decoder, expected = Decoder(base), Decoder(merged)
    decoder.set_style(2, adapter_of(style, base))
    decoder.set_style_weights([0, 0, 1, 0])
    for row in steps(decoder, expected):
        np.testing.assert_allclose(row[0], row[1], atol=1e-4)


def test_weights_blend_styles_and_none_is_the_base(base: Checkpoint) -> None:
    """A blend is the weighted sum; slot by slot, in any order of calls."""
    styles = [random_style(base, seed=seed, size=0.1) for seed in (1, 2)]
    weights = dict(base.weights)
    for style, share in zip(styles, (0.25, 0.75), strict=True):
        for module, (a, b, scale) in style.lora.items():
            weights[f"{module}.weight"] = weights[f"{module}.weight"] + share * scale * b @ a
    decoder, expected = Decoder(base), Decoder(dataclasses.replace(base, weights=weights, stored={}))
    decoder.set_style_weights([0.75, 0, 0, 0.25])
    decoder.set_style(3, styles[0].lora)
    decoder.set_style(0, styles[1].lora)
    for row in steps(decoder, expected):
        np.testing.assert_allclose(row[0], row[1], atol=1e-4)
    decoder, expected = Decoder(base), Decoder(base)
    decoder.set_style(0, styles[0].lora)
    decoder.set_style_weights([0.5, 0, 0, 0])
    decoder.set_style_weights([0, 0, 0, 0])
    for row in steps(decoder, expected):
        np.testing.assert_array_equal(row[0], row[1])


def steps(*decoders: Decoder, length: int = 20) -> list[list[np.ndarray]]:
    """Logits of each decoder after every token of one stream."""
    rng = np.random.default_rng(3)
    rows = []
    for token in rng.integers(0, 388, length):
        beat, bar, chords = int(rng.integers(25)), int(rng.integers(9)), rng.integers(400, 689, 3)
        rows.append([decoder.step(int(token), beat, bar, chords, np.array([7, 8, 9])) for decoder in decoders])
    return rows


@pytest.mark.parametrize("slot", [-1, 4])
def test_a_decoder_refuses_what_does_not_fit(base: Checkpoint, slot: int) -> None:
    decoder, lora = Decoder(base), random_style(base).lora
    a, b, scale = lora["encode_attn.q_proj"]
    with pytest.raises(ValueError, match="style slot"):
        decoder.set_style(slot, lora)
    for wrong in ({"head": (a, b, scale)}, {"encode_attn.q_proj": (a[:, :-1], b, scale)}):
        with pytest.raises(ValueError, match=r"no projection|do not make"):
            decoder.set_style(0, wrong)
    with pytest.raises(ValueError, match="style weights"):
        decoder.set_style_weights([1.0])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"updates": 0}, "--updates 0"),
        ({"keep_share": 1.5}, "--keep-share 1.5"),
        ({"learning_rate": float("nan")}, "--learning-rate nan"),
        ({"seed": -1}, "--seed -1"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        dataclasses.replace(QUICK, **changes)  # type: ignore[arg-type]


def test_what_cannot_be_learnt_from_is_refused(study: Path, tmp_path: Path) -> None:
    write_corpus(tmp_path / "midi", files=1)
    prepare(tmp_path / "midi", tmp_path / "one", Settings(split=(1.0, 0.0, 0.0), workers=1))
    with pytest.raises(DataError, match="one piece is not enough"):
        finetune(study / "base", tmp_path / "one", "songs", tmp_path / "style", QUICK)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(SidemanError, match=r"holds 'thesis\.txt'"):
        finetune(study / "base", study / "data", "songs", tmp_path / "full", QUICK)
    if not torch.cuda.is_available():
        with pytest.raises(SidemanError, match="torch sees no such device"):
            finetune(
                study / "base", study / "data", "songs", tmp_path / "style", dataclasses.replace(QUICK, device="cuda")
            )


def test_the_training_form_is_what_is_wrapped(base: Checkpoint) -> None:
    inner = finetune_layers.build(base, "nf4", "cpu")
    assert isinstance(inner, PerceiverMusicTransformer)
    wrapped = finetune_layers.add_lora(inner, QloraConfig(rank=3, target_modules=("q_proj",)))
    assert type(inner.encode_attn.q_proj).__name__ == "Linear4bit"
    assert type(inner.encode_attn.q_proj).__module__ == "peft.tuners.lora.bnb"
    tensors = finetune_layers.lora_tensors(wrapped)
    assert {module.rpartition(".")[2] for module in tensors} == {"q_proj"}
    assert all(a.shape == (3, 64) and b.shape == (64, 3) and not b.any() for a, b in tensors.values())
    assert [name for name, p in wrapped.named_parameters() if p.requires_grad and ".lora_" not in name] == []
