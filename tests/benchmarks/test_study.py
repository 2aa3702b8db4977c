"""What the ablations compare is comparable, and what fine-tuning is computed to take is what its layers hold."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("bitsandbytes")

from benchmarks.common.random_checkpoint import model_config, random_checkpoint
from benchmarks.study.ablations import SOURCES, VARIANTS, decode_products, form_of
from benchmarks.study.bench_ablations import REFERENCE, compare, queue
from benchmarks.study.finetune_memory import WAYS, kept_bytes, weight_bytes
from engine.training.finetune.layers import build, stored_bytes


@pytest.mark.parametrize("name", ["small", "base"])
def test_deep_and_wide_networks_decode_at_the_same_cost(name: str) -> None:
    model = form_of(name).model
    for variant in ("deep", "wide"):
        changed = VARIANTS[variant].model(model)
        assert changed.latent_dim != model.latent_dim
        assert abs(decode_products(changed) / decode_products(model) - 1) < 0.005


def test_a_source_that_is_left_out_is_never_drawn_and_the_others_keep_their_shares() -> None:
    training = form_of("small").training
    shares = {source.name: source.weight for source in training.sources}
    for name in SOURCES:
        assert shares[name] > 0
        left = {source.name: source.weight for source in VARIANTS[f"without {name}"].training(training).sources}
        assert left == {**shares, name: 0.0}


def test_the_queue_begins_with_the_reference_and_runs_everything_once_before_anything_twice() -> None:
    form = form_of("small")
    runs = queue(["sources", "latent_len", "dropout 0"], form, 2)
    names = [name for name, seed in runs if seed == 0]
    assert names[0] == REFERENCE
    assert names[1:8] == [f"without {name}" for name in SOURCES]
    assert names[8:] == ["latent_len 32", "latent_len 256"]  # 128 and no dropout are the form's own
    assert runs == [(name, seed) for seed in (0, 1) for name in names]


def test_variants_are_compared_with_the_reference_of_their_seed_on_works_of_the_other_sources() -> None:
    def run(variant: str, seed: int, others: float, own: float) -> dict[str, object]:
        nats = {"POP909-Dataset": [own, 100], "Mutopia": [others, 300], "practice 2": [9.0, 50]}
        return {"variant": variant, "seed": seed, "nats": nats, "decode_products": 1, "parameters": 1}

    rows = compare([
        run(REFERENCE, 0, 2.0, 3.0), run(REFERENCE, 1, 2.2, 3.0),
        run("without POP909", 0, 2.1, 5.0), run("without POP909", 1, 2.1, 5.0),
    ])  # fmt: skip
    assert rows["without POP909"]["apart"] == pytest.approx([0.1, -0.1])
    assert rows["without POP909"]["sources"]["POP909-Dataset"] == pytest.approx([5.0, 2.0])
    assert rows[REFERENCE]["nats"] == pytest.approx((2.25 + 2.4) / 2)


@pytest.mark.parametrize("way", WAYS)
def test_computed_weights_are_those_that_the_layers_hold(way: str) -> None:
    held = stored_bytes(build(random_checkpoint("tiny", dequantised=True), way, "cpu"))  # type: ignore[arg-type]
    assert weight_bytes(model_config("tiny"), way) == pytest.approx(held, rel=0.002)


def test_what_an_update_keeps_grows_with_its_tokens_and_shrinks_where_blocks_compute_again() -> None:
    config = model_config("tiny")
    few, many = (kept_bytes(config, "nf4", tokens, rough=True, again=False) for tokens in (256, 512))
    assert 1.8 < many / few < 2.3
    assert kept_bytes(config, "nf4", 512, rough=True, again=True) < 0.6 * many
