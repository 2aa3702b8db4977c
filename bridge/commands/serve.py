"""`sideman serve`: plays for every instance of the plug-in that hosts on this machine load."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from bridge.app.leaving import heeding_signals
from bridge.app.waiting import Waiting
from bridge.commands.play import Loader, load_engine, say
from bridge.errors import BridgeError
from bridge.live.supervision import undisturbed
from bridge.plugin.finding.claim import claim_engine
from bridge.plugin.logs import SessionLogs
from bridge.plugin.server import PluginServer

__all__ = ["add_arguments", "run"]

UNUSED_S = 60.0  # before an engine that a plug-in has started ends: a host that restarts finds it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the command."""
    parser.add_argument("--port", type=int, default=0, metavar="N", help="TCP port on this machine [any that is free]")
    parser.add_argument("--checkpoint", type=Path, metavar="CKPT", help="the base to play with, if not the shipped one")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to decode [auto: on this processor]"
    )
    parser.add_argument(
        "--log", type=Path, metavar="DIR", help="write down every session, in files that `sideman replay` plays again"
    )
    parser.add_argument(
        "--while-used",
        action="store_true",
        help="end when no plug-in was there for a minute: so plug-ins start it",
    )


def run(
    args: argparse.Namespace, load: Loader = load_engine, opened: Callable[[int], object] = lambda port: None
) -> int:
    """Serves until a signal, and returns 128 + its number; 0 where nobody needs it any more, or another one serves.
    SidemanError: it cannot. opened: called with the port.
    """
    _check(args)
    with claim_engine(wait=args.while_used) as claimed:
        return _serve(args, load, opened) if claimed else 0


def _check(args: argparse.Namespace) -> None:
    """BridgeError: a port that is none, or a file where the logs' folder is to be."""
    if not 0 <= args.port <= 65535:
        raise BridgeError(f"--port {args.port} lies outside 0..65535: 0 takes any that is free")
    if args.log is not None and args.log.exists() and not args.log.is_dir():
        raise BridgeError(f"--log {args.log}: is a file: give a folder, which gets a file for each session")


def _serve(args: argparse.Namespace, load: Loader, opened: Callable[[int], object]) -> int:
    waiting = Waiting()
    logs = args.log and SessionLogs(args.log, args.checkpoint, args.device, lambda text: waiting.report("error", text))
    server = PluginServer(load(args.checkpoint, args.device), waiting.report, port=args.port, logs=logs)
    used_at_s = time.monotonic()

    def on_signal(number: int, frame: FrameType | None) -> None:
        waiting.leave(128 + number)

    def look() -> None:
        nonlocal used_at_s
        if server.is_used:
            used_at_s = time.monotonic()
        elif args.while_used and time.monotonic() - used_at_s > UNUSED_S:
            waiting.leave(0)

    # A Ctrl-C in the terminal of the host that has started us is meant for the host.
    with heeding_signals(on_signal, interrupts=not args.while_used):
        try:
            server.open()
            with undisturbed():
                say(f"plug-ins are played for, at port {server.port} of this machine; Ctrl-C stops")
                opened(server.port)
                why = waiting.wait(_tell, look)
                assert isinstance(why, int)  # nobody leaves for an error here
                return why
        finally:
            server.close()


def _tell(what: str, text: str) -> None:
    if what in ("error", "note", "plug-in"):
        say(f"{what} {text}".rstrip())
