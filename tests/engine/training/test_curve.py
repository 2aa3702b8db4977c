"""The curve of a run: rows that survive a kill, what early stopping counts, TensorBoard's events, a picture."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

pytest.importorskip("tensorboard")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from engine.errors import CheckpointError
from engine.training.curve import LossCurve


def filled(folder: Path, held_out: list[float | None], every: int = 10) -> LossCurve:
    curve = LossCurve(folder, 0)
    for number, value in enumerate(held_out, start=1):
        curve.add(number * every, 4.0 - 0.1 * number, value, tokens_per_s=100.0)
    return curve


def test_a_resumed_curve_forgets_what_lies_beyond_its_state(tmp_path: Path) -> None:
    first = filled(tmp_path, [None, 3.0, None, 2.5])
    for step in range(1, 41):
        first.update(step, 4.0, 1e-3)
    first.save()
    first.close()
    time.sleep(1.01 - time.time() % 1)  # the order of event files is the second they were begun in, then none
    second = LossCurve(tmp_path, 20)
    assert [row["step"] for row in second.rows] == [10, 20]
    for step in range(21, 31):
        second.update(step, 5.0, 1e-3)
    second.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    losses = {event.step: event.value for event in events.Scalars("loss/train")}
    assert losses == {step: 4.0 if step <= 20 else 5.0 for step in range(1, 31)}
    assert LossCurve(tmp_path, 0).rows == []


def test_a_held_out_row_has_the_mean_loss_since_the_one_before(tmp_path: Path) -> None:
    curve = filled(tmp_path, [None, 3.0, None, None, 2.5])
    assert [tuple(row) for row in curve.held_out()] == [(20, 3.85, 3.0), (50, 3.6, 2.5)]


@pytest.mark.parametrize("count", [1, 39, 40, 41, 100, 1000])
def test_a_card_has_at_most_forty_rows_and_the_last_one(count: int, tmp_path: Path) -> None:
    curve = filled(tmp_path, [3.0] * count)
    rows = curve.card_rows()
    assert len(rows) == min(count, 40)
    assert rows[-1].step == 10 * count
    assert [row.step for row in rows] == sorted({row.step for row in rows})


@pytest.mark.parametrize(
    ("held_out", "every", "stalled", "best"),
    [
        ([], 10, 0, True),
        ([None, None], 10, 0, True),
        ([3.0], 10, 0, True),
        ([3.0, 2.0, 2.5, 2.1], 10, 2, False),
        ([3.0, 2.0, 2.5, 1.9], 10, 0, True),
        ([3.0, 2.0, 2.0, 2.0], 10, 2, True),  # as low is not lower
        ([3.0, 1.0, 2.5, 2.1, 2.0, 2.2], 30, 0, False),  # 30: 2.5, 60: 2.2
        ([3.0, 1.0, 2.1, 2.1, 2.0, 2.2], 30, 1, False),
    ],
)
def test_early_stopping_counts_the_measurements_of_its_own_updates(
    held_out: list[float | None], every: int, stalled: int, best: bool, tmp_path: Path
) -> None:
    curve = filled(tmp_path, held_out)
    assert curve.stalled(every) == stalled
    assert curve.is_best() == best


def test_a_curve_whose_rows_were_lost_still_knows_the_lowest(tmp_path: Path) -> None:
    curve = LossCurve(tmp_path, 100, lowest=2.5)
    assert curve.lowest() == 2.5
    for step, held_out, best in ((110, 9.9, False), (120, 2.5, True), (130, 2.4, True), (140, 2.45, False)):
        curve.add(step, 3.0, held_out, tokens_per_s=100.0)
        assert curve.is_best() == best
    assert curve.lowest() == 2.4


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    filled(tmp_path, [None, 3.0, 2.9]).save()
    assert (tmp_path / "losses.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["{", "[]\n", '{"step": 1}\n', '{"step": "x", "loss": 1}\n', "7\n"])
def test_a_broken_file_of_rows_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "losses.jsonl").write_text(text)
    with pytest.raises(CheckpointError, match=r"losses.jsonl: cannot be read") as refusal:
        LossCurve(tmp_path, 5)
    assert "\n" not in str(refusal.value)
