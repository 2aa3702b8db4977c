"""`sideman plugin install | uninstall | chart`: the CLAP plug-in, where hosts look for it, and what it plays over."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError
from bridge.plugin.finding.start_file import engine_command, remove_start, write_start
from bridge.plugin.install import install, uninstall
from bridge.plugin.teller import tell_plugins
from bridge.plugin.wire import EVERY_INSTANCE
from engine.chords import parse_chart
from osc_protocol.table.host_rows import CHORDS

__all__ = ["add_arguments", "run"]

_NEXT: Final = """
Have your host look for plug-ins anew, and load `Sideman` in front of an instrument: it takes the notes of its track and
plays its own. docs/PLUGIN.md has the rest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's action and options."""
    parser.add_argument(
        "action",
        choices=("install", "uninstall", "chart"),
        help="install the plug-in, remove it, or have the projects of the host that is open keep a chart",
    )
    parser.add_argument("chart", nargs="?", metavar="CHORDS", help="for chart: such as 'Dm7 | G7 | Cmaj7 | %%'")
    parser.add_argument("--instance", type=int, metavar="N", help="for chart: the Nth that was loaded [all]")
    parser.add_argument(
        "--by-hand", action="store_true", help="for install: the plug-in does not start the engine, you do"
    )
    parser.add_argument("--dir", type=Path, help="another folder than the one where every host looks")


def run(args: argparse.Namespace) -> int:
    """Does it, and says what remains to be done. SidemanError in one line if it cannot be done."""
    if (args.chart is not None) != (args.action == "chart"):
        raise BridgeError("`sideman plugin chart 'Dm7 | G7'` takes a chart, and no other action does")
    if args.action == "chart":
        if args.instance is not None and not 1 <= args.instance <= 0xFFFF:
            raise BridgeError(f"--instance {args.instance} is none: they are numbered from 1")
        parse_chart(args.chart)
        print(tell_plugins(CHORDS, args.chart, EVERY_INSTANCE if args.instance is None else args.instance))
        return 0
    if args.action == "install":
        print("wrote", install(args.dir))
        if args.by_hand:
            remove_start()
            print("start `sideman serve` before you play")
        else:
            write_start(engine_command())
            print("it starts its engine itself")
        print(_NEXT)
        return 0
    remove_start()
    removed = uninstall(args.dir)
    print("nothing to remove" if removed is None else f"removed {removed}")
    return 0
