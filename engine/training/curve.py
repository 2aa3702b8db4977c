"""The loss of a run over its updates: rows in losses.jsonl, TensorBoard events, and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple, TypedDict

from torch.utils.tensorboard import SummaryWriter

from engine.atomic import atomic_write, write_whole
from engine.errors import CheckpointError
from engine.output.plot import INK, PAPER
from engine.training.schedule import Lowest

__all__ = ["LOSSES_FILE", "PICTURE_FILE", "LossCurve", "Measured", "Row"]

LOSSES_FILE, PICTURE_FILE = "losses.jsonl", "losses.png"
CARD_ROWS = 40  # a card is read by people
_TRAIN, _HELD_OUT = "#52a8cc", "#6a2c91"


class Row(TypedDict):
    """Some updates of a run."""

    step: int  # the last of them
    loss: float  # their mean, nats a token
    held_out: float | None  # nats a token after them, where it was measured


class Measured(NamedTuple):
    """A held-out loss, and the mean training loss of the updates since the one before."""

    step: int
    loss: float
    held_out: float


class LossCurve:
    """The curve of one run. Rows of an older file beyond update `done` are dropped, since those updates come again."""

    def __init__(self, run_dir: Path, done: int, lowest: float | None = None) -> None:
        """lowest: held-out loss of the run so far, should its rows be lost. CheckpointError: they are broken."""
        self.run_dir, self._lowest_before = run_dir, lowest
        self.rows: list[Row] = [] if done == 0 else [row for row in _read(run_dir / LOSSES_FILE) if row["step"] <= done]
        self._events = SummaryWriter(str(run_dir), purge_step=done + 1)

    def update(self, step: int, loss: float, learning_rate: float) -> None:
        """Tells TensorBoard of one update."""
        self._scalar("loss/train", loss, step)
        self._scalar("learning_rate", learning_rate, step)

    def add(self, step: int, loss: float, held_out: float | None, tokens_per_s: float) -> None:
        """Adds a row: the mean loss of the updates since the last one."""
        rounded = None if held_out is None else round(held_out, 4)
        self.rows.append({"step": step, "loss": round(loss, 4), "held_out": rounded})
        self._scalar("tokens_per_s", tokens_per_s, step)
        if held_out is not None:
            self._scalar("loss/held_out", held_out, step)

    def save(self) -> None:
        """Writes rows and picture, and what TensorBoard still waits for."""
        write_whole(self.run_dir / LOSSES_FILE, "".join(json.dumps(row) + "\n" for row in self.rows))
        self._draw()
        self._events.flush()

    def close(self) -> None:
        self._events.close()

    def held_out(self) -> list[Measured]:
        """Returns the rows with a held-out loss."""
        measured: list[Measured] = []
        first = last = 0  # updates of the last held-out row and of the last row
        total = 0.0  # of the losses since `first`
        for row in self.rows:
            total += row["loss"] * (row["step"] - last)
            last = row["step"]
            if row["held_out"] is not None:
                measured.append(Measured(last, round(total / max(1, last - first), 4), row["held_out"]))
                first, total = last, 0.0
        return measured

    def card_rows(self) -> list[Measured]:
        """Returns at most 40 rows, evenly spread, the last one among them."""
        rows = self.held_out()
        count = min(len(rows), CARD_ROWS)
        return [rows[(i + 1) * len(rows) // count - 1] for i in range(count)]

    def lowest(self) -> float | None:
        """Returns the lowest held-out loss of the run, the rows that were lost among them."""
        before = [] if self._lowest_before is None else [self._lowest_before]
        return min((*before, *(row.held_out for row in self.held_out())), default=None)

    def is_best(self) -> bool:
        """Whether the last held-out loss is the lowest so far."""
        rows = self.held_out()
        return not rows or rows[-1].held_out == self.lowest()

    def stalled(self, every: int) -> int:
        """Returns how many measurements at multiples of `every` updates have passed since the lowest of them."""
        losses = [row["held_out"] for row in self.rows if row["held_out"] is not None and row["step"] % every == 0]
        lowest = Lowest()
        for loss in losses:
            lowest.measured(loss)
        return lowest.since

    def _scalar(self, name: str, value: float, step: int) -> None:
        self._events.add_scalar(name, value, step)

    def _draw(self) -> None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.0, 4.5), dpi=120, facecolor=PAPER, layout="constrained")
        axes = figure.add_subplot()
        rows, measured = self.rows, self.held_out()
        axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], color=_TRAIN, label="training")
        steps, losses = [row.step for row in measured], [row.held_out for row in measured]
        axes.plot(steps, losses, color=_HELD_OUT, marker=".", label="held out")
        axes.set_xlabel("updates", color=INK)
        axes.set_ylabel("loss, nats a token", color=INK)
        axes.locator_params(axis="x", integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        with atomic_write(self.run_dir / PICTURE_FILE) as beside:
            figure.savefig(beside, metadata={"Software": None})


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return [
            {
                "step": int(row["step"]),
                "loss": float(row["loss"]),
                "held_out": None if row.get("held_out") is None else float(row["held_out"]),
            }
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}): delete it to lose the curve so far") from None
