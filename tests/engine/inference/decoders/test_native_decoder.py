"""The compiled decoder is the numpy one by every kernel: logits, rollback, chords and styles at any token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

import native
from bridge.commands.play import load_engine
from engine.inference.backends import make_decoder
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.session import Session
from engine.model import nf4
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.model.config import ModelConfig
from engine.model.shapes import CHORD_CLIP
from engine.training.evaluate import load_model
from tests.engine.inference.decoders.test_numpy_decoder import step, without_chords
from tests.support.native_variants import compiled, needs_compiled
from tests.support.tiny_model import CONFIG, CONTROLLED, make_checkpoint, make_model, random_inputs, random_levels

pytestmark = needs_compiled

F32 = npt.NDArray[np.float32]
KERNELS = list(compiled.kernels()) if compiled else ["none"]
each_kernel = pytest.mark.parametrize("kernel", KERNELS)
FAST = KERNELS[0]
PACKED = ModelConfig(
    latent_dim=64, latent_len=20, num_layers=2, num_heads=2, ff_dim=192, dropout=0.0,
    max_seq_len=50, max_relative_distance=24, controls=CONTROLLED.controls,
)  # fmt: skip
"""Whole NF4 blocks; a band, a context and distances that are no multiple of anything; something to ask for."""
FAR = replace(PACKED, latent_len=33, max_relative_distance=9, max_seq_len=70, num_heads=4, controls=())
"""Bands wider than the learned distances; nothing to ask for."""


def packed_checkpoint(config: ModelConfig = PACKED, seed: int = 0) -> Checkpoint:
    """Random weights as a checkpoint file holds them, and what they stand for."""
    source = make_checkpoint(make_model(seed, config))
    weights, stored = {}, {}
    for name, value in source.weights.items():
        if name.endswith("_proj.weight") or name == "head.weight":
            codes, absmax = nf4.quantise(value)
            stored[name], stored[f"{name}.absmax"] = codes, absmax
            weights[name] = nf4.dequantise(codes, absmax)
        elif value.ndim == 2:
            stored[name] = value.astype(np.float16)
            weights[name] = stored[name].astype(np.float32)
        else:
            stored[name] = weights[name] = value
    return replace(source, weights=weights, stored=stored)


def tame_checkpoint() -> Checkpoint:
    """Random weights under logits tame enough that waits and notes come about as often as in music."""
    checkpoint = packed_checkpoint()
    checkpoint.stored["head.weight.absmax"] *= 0.1
    checkpoint.weights["head.weight"] *= np.float32(0.1)
    return checkpoint


@dataclass(frozen=True)
class Token:
    token: int
    beat: int
    bar: int
    chord_ids: npt.NDArray[np.int64]
    chord_rows: npt.NDArray[np.int64]
    levels: F32 | None


def random_tokens(seed: int, count: int, config: ModelConfig = PACKED) -> Iterator[Token]:
    """Anything the vocabulary allows, under a view of the chords and asked levels that change at every token."""
    rng = np.random.default_rng(seed)
    levels = random_levels(rng, count, config) if config.controls else None
    for position in range(count):
        now, size = int(rng.integers(0, 30)), int(rng.integers(1, 65))
        rows = np.clip(np.arange(size) - now, -CHORD_CLIP, CHORD_CLIP) + CHORD_CLIP
        ids = rng.integers(400, 689, size)
        asked = None if levels is None or position % 5 == 0 else levels[position]
        yield Token(*(int(rng.integers(0, end)) for end in (400, 25, 9)), ids, rows, asked)


def feed(decoder: object, token: Token) -> F32:
    return decoder.step(*vars(token).values())  # type: ignore[attr-defined, no-any-return]


def native_decoder(checkpoint: Checkpoint, rollback: int = 32, **options: object) -> object:
    from engine.inference.decoders import native_decoder

    return native_decoder.native_decoder(checkpoint, rollback, **options)  # type: ignore[arg-type]


def divergence(p: F32, q: F32) -> float:
    """Mean over the streams of KL(p || q) in nats."""
    log_p, log_q = (x.astype(np.float64) - np.log(np.exp(x.astype(np.float64)).sum(-1, keepdims=True)) for x in (p, q))
    return float((np.exp(log_p) * (log_p - log_q)).sum(-1).mean())


@each_kernel
@pytest.mark.parametrize("config", [PACKED, FAR, CONFIG], ids=["nf4", "short distances", "float32"])
def test_exact_logits_are_the_twins(kernel: str, config: ModelConfig) -> None:
    """Past several bands, the context and the ring's end."""
    checkpoint = make_checkpoint(make_model()) if config is CONFIG else packed_checkpoint(config)
    twin, decoder = Decoder(checkpoint, 32), native_decoder(checkpoint, precision="exact", kernel=kernel)
    for token in random_tokens(1, 150, config):
        expected, got = feed(twin, token), feed(decoder, token)
        assert np.linalg.norm(got - expected) <= 1e-5 * np.linalg.norm(expected)


@each_kernel
@pytest.mark.parametrize(("precision", "error"), [("int16", 2e-3), ("int8", 3e-2)])
def test_integer_logits_are_near(kernel: str, precision: str, error: float) -> None:
    """Weights here are far from a trained network's, which is kinder: tests of the shipped base follow."""
    checkpoint = packed_checkpoint()
    twin, decoder = Decoder(checkpoint, 32), native_decoder(checkpoint, precision=precision, kernel=kernel)
    errors = []
    for token in random_tokens(2, 120):
        expected, got = feed(twin, token), feed(decoder, token)
        errors.append(np.linalg.norm(got - expected) / np.linalg.norm(expected))
    assert np.mean(errors) < error


@each_kernel
@pytest.mark.parametrize("precision", ["exact", "int16", "int8"])
def test_rollback_equals_never_having_gone_ahead(kernel: str, precision: str) -> None:
    rng = np.random.default_rng(5)
    checkpoint = packed_checkpoint()
    straight, detour = (native_decoder(checkpoint, 24, precision=precision, kernel=kernel) for _ in range(2))
    wrong = list(random_tokens(6, 200))
    for token in random_tokens(7, 40 if kernel == "portable" else 300):
        for other in wrong[: int(rng.integers(0, 25))]:
            feed(detour, other)
        detour.rollback(detour.length - straight.length)  # type: ignore[attr-defined]
        np.testing.assert_array_equal(feed(detour, token), feed(straight, token))


def random_style(config: ModelConfig, seed: int, rank: int) -> dict[str, tuple[F32, F32, float]]:
    """Adapters of every attention that change every logit."""
    rng, dim = np.random.default_rng(seed), config.latent_dim
    names = [f"blocks.{i}.{kind}" for i in range(config.num_layers) for kind in ("self_attn", "chord_attn")]
    return {
        f"{name}.{projection}": (
            rng.normal(0, 0.1, (rank, dim)).astype(np.float32), rng.normal(0, 0.1, (dim, rank)).astype(np.float32), 0.5,
        )
        for name in [*names, "encode_attn", "decode_attn"]
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj")
    }  # fmt: skip


@each_kernel
def test_styles_blended_anew_at_every_token_are_the_twins(kernel: str) -> None:
    """Four slots, one of them empty for a while, one that gives way to another style under way."""
    rng, checkpoint = np.random.default_rng(4), packed_checkpoint()
    both = Decoder(checkpoint, 32), native_decoder(checkpoint, precision="exact", kernel=kernel)
    styles = [random_style(PACKED, seed, rank) for seed, rank in enumerate((1, 8, 64, 5))]
    for slot in range(3):
        for decoder in both:
            decoder.set_style(slot, styles[slot])  # type: ignore[attr-defined]
    for position, token in enumerate(random_tokens(10, 36)):
        weights = rng.uniform(0, 1, 4) * rng.integers(0, 2, 4)
        expected, got = None, None
        for decoder in both:
            if position == 18:
                decoder.set_style(1, styles[3])  # type: ignore[attr-defined]
                decoder.set_style(2, {})  # type: ignore[attr-defined]
                decoder.set_style(3, styles[1])  # type: ignore[attr-defined]
            if position % 3:
                decoder.set_style_weights(weights.tolist())  # type: ignore[attr-defined]
            expected, got = got, feed(decoder, token)
        assert expected is not None
        assert got is not None
        assert np.linalg.norm(got - expected) <= 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("slot", "module", "a", "b", "message"),
    [
        (4, "encode_attn.q_proj", (8, 64), (64, 8), "style slot 4"),
        (-1, "encode_attn.q_proj", (8, 64), (64, 8), "style slot -1"),
        (0, "encode_attn.w_proj", (8, 64), (64, 8), "no module encode_attn.w_proj"),
        (0, "encode_attn.q_proj", (8, 32), (64, 8), "from 32 to 64"),
        (0, "encode_attn.q_proj", (8, 64), (32, 8), "from 64 to 32"),
        (0, "encode_attn.q_proj", (257, 64), (64, 257), "rank 257"),
        (0, "encode_attn.q_proj", (8, 64), (64, 7), "of one rank"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    slot: int, module: str, a: tuple[int, int], b: tuple[int, int], message: str
) -> None:
    decoder = native_decoder(packed_checkpoint())
    with pytest.raises(ValueError, match=message):
        decoder.set_style(slot, {module: (np.zeros(a, np.float32), np.zeros(b, np.float32), 1.0)})  # type: ignore[attr-defined]


@pytest.mark.parametrize("precision", ["exact", "int8"])
def test_many_tokens_at_once_are_as_many_steps(precision: str) -> None:
    checkpoint = packed_checkpoint()
    single, batch = (native_decoder(checkpoint, 40, precision=precision) for _ in range(2))
    tokens = list(random_tokens(8, 150))
    view = (tokens[0].chord_ids, tokens[0].chord_rows)
    done = 0
    for count in (1, 7, 8, 9, 31, 64, 30):
        part = tokens[done : done + count]
        done += count
        for token in part:
            expected = single.step(token.token, token.beat, token.bar, *view, token.levels)  # type: ignore[attr-defined]
        columns = (np.array([getattr(token, key) for token in part]) for key in ("token", "beat", "bar"))
        unknown = np.full(len(PACKED.controls), -1, np.float32)
        levels = np.stack([unknown if token.levels is None else token.levels for token in part])
        got = batch.feed(*columns, *view, levels)  # type: ignore[attr-defined]
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    assert batch.length == single.length == 150  # type: ignore[attr-defined]


def test_one_stream_is_the_first_of_two() -> None:
    checkpoint = packed_checkpoint()
    one, two = (native_decoder(checkpoint, streams=n) for n in (1, 2))
    for token in random_tokens(9, 60):
        logits = feed(one, token)
        assert logits.shape == (1, 400)
        np.testing.assert_allclose(logits[0], feed(two, token)[0], rtol=0, atol=1e-5)


@each_kernel
def test_exact_logits_are_those_of_the_whole_network_in_float64(kernel: str) -> None:
    """The shipped base: 300 tokens through the training form of the network on the dequantised weights."""
    checkpoint, inputs = load_checkpoint(), random_inputs(np.random.default_rng(0), 300, 40)
    model, decoder = load_model(checkpoint).double(), native_decoder(checkpoint, 8, precision="exact", kernel=kernel)
    with torch.no_grad():
        whole = np.stack(
            [model(window)[0].numpy() for window in (inputs, without_chords(inputs))], axis=1
        )  # (L, 2, 400)
    for position, expected in enumerate(whole):
        error = np.linalg.norm(step(decoder, inputs, position) - expected, axis=-1)  # type: ignore[arg-type]
        assert (error <= 2e-6 * np.linalg.norm(expected, axis=-1)).all()


def test_the_shipped_base_diverges_by_less_than_three_ten_thousandths_of_a_nat() -> None:
    checkpoint = load_checkpoint()
    twin, decoder = Decoder(checkpoint, 8), make_decoder(checkpoint, "native", 8)
    sampler = compiled.Sampler(*_sampler_arguments())
    view = (np.arange(400, 420), np.clip(np.arange(20) - 12, -CHORD_CLIP, CHORD_CLIP) + CHORD_CLIP)
    token, nats = 389, []
    for position in range(300):
        sampler.advance(token)
        expected = twin.step(token, position % 25, position % 9, *view)
        nats.append(divergence(expected, decoder.step(token, position % 25, position % 9, *view)))
        token = sampler.sample(expected[0])
    assert np.mean(nats) < 3e-4


def _sampler_arguments() -> tuple[object, int]:
    from engine.vocabulary import LAYOUT

    return LAYOUT, 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((400, 0, 0, [400], [0]), "token 400"),
        ((-1, 0, 0, [400], [0]), "token -1"),
        ((0, 25, 0, [400], [0]), "beat 25"),
        ((0, 0, 9, [400], [0]), "bar 9"),
        ((0, 0, 0, [399], [0]), "chord 399"),
        ((0, 0, 0, [689], [0]), "chord 689"),
        ((0, 0, 0, [400], [17]), "row 17"),
        ((0, 0, 0, [], []), "0 chords in view"),
        ((0, 0, 0, [400] * 65, [0] * 65), "65 chords in view"),
        ((0, 0, 0, [400, 401], [0]), "two vectors of one length"),
    ],
)
def test_what_lies_outside_a_table_is_refused_and_changes_nothing(arguments: tuple[object, ...], message: str) -> None:
    decoder = native_decoder(packed_checkpoint())
    with pytest.raises(ValueError, match=message):
        decoder.step(*arguments[:3], *(np.array(x, dtype=np.int64) for x in arguments[3:]))  # type: ignore[attr-defined]
    assert decoder.length == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([0, 0, 0], "3 levels: give 5, one a control"),
        ([[0, 0, 0, 0, 0]], "one number a control"),
        ([3, 0, 0, 0, 0], "role level 3: give a whole number of 0 to 2"),
        ([0.5, 0, 0, 0, 0], "role level 0.5: give a whole number of 0 to 2, or -1 for unknown"),
        ([0, 3.5, 0, 0, 0], "density level 3.5: give 0 to 3, or -1 for unknown"),
        ([0, np.nan, 0, 0, 0], "density level nan"),
        ([0, -0.5, 0, 0, 0], "density level -0.5"),
    ],
)
def test_levels_that_are_none_are_refused_and_change_nothing(levels: list[object], message: str) -> None:
    decoder, levels = native_decoder(packed_checkpoint()), np.array(levels, dtype=np.float32)
    one = np.array([400]), np.array([8])
    with pytest.raises(ValueError, match=message):
        decoder.step(0, 0, 0, *one, levels)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=message):
        decoder.feed(*np.zeros((3, 1), dtype=np.int64), *one, levels[None])  # type: ignore[attr-defined]
    assert decoder.length == 0  # type: ignore[attr-defined]


def test_a_base_without_controls_can_be_asked_nothing() -> None:
    decoder, one = native_decoder(packed_checkpoint(FAR)), (np.array([400]), np.array([8]))
    decoder.step(0, 0, 0, *one, np.zeros(0, np.float32))  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="1 levels: give 0"):
        decoder.step(0, 0, 0, *one, np.zeros(1, np.float32))  # type: ignore[attr-defined]


def test_rollback_beyond_what_is_kept_is_refused() -> None:
    decoder = native_decoder(packed_checkpoint(), 4)
    for token in random_tokens(1, 10):
        feed(decoder, token)
    with pytest.raises(ValueError, match="cannot roll back 5 tokens: 4 are kept"):
        decoder.rollback(5)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("head.weight", None, "no tensor head.weight"),
        ("head.weight.absmax", None, "codes without"),
        ("head.weight.absmax", np.zeros((400, 2), np.float32), "does not fit its codes"),
        ("head.weight", np.zeros((400, 64), np.uint8), "does not fit its codes"),
        ("token_emb.weight", np.zeros((700, 32), np.float16), r"is \(700, 32\), but the config asks for \(700, 64\)"),
        ("token_emb.weight", np.zeros((700, 64), np.float64), "float64"),
        ("encode_norm.bias", np.zeros((8, 8), np.float32), r"is \(8, 8\)"),
        ("encode_norm.bias", np.zeros((1, 1, 64), np.float32), "neither a vector nor a matrix"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(name: str, value: object, message: str) -> None:
    checkpoint = packed_checkpoint()
    stored = {**checkpoint.stored, name: value}
    with pytest.raises(ValueError, match=message):
        native_decoder(replace(checkpoint, stored={k: v for k, v in stored.items() if v is not None}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int4"}, "precision int4"),
        ({"streams": 3}, "streams must be 1 or 2"),
        ({"kernel": "avx9000"}, "no kernel avx9000"),
        ({"rollback": -1}, "rollback must be in"),
    ],
)
def test_options_nobody_knows_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        native_decoder(packed_checkpoint(), **options)


def test_who_plays_makes_no_numbers_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped base is held once, in its codes."""

    def dequantise(codes: object, absmax: object) -> F32:
        raise AssertionError("somebody asked for numbers")

    monkeypatch.setattr(nf4, "dequantise", dequantise)
    checkpoint = load_checkpoint()
    feed(make_decoder(checkpoint, "native", 8), next(random_tokens(1, 1, checkpoint.model)))
    with pytest.raises(AssertionError):
        assert checkpoint.weights["head.weight"].shape == (400, 384)


def test_memory_is_taken_at_the_start_alone() -> None:
    decoder = native_decoder(packed_checkpoint(), 8)
    sizes = set()
    for token in random_tokens(3, 2000):
        feed(decoder, token)
        sizes.add(decoder.memory_bytes)  # type: ignore[attr-defined]
    assert len(sizes) == 1


@pytest.mark.skipif(native.VARIANT == "python", reason="SIDEMAN_NATIVE=off")
def test_where_no_instruction_set_helps_numpy_decodes_unless_the_portable_kernel_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checkpoint = packed_checkpoint()
    monkeypatch.delenv("SIDEMAN_KERNEL", raising=False)
    monkeypatch.setattr(native, "kernels", lambda: ["portable"])
    assert isinstance(make_decoder(checkpoint), Decoder)
    assert isinstance(make_decoder(checkpoint, "native"), native.Decoder)
    monkeypatch.setenv("SIDEMAN_KERNEL", "portable")
    assert isinstance(make_decoder(checkpoint), native.Decoder)
    monkeypatch.setattr(native, "kernels", lambda: ["avx2", "portable"])
    monkeypatch.delenv("SIDEMAN_KERNEL")
    assert isinstance(make_decoder(checkpoint), native.Decoder)


@pytest.mark.skipif(native.VARIANT == "python", reason="SIDEMAN_NATIVE=off")
def test_a_machine_that_is_too_slow_for_the_base_names_the_small_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base, small = load_checkpoint(), load_checkpoint("small")
    assert Session(base).speed_advice == ""
    load_engine(None, "auto")
    assert capsys.readouterr().err == ""
    monkeypatch.delenv("SIDEMAN_KERNEL", raising=False)
    monkeypatch.setattr(native, "kernels", lambda: ["portable"])
    assert "neither AVX2 nor NEON, so numpy decodes" in Session(base).speed_advice
    assert Session(small).speed_advice == ""
    load_engine(None, "auto")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith("take --checkpoint small\n")


def test_the_extension_names_its_kernels() -> None:
    assert compiled.kernels()[-1] == "portable"
    assert native.VARIANT == "python" or native.kernel() in native.kernels()
