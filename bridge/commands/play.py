"""`sideman play`: its engine and its signals; bridge/app does the rest."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from bridge.app.app import App
from bridge.app.arguments import add_arguments, settings_from
from bridge.app.leaving import heeding_signals
from bridge.app.settings import Settings
from bridge.errors import LiveFailure
from bridge.live.playing.improviser import Improviser
from osc_protocol.table.parameters import CONTROL_NAMES

__all__ = ["add_arguments", "load_engine", "run", "say"]

WARM_UP_S: Final = 0.5  # of music
_SIGNAL_EXIT: Final = 128  # + the signal's number, as shells count: 130 for Ctrl-C


def load_engine(checkpoint: Path | None, device: str) -> Callable[[int], Improviser]:
    """seed -> a fresh stream on a checkpoint, the shipped base for None. CheckpointError; SidemanError: no device."""
    from engine.inference.backends import DEVICES, compiled_advice
    from engine.inference.session import Session
    from engine.model.checkpoint import load_checkpoint

    loaded = load_checkpoint(checkpoint)
    backend = DEVICES[device]
    # The first tokens touch every weight for the first time: not while playing.
    session = Session(loaded, backend=backend)
    session.generate(WARM_UP_S)
    for advice in filter(None, (compiled_advice(), session.speed_advice)):
        print(f"sideman: {advice}", file=sys.stderr)
    return lambda seed: Session(loaded, seed, backend)


Loader = Callable[[Path | None, str], Callable[[int], Improviser]]


def run(args: argparse.Namespace, load: Loader = load_engine, opened: Callable[[], object] = lambda: None) -> int:
    """Plays until a signal; 128 + its number. SidemanError, OscError for bad input; LiveFailure where playing fails."""
    settings = settings_from(args)
    app = App(settings, lambda: _load_with_style(load, args, settings), say)
    leaving = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if leaving.is_set() and not app.is_open:
            raise KeyboardInterrupt  # asked twice while something takes long to open; closing is never broken off
        leaving.set()
        app.leave(number)

    with heeding_signals(on_signal):
        try:
            app.open()
            opened()
            stop = app.wait()
        finally:
            app.close()
    if isinstance(stop, BaseException):
        if isinstance(stop, LiveFailure):
            raise stop
        raise LiveFailure(f"playing stopped, every note ended: {type(stop).__name__}: {stop}") from stop
    return _SIGNAL_EXIT + stop


def _load_with_style(load: Loader, args: argparse.Namespace, settings: Settings) -> Callable[[int], Improviser]:
    """What load gives. SidemanError now, not when the first note is due: a style of another base, or a role or the like
    that this base cannot be asked for."""
    make = load(args.checkpoint, args.device)
    asked = [setting for setting in settings.values if setting.name in ("style", *CONTROL_NAMES)]
    if asked:
        make(settings.session.seed).set_params(*asked)
    return make


def say(text: str) -> None:
    """Prints a line where there is still somebody to read it."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):  # the terminal has gone; the music, and its end, must not depend on it
        sys.stdout = None
