"""The `sideman` command: a table of subcommands, each in a module that is imported only when it is asked for.

Exit codes: 0 done, 1 a failure, 2 bad input, 130 Ctrl-C, 143 SIGTERM. Whatever goes wrong is one line on stderr;
`--debug` (or SIDEMAN_DEBUG=1) adds the traceback.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, metadata
from types import FrameType
from typing import NoReturn

from engine.output.console import escape_what_cannot_be_said

__all__ = ["COMMANDS", "Command", "main"]


@dataclass(frozen=True)
class Command:
    """One subcommand: `add_arguments(parser)` and `run(args) -> int` of its module, under these names."""

    name: str
    module: str
    help: str
    add: str = "add_arguments"
    run: str = "run"


_STYLE = "bridge.commands.study.styles"

COMMANDS = (
    Command("generate", "engine.solo.command", "write a solo over chords to a MIDI file"),
    Command("again", "engine.solo.again.command", "play some bars of a MIDI file again, the rest as it is"),
    Command("play", "bridge.commands.play", "play along live: chords in, notes out, on MIDI ports"),
    Command("serve", "bridge.commands.serve", "play for the plug-in: every instance that hosts here load"),
    Command("plugin", "bridge.commands.plugin", "install the plug-in for hosts that load CLAP"),
    Command("replay", "bridge.commands.replay", "play the log of a session again, note for note"),
    Command("recover", "bridge.commands.recover", "make the take of a session that was killed"),
    Command("ports", "bridge.commands.ports", "list the MIDI ports that can be named"),
    Command("doctor", "bridge.commands.doctor", "measure this machine and say whether it will play live"),
    Command("learn", "bridge.commands.learn", "bind a hardware knob to a parameter by moving it"),
    Command("osc", "bridge.commands.osc", "write a control surface for Open Stage Control or TouchOSC"),
    Command("fl", "bridge.commands.fl", "install the FL Studio controller script"),
    Command(
        "chords", "bridge.commands.study.chords", "print or write the chords of a MIDI file, as a chart to correct"
    ),
    Command("prepare", "bridge.commands.study.prepare", "turn MIDI files into training data"),
    Command(
        "practice", "bridge.commands.study.practice", "write practice pieces: textbook piano over generated charts"
    ),
    Command("train", "bridge.commands.study.train", "train a base model"),
    Command("finetune", _STYLE, "make a style from a handful of pieces", "add_finetune_arguments", "run_finetune"),
    Command("styles", _STYLE, "list, tell, add or remove styles", "add_styles_arguments", "run_styles"),
    Command("export", _STYLE, "merge a style into its base", "add_export_arguments", "run_export"),
    Command("evaluate", "bridge.commands.study.evaluate", "measure a model on held-out data"),
    Command("blindtest", "bridge.commands.study.blindtest", "make a listening test: who is the pianist, A or B?"),
)

EXIT_FAILURE, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130
EXIT_TERMINATED = 128 + signal.SIGTERM


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (default: sys.argv) and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    escape_what_cannot_be_said()
    debug = "--debug" in arguments or os.environ.get("SIDEMAN_DEBUG", "") not in ("", "0")
    try:
        with _leaving_when_terminated():
            return _run(arguments)
    except _Terminated:
        return EXIT_TERMINATED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except Exception as error:
        if debug:
            traceback.print_exc()
        bad_input = _is_bad_input(error)
        what = str(error) if bad_input or _is_live_failure(error) else f"{type(error).__name__}: {error}"
        print("sideman:", " ".join(what.split()), file=sys.stderr)
        return EXIT_BAD_INPUT if bad_input else EXIT_FAILURE


class _Terminated(KeyboardInterrupt):
    """SIGTERM, by which systems end programs: it takes the way out of Ctrl-C, so that nothing half-made is left."""


@contextmanager
def _leaving_when_terminated() -> Iterator[None]:
    """Within, SIGTERM raises _Terminated in the main thread, unless the program around us has plans of its own."""
    on_main_thread = threading.current_thread() is threading.main_thread()
    if not on_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Parser(argparse.ArgumentParser):
    """argparse prints its usage before every error; one line is enough."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_INPUT, f"sideman: {message}: `{self.prog} --help` shows what it takes\n")


def _run(arguments: list[str]) -> int:
    parser = _Parser(
        prog="sideman", description="An AI piano sideman: it improvises over your chords, in time, as MIDI."
    )
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    parser.add_argument("--debug", action="store_true", help="print the whole traceback of a failure")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    # Only the module of the command asked for is imported: `sideman --help` stays instant, `ports` needs no model.
    asked = next((text for text in arguments if not text.startswith("-")), None)
    run = None
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        subparser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if command.name == asked:
            module = import_module(command.module)
            getattr(module, command.add)(subparser)
            run = getattr(module, command.run)
    try:
        args = parser.parse_args(arguments)
    except SystemExit as stop:  # argparse has printed help (0) or a usage error (2)
        return stop.code if isinstance(stop.code, int) else EXIT_BAD_INPUT
    if args.version:
        print(f"sideman {metadata.version('sideman')}")
        return 0
    if run is None:
        return welcome()
    return int(run(args))


def welcome() -> int:
    """What `sideman` alone does."""
    from bridge.commands.welcome import run

    return run()


def _is_bad_input(error: Exception) -> bool:
    from engine.errors import SidemanError
    from osc_protocol.errors import OscError

    return isinstance(error, SidemanError | OscError)


def _is_live_failure(error: Exception) -> bool:
    from bridge.errors import LiveFailure

    return isinstance(error, LiveFailure)


if __name__ == "__main__":
    sys.exit(main())
