"""`sideman replay`: plays the log of a session again, note for note, and says whether it came out as it was."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import native
from bridge.commands.play import load_engine
from bridge.errors import ReplayError
from bridge.live.commands import TurnKnob
from bridge.live.playing.improviser import Improviser
from bridge.recording.replay import Replay, SessionLog, read_log
from bridge.recording.session_header import base_sha256, style_sha256
from bridge.recording.take import VERSION, TakeEntries
from bridge.recording.take_file import START, write_take
from engine.atomic import check_file
from engine.styles.library import parse_styles

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("log", type=Path, metavar="SESSION.jsonl", help="what `sideman play --log` wrote")
    parser.add_argument("-o", "--output", type=Path, metavar="TAKE.mid", help="write what is played, in and out")
    parser.add_argument(
        "--checkpoint", type=Path, metavar="CKPT", help="the base of the session, if not the shipped one"
    )
    parser.add_argument("--json", action="store_true", help="one JSON line instead of words")


def run(args: argparse.Namespace, load: Callable[[Path | None, str], Callable[[int], Improviser]] = load_engine) -> int:
    """0: played as it was; 1: it parts from the log. ReplayError: no log, a broken one, another base or style."""
    log = read_log(args.log)
    _check(log, args.checkpoint)
    if args.output is not None:
        if args.output.resolve() == args.log.resolve():
            raise ReplayError(f"-o {args.output} is the log itself, which it would replace: give another file")
        check_file(args.output)  # now: an hour's log plays for minutes
    entries: list[tuple[Any, ...]] = []
    observer = TakeEntries(lambda *entry: entries.append(entry))
    replay = Replay(log, load(args.checkpoint, str(log.header.get("device", "auto"))), observer)
    replay.run()
    for time_us, message in replay.played:
        observer.note_out(time_us, message)
    if args.output is not None:
        start_us = min((entry[1] for entry in entries), default=0)
        write_take(args.output, [(START, VERSION, start_us, log.options.tempo_bpm), *entries])
    _tell(args, log, replay)
    return 0 if replay.parted_s is None else 1


def _check(log: SessionLog, checkpoint: Path | None) -> None:
    base = log.header.get("base")
    here = base_sha256(checkpoint)
    if base != here:
        raise ReplayError(
            f"{log.path} was played on another base (sha256 {str(base)[:12]}..., here is {here[:12]}...): "
            "give that one by --checkpoint"
        )
    styles = log.header.get("styles")
    for name in sorted(_styles_used(log)):
        if not isinstance(styles, dict) or style_sha256(name) != styles.get(name):
            raise ReplayError(f"{log.path} was played with another style {name!r}: get that one by sideman styles add")


def _styles_used(log: SessionLog) -> set[str]:
    commands = (command for logged in log.rounds for command in logged.round.commands)
    chosen = [knob.setting.value for knob in commands if isinstance(knob, TurnKnob) and knob.setting.name == "style"]
    return {name for text in chosen for name in parse_styles(str(text))}


def _tell(args: argparse.Namespace, log: SessionLog, replay: Replay) -> None:
    if args.json:
        result = {
            "seconds": round(replay.seconds, 3), "rounds": replay.rounds, "messages": len(replay.played),
            "sent_then": len(log.sent), "cut_off": log.cut_off, "parted_s": replay.parted_s,
        }  # fmt: skip
        print(json.dumps(result))
        return
    cut = "; the log was cut off there" if log.cut_off else ""
    print(f"{replay.seconds:.1f} s in {replay.rounds} rounds, {len(replay.played)} messages{cut}")
    if args.output is not None:
        print(f"wrote {args.output}")
    if replay.parted_s is None:
        print("played as it was")
        return
    then = f"Sideman {log.header.get('version')}, kernel {log.header.get('kernel')}"
    print(
        f"sideman: {log.path}: from {replay.parted_s:.2f} s on it plays something else than {then} did "
        f"(here: kernel {native.kernel()}): replay it with that version and kernel",
        file=sys.stderr,
    )
