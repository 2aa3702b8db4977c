"""A look at prepared data: a folder that `sideman prepare` wrote -> one HTML page that needs nothing else."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.atomic import write_whole
from engine.data.report.facts import gather
from engine.data.report.page import Roll, page
from engine.data.report.plots import charts
from engine.data.report.roll import roll
from engine.errors import DataError

__all__ = ["REPORT", "write_report"]

REPORT = "report.html"


def write_report(
    data_dir: Path, path: Path | None = None, *, title: str | None = None, command: str | None = None
) -> Path:
    """Writes the page of a prepared folder, whole or not at all; returns its path (default: report.html inside).

    The page has its pictures inside, no script and no link outwards, and is some 1 MB large. title: default the
    folder's name. command: what to name as its origin, default `sideman prepare`.

    DataError: the folder, its manifest or a shard is missing or broken. SidemanError: matplotlib is missing, or the
    page cannot be written.
    """
    if not data_dir.is_dir():
        raise DataError(f"{data_dir}: no such folder: give a folder that `sideman prepare -o` wrote")
    target = data_dir / REPORT if path is None else path
    facts = gather(data_dir)
    rolls = [Roll(example, *roll(example, number)) for number, example in enumerate(facts.examples)]
    parts = page(
        facts, charts(facts), rolls,
        title=title or data_dir.resolve().name,
        command=command or f"sideman prepare IN_DIR -o {data_dir.name or data_dir} --report",
        made=f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}, Sideman {_version()}",
    )  # fmt: skip
    write_whole(target, "".join(parts))
    return target


def _version() -> str:
    try:
        return version("sideman")
    except PackageNotFoundError:  # run from a source tree that nobody installed
        return "from its source tree"
