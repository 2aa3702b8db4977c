"""Where the corpora lie that are measured on."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

__all__ = ["add_data_option", "pop909_folders"]


def add_data_option(parser: argparse.ArgumentParser, holds: str) -> None:
    """Adds --data, by default what SIDEMAN_DATA names. holds: says in the help which folder it is."""
    data = os.environ.get("SIDEMAN_DATA")
    parser.add_argument("--data", type=Path, default=data, required=not data, help=f"{holds} [$SIDEMAN_DATA]")


def pop909_folders(data: Path) -> list[Path]:
    """Returns POP909's folders, one a song, in the order of their numbers."""
    return sorted(path for path in (data / "chords" / "pop909").iterdir() if path.is_dir())
