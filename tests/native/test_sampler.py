"""Laws of the sampling chain and its random generator, for both variants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vocabulary import LAYOUT
from native import SamplerParams
from tests.support.native_variants import compiled, each_variant, needs_compiled, python

ON, OFF, SHIFT, VEL = LAYOUT.note_on, LAYOUT.note_off, LAYOUT.time_shift, LAYOUT.velocity
LOUD, SHORT, FULL = VEL + 20, SHIFT + 9, SHIFT + LAYOUT.num_shifts - 1
PLAIN = SamplerParams(temperature=1.0, top_p=1.0)


def sampler(lib: Any, *tokens: int, params: SamplerParams = PLAIN, seed: int = 7, rollback: int = 4096) -> Any:
    made = lib.Sampler(LAYOUT, seed, rollback)
    made.set_params(params)
    for token in tokens:
        made.advance(token)
    return made


def logits(values: dict[int, float] | None = None, floor: float = 0.0) -> npt.NDArray[np.float32]:
    array = np.full(LAYOUT.num_ids, floor, dtype=np.float32)
    for token, value in (values or {}).items():
        array[token] = value
    return array


def random_logits(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Of many widths, with ties and with tokens ruled out."""
    array = (rng.normal(size=LAYOUT.num_ids) * rng.choice([0.1, 1.0, 5.0, 60.0])).astype(np.float32)
    if rng.random() < 0.3:
        array = np.round(array)
    if rng.random() < 0.2:
        array[rng.random(LAYOUT.num_ids) < 0.3] = -np.inf
    return array


def random_params(rng: np.random.Generator) -> SamplerParams:
    return SamplerParams(
        temperature=float(rng.uniform(0.05, 2.0)),
        top_p=float(rng.choice([1.0, 0.9, 0.5, 0.99, 0.05])),
        top_k=int(rng.choice([0, 0, 1, 5, 40, 380])),
        min_p=float(rng.choice([0.0, 0.0, 0.05, 0.3])),
        register_low=int(rng.integers(0, 128)),
        register_high=int(rng.integers(0, 128)),
        clear_low=int(rng.integers(0, 128)),
        clear_high=int(rng.integers(0, 128)),
        polyphony=int(rng.integers(1, 17)),
        repetition=float(rng.uniform(1.0, 2.0)),
        scale_mask=int(rng.choice([4095, 0b1010_1101_0101, 1, 0])),
        keep_timing=bool(rng.integers(2)),
    )


# Random123's published vectors for philox4x32-10.
@each_variant
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)  # fmt: skip
def test_philox_gives_the_published_words(lib: Any, counter: Any, key: Any, words: Any) -> None:
    assert lib.philox4x32(counter, key) == words


FOUR = (0.4, 0.3, 0.2, 0.1)  # probabilities of four pitches that may be struck, nothing else being legal


@each_variant
@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ({}, FOUR),
        ({"top_k": 1}, (1, 0, 0, 0)),
        ({"top_k": 3}, (4 / 9, 3 / 9, 2 / 9, 0)),
        ({"top_k": 4}, FOUR),
        ({"top_k": 99}, FOUR),
        ({"top_p": 0.0}, (1, 0, 0, 0)),
        ({"top_p": 0.39}, (1, 0, 0, 0)),
        ({"top_p": 0.41}, (4 / 7, 3 / 7, 0, 0)),
        ({"top_p": 0.71}, (4 / 9, 3 / 9, 2 / 9, 0)),
        ({"top_p": 0.95}, FOUR),
        ({"min_p": 0.8}, (1, 0, 0, 0)),
        ({"min_p": 0.6}, (4 / 7, 3 / 7, 0, 0)),
        ({"min_p": 0.45}, (4 / 9, 3 / 9, 2 / 9, 0)),
        ({"min_p": 0.2}, FOUR),
        ({"temperature": 0.5}, (16 / 30, 9 / 30, 4 / 30, 1 / 30)),
        ({"temperature": 0.05}, (0.996846, 0.003161, 9.5e-7, 9e-13)),
        ({"top_k": 3, "top_p": 0.5}, (4 / 7, 3 / 7, 0, 0)),  # of what top-k left: 4/9 < 0.5
        ({"top_p": 0.75, "min_p": 0.6}, (4 / 7, 3 / 7, 0, 0)),
        ({"temperature": 0.5, "top_p": 0.6}, (16 / 25, 9 / 25, 0, 0)),  # temperature first
    ],
    ids=str,
)
def test_chain(lib: Any, chain: dict[str, Any], expected: tuple[float, ...]) -> None:
    params = SamplerParams(**{"temperature": 1.0, "top_p": 1.0, "register_low": 60, "register_high": 63, **chain})
    tested = sampler(lib, LOUD, params=params)
    got = tested.distribution(logits({ON + 60 + i: math.log(p) for i, p in enumerate(FOUR)}, floor=50.0))
    np.testing.assert_allclose(got[ON + 60 : ON + 64], expected, rtol=1e-5, atol=1e-6)
    assert np.count_nonzero(got) == np.count_nonzero(expected)


@each_variant
@pytest.mark.parametrize(
    "chain", [{"temperature": 0.1}, {"temperature": 2.0}, {"top_p": 0.2}, {"top_k": 1}, {"min_p": 1.0}]
)
def test_kept_timing_and_touch_are_the_models_own_and_the_chain_chooses_the_notes(
    lib: Any, chain: dict[str, Any]
) -> None:
    """Whatever the chain, waits, ends, velocities and the mass of the notes stay; which note is the chain's choice."""
    values = np.random.default_rng(3).normal(size=LAYOUT.num_ids).astype(np.float32) * 2
    before = [LOUD, ON + 60, FULL]
    plain = sampler(lib, *before).distribution(values)
    kept = sampler(lib, *before, params=SamplerParams(**{**vars(PLAIN), **chain, "keep_timing": True})).distribution(
        values
    )
    for first, count in ((SHIFT, LAYOUT.num_shifts), (OFF, 128), (VEL, LAYOUT.num_velocities)):
        np.testing.assert_allclose(kept[first : first + count], plain[first : first + count], rtol=1e-12)
    notes = slice(ON, ON + 128)
    assert kept[notes].sum() == pytest.approx(plain[notes].sum())
    alone = np.where((np.arange(LAYOUT.num_ids) >= ON) & (np.arange(LAYOUT.num_ids) < ON + 128), values, -1e9)
    chosen = sampler(lib, *before, params=SamplerParams(**{**vars(PLAIN), **chain})).distribution(
        alone.astype(np.float32)
    )
    np.testing.assert_allclose(kept[notes] / kept[notes].sum(), chosen[notes], atol=1e-12)


@each_variant
@pytest.mark.parametrize(("chain", "survivors"), [({"top_k": 2}, 2), ({"top_p": 0.5}, 2), ({"top_p": 0.51}, 3)])
def test_ties_go_to_the_lower_id(lib: Any, chain: dict[str, Any], survivors: int) -> None:
    params = SamplerParams(**{"temperature": 1.0, "top_p": 1.0, "register_low": 60, "register_high": 63, **chain})
    got = sampler(lib, LOUD, params=params).distribution(logits())
    assert np.flatnonzero(got).tolist() == [ON + 60 + i for i in range(survivors)]


@each_variant
@pytest.mark.parametrize(("logit", "penalised"), [(1.0, 0.5), (-1.0, -2.0), (0.0, 0.0)])
@pytest.mark.parametrize(("tokens_since", "counts"), [(0, True), (62, True), (63, False)])
def test_repetition_penalises_pitches_of_the_last_64_tokens(
    lib: Any, logit: float, penalised: float, tokens_since: int, counts: bool
) -> None:
    params = SamplerParams(temperature=1.0, top_p=1.0, repetition=2.0)
    tested = sampler(lib, LOUD, ON + 60, OFF + 60, *[FULL] * tokens_since, params=params)
    got = tested.distribution(logits({ON + 60: logit}))
    assert math.log(got[ON + 60] / got[ON + 61]) == pytest.approx(penalised if counts else logit)


@each_variant
@pytest.mark.parametrize(
    ("history", "params", "token", "legal"),
    [
        ([], {}, SHORT, True),
        ([], {}, VEL, True),
        ([], {}, ON + 60, False),  # no velocity was given yet
        ([], {}, OFF + 60, False),
        ([LOUD], {}, ON + 60, True),
        ([LOUD], {}, SHORT, False),  # after a velocity nothing but notes
        ([LOUD], {}, VEL, False),
        ([LOUD, ON + 60], {}, ON + 60, False),  # sounds already
        ([LOUD, ON + 60], {}, ON + 61, True),
        ([LOUD, ON + 60], {}, OFF + 60, False),  # struck in this very step
        ([LOUD, ON + 60, SHORT], {}, OFF + 60, True),
        ([LOUD, ON + 60, SHORT], {}, OFF + 61, False),
        ([LOUD, ON + 60, SHORT], {}, SHORT, False),  # two short shifts are one
        ([LOUD, ON + 60, SHORT], {}, FULL, False),
        ([LOUD, ON + 60, FULL], {}, SHORT, True),
        ([LOUD, ON + 60, SHORT, VEL], {}, OFF + 60, False),
        ([LOUD, ON + 60, SHORT, OFF + 60], {}, ON + 60, True),
        ([LOUD, ON + 60], {"polyphony": 1}, ON + 61, False),
        ([LOUD, ON + 60], {"polyphony": 1}, VEL, False),  # no note could follow
        ([LOUD, ON + 60], {"polyphony": 2}, ON + 61, True),
        ([LOUD, ON + 60, SHORT], {"polyphony": 1}, SHORT, False),  # an end is legal
        ([LOUD, ON + 60], {"polyphony": 1}, SHORT, True),
        ([SHORT], {"register_low": 60, "register_high": 59}, SHORT, True),  # the last resort
        ([LOUD], {"register_low": 60, "register_high": 59}, SHORT, True),
        ([LOUD], {"register_low": 60}, ON + 60, True),
        ([LOUD], {"register_low": 60}, ON + 59, False),
        ([LOUD], {"register_high": 60}, ON + 60, True),
        ([LOUD], {"register_high": 60}, ON + 61, False),
        ([LOUD], {"clear_low": 55, "clear_high": 60}, ON + 54, True),
        ([LOUD], {"clear_low": 55, "clear_high": 60}, ON + 55, False),
        ([LOUD], {"clear_low": 55, "clear_high": 60}, ON + 60, False),
        ([LOUD], {"clear_low": 55, "clear_high": 60}, ON + 61, True),
        ([LOUD, ON + 60, SHORT], {"clear_low": 55, "clear_high": 60}, OFF + 60, True),
        ([], {"clear_low": 0, "clear_high": 127}, VEL, False),
        ([LOUD, ON + 20, SHORT], {}, OFF + 20, True),  # whatever sounds may end
        ([LOUD], {"scale_mask": 1 << 0}, ON + 60, True),
        ([LOUD], {"scale_mask": 1 << 0}, ON + 61, False),
        ([], {"scale_mask": 0}, VEL, False),
        ([LOUD, ON + 60], {}, LAYOUT.pad, False),
        ([LOUD, ON + 60], {}, LAYOUT.bos, False),
        ([LOUD, ON + 60], {}, LAYOUT.eos, False),
        ([LOUD, ON + 60], {}, LAYOUT.pedal_on, False),
        ([LOUD, ON + 60], {}, LAYOUT.pedal_off, False),
        ([LOUD, ON + 60], {}, 399, False),
        ([LOUD, LAYOUT.bos], {}, SHORT, True),
    ],
)
def test_grammar(lib: Any, history: list[int], params: dict[str, Any], token: int, legal: bool) -> None:
    tested = sampler(lib, *history, params=SamplerParams(**params))
    assert bool(tested.allowed()[token]) is legal
    assert tested.distribution(logits())[token] == 0.0 or legal


@each_variant
@pytest.mark.parametrize("kind", [np.int8, np.uint32, np.int64, np.uint64])
def test_numpys_whole_numbers_are_seeds_like_pythons(lib: Any, kind: type[np.integer[Any]]) -> None:
    seed = int(np.iinfo(kind).max)
    expected = [sampler(lib, seed=seed).sample(logits(), index) for index in range(20)]
    for made in (sampler(lib, seed=kind(seed)), sampler(lib).fork(kind(seed), 9)):  # type: ignore[arg-type]
        assert [made.sample(logits(), index) for index in range(20)] == expected
    made = sampler(lib)
    made.set_seed(kind(seed))
    assert [made.sample(logits(), index) for index in range(20)] == expected
    for none in (7.0, "7", None):
        with pytest.raises(TypeError):
            made.set_seed(none)


@each_variant
def test_what_can_be_taken_back_is_told(lib: Any) -> None:
    made = sampler(lib, *[SHORT] * 5, rollback=3)
    assert made.reachable == made.fork(1, 9).reachable == 3
    assert made.fork(1, 2).reachable == 2
    made.rollback(2)
    assert made.reachable == 1


@each_variant
@pytest.mark.parametrize("seed", range(3))
def test_every_sampled_stream_is_playable(lib: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tested = sampler(lib, seed=seed)
    tokens = []
    for n in range(600):
        if n % 50 == 0:
            tested.set_params(random_params(rng))
        tokens.append(tested.sample((rng.normal(size=400) * 3).astype(np.float32)))
        tested.advance(tokens[-1])
    onset, offset, pitch, _, _, _ = lib.decode(LAYOUT, np.array(tokens))
    assert len(onset) == sum(token < 128 for token in tokens)  # no note merged, none struck twice
    for key in set(pitch.tolist()):
        mine = pitch == key
        assert (onset[mine][1:] >= offset[mine][:-1]).all()


@each_variant
@given(tokens=st.lists(st.integers(0, 399), max_size=40), seed=st.integers(0, 2**32))
def test_something_is_always_legal(lib: Any, tokens: list[int], seed: int) -> None:
    tested = sampler(lib, *tokens, params=random_params(np.random.default_rng(seed)))
    assert tested.allowed().any()
    assert tested.distribution(logits()).sum() == pytest.approx(1.0)


@each_variant
@given(
    past=st.lists(st.sampled_from([LOUD, SHORT, FULL, *range(60, 64), *range(188, 192), 390]), max_size=150),
    undone=st.lists(st.sampled_from([LOUD, SHORT, FULL, *range(60, 64), *range(188, 192), 390]), max_size=80),
)
def test_rollback_equals_never_having_gone_ahead(lib: Any, past: list[int], undone: list[int]) -> None:
    params = SamplerParams(repetition=1.5)
    tested = sampler(lib, *past, *undone, params=params, rollback=80)
    tested.rollback(len(undone))
    fresh = sampler(lib, *past, params=params)
    values = np.linspace(-3, 3, 400, dtype=np.float32)
    for token in (SHORT, LOUD, ON + 61, SHORT, OFF + 61):
        assert tested.length == fresh.length
        assert tested.sounding() == fresh.sounding()
        assert tested.sample(values) == fresh.sample(values)
        np.testing.assert_array_equal(tested.distribution(values), fresh.distribution(values))
        tested.advance(token)
        fresh.advance(token)


@each_variant
def test_rollback_reaches_as_far_as_promised_and_says_so(lib: Any) -> None:
    tested = sampler(lib, *[FULL] * 30, rollback=10)
    tested.rollback(4)
    with pytest.raises(ValueError, match="cannot roll back 7 tokens: 6 are remembered"):
        tested.rollback(7)
    with pytest.raises(ValueError, match="cannot roll back -1 tokens"):
        tested.rollback(-1)
    tested.rollback(6)
    assert tested.length == 20
    with pytest.raises(ValueError, match="0 are remembered"):
        tested.rollback(1)


@each_variant
def test_the_draw_depends_on_seed_and_position_alone(lib: Any) -> None:
    values = np.linspace(-1, 1, 400, dtype=np.float32)
    a, b, other = sampler(lib, seed=2**64 - 1), sampler(lib, seed=2**64 - 1), sampler(lib, seed=1)
    draws = [a.sample(values, n) for n in range(50)]
    assert draws == [b.sample(values, n) for n in range(50)]
    assert draws != [other.sample(values, n) for n in range(50)]
    assert len(set(draws)) > 20
    a.advance(FULL)
    assert a.sample(values) == a.sample(values) == a.sample(values, 1)


@each_variant
def test_frequencies_follow_the_distribution(lib: Any) -> None:
    tested = sampler(lib, LOUD, params=SamplerParams(top_p=1.0, register_low=60, register_high=69))
    values = logits({ON + 60 + i: 0.3 * i for i in range(10)})
    expected = tested.distribution(values)[60:70] * 5000
    counts = np.bincount([tested.sample(values, n) - 60 for n in range(5000)], minlength=10)
    assert ((counts - expected) ** 2 / expected).sum() < 27.9  # chi-square, 9 degrees of freedom, p = 0.001


@each_variant
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_logits_without_a_distribution_are_refused(lib: Any, bad: float) -> None:
    tested = sampler(lib, LOUD)
    values = logits({ON + 60: bad}) if bad != float("-inf") else logits(floor=bad)
    for method in (tested.sample, tested.distribution):
        with pytest.raises(ValueError, match=r"NaN, \+inf or nothing but -inf: check the decoder"):
            method(values)
    sampler(lib).sample(logits({ON + 60: float("nan")}))  # nobody reads a masked logit


@each_variant
@pytest.mark.parametrize("shape", [(399,), (1, 400), ()])
def test_logits_of_another_shape_are_refused(lib: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"pass \(400,\), one an event id"):
        sampler(lib).sample(np.zeros(shape, dtype=np.float32))


@each_variant
def test_arguments_out_of_range_are_refused(lib: Any) -> None:
    for seed in (-1, 2**64):
        with pytest.raises(ValueError, match=rf"seed {seed} lies outside 0\.\.2\*\*64-1"):
            lib.Sampler(LAYOUT, seed)
    with pytest.raises(ValueError, match="rollback -1 lies outside"):
        lib.Sampler(LAYOUT, 0, -1)
    for token in (-1, 400):
        with pytest.raises(ValueError, match=rf"token {token} lies outside 0\.\.399"):
            sampler(lib).advance(token)


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", 0.0), ("temperature", float("nan")), ("top_p", 1.1), ("top_k", -1), ("min_p", -0.1),
     ("register_low", 128), ("register_high", -1), ("clear_low", 128),
     ("clear_high", -1), ("polyphony", 0), ("repetition", 0.9),
     ("scale_mask", 4096)],
)  # fmt: skip
def test_params_name_their_legal_range(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{field} .* lies outside"):
        SamplerParams(**{field: value})


@pytest.mark.parametrize(
    "field", ["top_k", "register_low", "register_high", "clear_low", "clear_high", "polyphony", "scale_mask"]
)
def test_params_that_count_are_whole(field: str) -> None:
    """Half a key was a RuntimeError of the compiled variant, and a TypeError of the other at the next draw."""
    SamplerParams(**{field: np.int64(5)})  # type: ignore[arg-type]
    for value in (5.5, 5.0, np.float64(5.0)):
        with pytest.raises(ValueError, match=rf"{field} .*whole number"):
            SamplerParams(**{field: value})


@needs_compiled
@pytest.mark.parametrize("seed", range(12))
def test_both_variants_draw_the_same_from_bit_identical_probabilities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (sampler(lib, seed=seed, rollback=40) for lib in (compiled, python))
    reachable = 0
    for n in range(120):
        if n % 10 == 0:
            params = random_params(rng)
            a.set_params(params)
            b.set_params(params)
        values = random_logits(rng)
        np.testing.assert_array_equal(a.allowed(), b.allowed())
        if np.isfinite(values[a.allowed()]).any():
            token = a.sample(values)
            assert token == b.sample(values)
            assert a.distribution(values).tobytes() == b.distribution(values).tobytes()
        if rng.random() < 0.2 or not np.isfinite(values[a.allowed()]).any():
            token = int(rng.integers(400))  # fed tokens need not be legal
        reachable = min(reachable + 1, 40)
        back = int(rng.integers(0, reachable + 1)) if rng.random() < 0.1 else 0
        reachable -= back
        for lib in (a, b):
            lib.advance(token)
            lib.rollback(back)
        assert (a.length, a.sounding()) == (b.length, b.sounding())


@each_variant
def test_a_fresh_sampler_has_the_default_params(lib: Any) -> None:
    """So the defaults of sampler.h are those of SamplerParams."""
    fresh, told = lib.Sampler(LAYOUT, 1), sampler(lib, params=SamplerParams())
    drawn_from = np.random.default_rng(5).normal(0, 3, LAYOUT.num_ids).astype(np.float32)
    for token in (LOUD, *(ON + pitch for pitch in range(60, 67))):
        for one in (fresh, told):
            one.advance(token)
        assert np.array_equal(fresh.allowed(), told.allowed())
        assert np.array_equal(fresh.distribution(drawn_from), told.distribution(drawn_from))
