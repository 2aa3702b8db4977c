"""Laws of the time that a run may take."""

from __future__ import annotations

import pytest

from engine.training.finetune import time_limit
from engine.training.finetune.time_limit import Budget


def test_the_end_is_part_of_the_time_allowed_and_grows_as_the_process_gets_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [(100.0, 0.0)]
    monkeypatch.setattr(time_limit, "_now", lambda: now[0])
    monkeypatch.setattr(time_limit.time, "monotonic", lambda: now[0][0])
    budget = Budget(100.0, 10.0)
    assert (budget.used_s, budget.left_s, budget.closing_s) == (0.0, 600.0, 0.0)
    with budget.comes_again(2.0):
        now[0] = (110.0, 10.0)
    assert budget.closing_s == pytest.approx(1.25 * 20.0)
    assert budget.left_s == pytest.approx(600 - 10 - 25)
    assert budget.share(0.0) == pytest.approx(10 / 575)
    for _ in range(8):  # updates that get half of a processor
        now[0] = (now[0][0] + 10.0, now[0][1] + 5.0)
        budget.updated()
    assert budget.closing_s == pytest.approx(1.25 * 40.0, rel=0.15)
    now[0] = (now[0][0] + 1000.0, now[0][1] + 1.0)
    budget.updated()
    assert budget.closing_s == pytest.approx(0.4 * 600), "updates come first"
    assert budget.over
