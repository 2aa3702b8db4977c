"""`sideman recover`: the take of a `sideman play --record` that was killed."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.errors import BridgeError
from bridge.recording.take import journal_of, recover

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("take", type=Path, metavar="TAKE.mid", help="the file that --record was given")


def run(args: argparse.Namespace) -> int:
    """Writes the file. BridgeError where nothing is left to make it of, or it cannot be written."""
    path = args.take.with_suffix("") if args.take.suffix == ".journal" else args.take
    done = recover(path)
    if done is None:
        raise BridgeError(
            f"there is no {journal_of(path)}: no take to {path.name} was broken off; give the file that --record named"
        )
    print(f"wrote {done[0]}: {done[1]} messages")
    return 0
