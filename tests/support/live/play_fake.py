"""`sideman play` on the deterministic test double: python tests/support/live/play_fake.py [options of sideman play]."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from bridge import cli
from bridge.commands import play as play_command
from tests.support.live.fake_session import FakeSession


def main() -> int:
    run = play_command.run
    play_command.run = lambda args: run(args, lambda checkpoint, device: lambda seed: FakeSession(seed))  # type: ignore[assignment,misc]
    return cli.main(["play", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
