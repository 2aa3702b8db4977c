"""`sideman fl install | uninstall | probe | doctor | take`: the command, and the clicks in FL Studio that remain."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from bridge.fl.folders import FlInstallError
from bridge.fl.install import install, leftovers, probe, uninstall

__all__ = ["add_arguments", "run"]

_NEXT_INSTALL: Final = """
In FL Studio, with `sideman play` running:
  1. Options > MIDI settings > Output: choose `Sideman Control`, set its port to 10.
  2. Input: choose `Sideman Control`, enable it, set its port to 10 and its controller type to `Sideman`.
  3. View > Script output shows `Sideman: init ok`, then `Sideman: connected`.
FL that was open during the install lists `Sideman` after a restart. `sideman fl doctor` verifies what can be seen from
outside; docs/FL_STUDIO.md has the rest."""

_NEXT_TAKE: Final = """
In FL Studio: open the piano roll that shall hold it, then Tools (the spanner) > Scripting > Sideman take. After the
first take of all, FL lists it once it was started again."""

_NEXT_PROBE: Final = """
In FL Studio, after a restart: Options > MIDI settings, any enabled input, controller type `Sideman Probe`.
View > Script output then lists what this FL allows. `sideman fl uninstall` removes it."""

_ACTIONS: Final = {
    "install": (install, "wrote", _NEXT_INSTALL),
    "uninstall": (uninstall, "removed", ""),
    "probe": (probe, "wrote", _NEXT_PROBE),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's action and options."""
    parser.add_argument(
        "action",
        choices=(*_ACTIONS, "doctor", "take"),
        help="install the script, remove it, install the probe that tells what FL allows, verify all that FL needs, or "
        "put a take into the piano roll",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="TAKE", help="for take: a MIDI file [the last recording]")
    parser.add_argument("--dir", type=Path, help="FL Studio's user data folder; it is found where FL puts it")


def run(args: argparse.Namespace) -> int:
    """Does it, says which clicks remain. FlInstallError in one line if it cannot be done. 1 if doctor found fault."""
    if args.file is not None and args.action != "take":
        raise FlInstallError(f"sideman fl {args.action} takes no file: {args.file} is for sideman fl take")
    if args.action == "take":
        from bridge.fl.take import write_take_script

        for path in write_take_script(args.file, args.dir):
            print("wrote", path)
        print(_NEXT_TAKE)
        return 0
    if args.action == "doctor":
        from bridge.fl.doctor import examine

        findings = examine(args.dir)
        print(*findings, sep="\n")
        return int(any(finding.good is False for finding in findings))
    action, done, then = _ACTIONS[args.action]
    for path in action(args.dir):
        print(done, path)
    if args.action == "uninstall":
        for path in leftovers(args.dir):
            print("left alone, it is not ours:", path)
    if then:
        print(then)
    return 0
