"""A base that never learnt gaps hears a fill as it always did; one that did hears the mark and the gap's end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.inference.fill.foresight import Foresight
from engine.inference.fill.gap import Gap
from engine.inference.fill.told import told
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from engine.vocabulary import SEAM, VOCAB_SIZE
from tests.engine.inference.fill.test_fill import BEGIN, END, take


def foreseen(gap: Gap) -> Foresight:
    ahead = Foresight.of(gap, 200.0)
    assert ahead is not None
    return ahead


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_a_session_marks_the_seam_for_a_base_that_was_trained_with_gaps_and_for_no_other(gaps: float) -> None:
    shipped = load_checkpoint("small")
    assert shipped.config.training.gaps == 0
    config = replace(shipped.config, training=replace(shipped.config.training, gaps=gaps))
    gap = Gap.of(take(), BEGIN, END)
    ahead = foreseen(gap)
    session = Session(replace(shipped, config=config), 1)
    session.foresee(gap, ahead)
    assert session.likelihood[1] == told(gap, ahead, learnt=gaps > 0).first
    assert session.time_s == (gap.begin + ahead.shift) / 100


def test_the_mark_is_an_id_that_every_base_has() -> None:
    shipped = load_checkpoint("small")
    assert shipped.weights["token_emb.weight"].shape[0] == VOCAB_SIZE > SEAM


@pytest.mark.parametrize(("begin", "end"), [(BEGIN, END), (0, 300), (25, 300), (1100, 1300)])
def test_whoever_goes_back_to_where_the_gap_begins_keeps_the_mark(begin: int, end: int) -> None:
    gap = Gap.of(take(), begin, end)
    ahead = foreseen(gap)
    tokens, steps, first = told(gap, ahead)
    seam = tokens.tolist().index(SEAM)
    assert seam < first
    assert steps[seam] <= gap.begin + ahead.shift - 1
    assert steps[-1] == gap.end + ahead.shift
    behind, before = ahead.sides()
    assert (*behind, *before) == ahead.events
    assert sum(token < 128 for token in tokens[:seam]) == sum(event[2] >= 0 for event in behind)
