"""`sideman plugin install | uninstall`: the CLAP plug-in, where hosts look for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from bridge.plugin.install import install, uninstall

__all__ = ["add_arguments", "run"]

_NEXT: Final = """
Have your host look for plug-ins anew, start `sideman serve`, and load `Sideman` in front of an instrument: it takes the
notes of its track and plays its own. docs/PLUGIN.md has the rest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's action and options."""
    parser.add_argument("action", choices=("install", "uninstall"), help="install the plug-in, or remove it")
    parser.add_argument("--dir", type=Path, help="another folder than the one where every host looks")


def run(args: argparse.Namespace) -> int:
    """Does it, and says what remains to be done. SidemanError in one line if it cannot be done."""
    if args.action == "install":
        print("wrote", install(args.dir))
        print(_NEXT)
        return 0
    removed = uninstall(args.dir)
    print("nothing to remove" if removed is None else f"removed {removed}")
    return 0
