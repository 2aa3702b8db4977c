"""Laws of asking with emphasis: rows move away from unknown, and nothing else of a base changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.inference import emphasis
from engine.inference.emphasis import EMPHASIS, ROWS, emphasised
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.model.nf4 import quantise
from engine.model.stored_weights import ABSMAX, StoredWeights


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return load_checkpoint()


def test_rows_lie_so_much_further_from_unknown_and_unknown_stays(base: Checkpoint) -> None:
    before, after = base.weights[ROWS], emphasised(base).weights[ROWS]
    first = 0
    for control in base.model.controls:
        unknown = first + control.levels
        factor = EMPHASIS.get(control.name, 1.0)
        np.testing.assert_array_equal(after[unknown], before[unknown])
        np.testing.assert_allclose(
            after[first:unknown] - after[unknown], factor * (before[first:unknown] - before[unknown]), atol=0.01
        )
        first = unknown + 1


def test_everything_else_is_the_same_and_is_shared(base: Checkpoint) -> None:
    after = emphasised(base)
    assert (after.sha256, after.path, after.config) == (base.sha256, base.path, base.config)
    assert after.stored.keys() == base.stored.keys()
    assert all(after.stored[name] is tensor for name, tensor in base.stored.items() if name != ROWS)


def test_a_base_without_such_controls_is_left_alone(base: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    small = load_checkpoint("small")
    assert emphasised(small) is small
    monkeypatch.setattr(emphasis, "EMPHASIS", {"colour": 2.0})
    assert emphasised(base) is base


def test_rows_that_a_base_stores_as_codes_are_numbers_afterwards(base: Checkpoint) -> None:
    """As no base of ours does, but another program's may."""
    codes, absmax = quantise(base.weights[ROWS])
    stored = {**base.stored, ROWS: codes, ROWS + ABSMAX: absmax}
    packed = replace(base, stored=stored, weights=StoredWeights(stored))
    after = emphasised(packed)
    assert after.stored.keys() == base.stored.keys()
    memory = replace(packed, weights=dict(packed.weights), stored={})
    np.testing.assert_array_equal(after.weights[ROWS], emphasised(memory).weights[ROWS])


def test_a_base_in_memory_can_be_emphasised_too(base: Checkpoint) -> None:
    memory = Checkpoint(base.path, base.config, dict(base.weights), base.sha256)
    np.testing.assert_allclose(emphasised(memory).weights[ROWS], emphasised(base).weights[ROWS], atol=0.01)
