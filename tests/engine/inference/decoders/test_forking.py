"""A decoder's fork takes back as many of its own tokens as it was made for, whatever its parent could."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.inference.backends import StreamDecoder
from engine.inference.decoders.native_decoder import native_decoder
from engine.inference.decoders.numpy_decoder import Decoder
from engine.inference.decoders.torch_decoder import TorchDecoder
from engine.model.checkpoint import Checkpoint
from tests.engine.inference.decoders.test_native_decoder import feed, packed_checkpoint, random_tokens
from tests.support.native_variants import needs_compiled

Make = Callable[[Checkpoint, int], StreamDecoder]

each_make = pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda base, rollback: native_decoder(base, rollback, "exact"), marks=needs_compiled),
        Decoder,
        lambda base, rollback: TorchDecoder(base, rollback, "cpu"),
    ],
    ids=["native", "numpy", "torch"],
)


@each_make
@pytest.mark.parametrize("rollback", [0, 1, 4, 30])
@pytest.mark.parametrize("parents", [0, 4, 50])
def test_a_fork_reaches_back_as_far_as_it_was_made_for(make: Make, parents: int, rollback: int) -> None:
    """Past bands, context and rings, and as if what is taken back had never been fed."""
    tokens, others = list(random_tokens(1, 200)), list(random_tokens(2, 100))
    parent = make(packed_checkpoint(), parents)
    for token in tokens[:70]:
        feed(parent, token)
    fork, straight = parent.fork(rollback), parent.fork(rollback)
    if min(parents, rollback):
        for one in (fork, straight):  # one token of the parent's
            one.rollback(1)
            with pytest.raises(ValueError, match="cannot roll back 1 tokens: 0 are kept"):
                one.rollback(1)
            feed(one, tokens[69])
    for token in others[:rollback]:
        feed(fork, token)
    fork.rollback(rollback)
    for token in tokens[70:]:
        np.testing.assert_array_equal(feed(fork, token), feed(straight, token))
    with pytest.raises(ValueError, match=f"{rollback} are kept"):
        fork.rollback(rollback + 1)


@each_make
@pytest.mark.parametrize(("one", "other"), [(3, 40), (40, 3), (0, 40), (40, 40)])
def test_what_becomes_another_reaches_back_as_far_as_both_can(make: Make, one: int, other: int) -> None:
    tokens = list(random_tokens(1, 200))
    parent = make(packed_checkpoint(), 50)
    for token in tokens[:70]:
        feed(parent, token)
    fork, source = parent.fork(one), parent.fork(other)
    for token in tokens[70:120]:
        feed(source, token)
    fork.copy(source, 70)
    assert fork.length == source.length
    with pytest.raises(ValueError, match=f"{min(one, other)} are kept"):
        fork.rollback(min(one, other) + 1)
    for decoder in (fork, source):
        decoder.rollback(min(one, other))
    for token in tokens[120:]:  # rings of two lengths take their sums in two orders
        np.testing.assert_allclose(feed(fork, token), feed(source, token), atol=1e-5)
