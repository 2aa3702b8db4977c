"""`sideman doctor`: measures this machine, and says in words whether it will play live and how far ahead it must."""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
from pathlib import Path
from typing import Any, Final

import native
from bridge.commands.machine_check import DecodeSpeed, Spread, decode_speed, loop_back, timer_jitter
from bridge.errors import PortError
from bridge.fl.doctor import Finding
from bridge.midi.cables import CABLES, how_to_make, lacking_cables, our_end, their_end
from bridge.midi.system import MidiSystem, find_system
from engine.platform.system import this_system
from osc_protocol.table.parameters import BY_NAME, DEFAULT_PORT, DEFAULTS

__all__ = ["add_arguments", "look_ahead_ms", "run"]

FAST_ENOUGH: Final = 3.0  # times real time: a change makes the look-ahead anew, and the machine has other work
BARELY: Final = 1.3
LATE_MS: Final = 20.0  # a note so late is heard as wrong
EARLY_ENOUGH_MS: Final = 3.0  # later than this at p99 is worth a word
SLOW_CABLE_MS: Final = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--checkpoint", type=Path, metavar="CKPT", help="the base to measure, if not the shipped one")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="as for play [%(default)s]")
    parser.add_argument("--in", dest="input", metavar="PORT", help="measure a cable: what --out sends comes in here")
    parser.add_argument("--out", dest="output", metavar="PORT", help="see --in")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints what it finds; 0 where this machine will play live, else 1. PortError, CheckpointError for bad input."""
    if (args.input is None) != (args.output is None):
        raise PortError("a cable has two ends: give --in and --out together")
    report: dict[str, Any] = {
        "system": platform.platform(terse=True),
        "cores": os.cpu_count(),
        "native": native.VARIANT,
        "kernel": native.kernel(),
    }
    tell = _Teller(quiet=args.json)
    tell.say(_machine())
    system = _ports(tell, report, args)
    speed = _decoding(tell, report, args)
    _osc(tell)
    will = system is not None and speed.times_real_time >= BARELY and report["jitter_playing_ms"]["p99"] <= LATE_MS
    ahead_ms = look_ahead_ms(speed, report["jitter_playing_ms"]["largest"])
    words = verdict(system is not None, speed, report["jitter_playing_ms"]["p99"], ahead_ms)
    report |= {"findings": [[f.good, f.text] for f in tell.findings], "plays_live": will, "look_ahead_ms": ahead_ms}
    if args.json:
        print(json.dumps(report | {"verdict": words}))
    else:
        print(f"\n{words}")
    return 0 if will else 1


def look_ahead_ms(speed: DecodeSpeed, latest_ms: float) -> int:
    """Returns how far ahead to play: ten of the slowest chunks and the latest wake-up, in steps of 50 within the range.

    The slower the machine is on average, the more it needs in reserve.
    """
    low, high = BY_NAME["look_ahead_ms"].low, BY_NAME["look_ahead_ms"].high
    assert low is not None
    assert high is not None
    wanted = 10 * speed.chunk_ms.p99 + 2 * latest_ms + 1000 / max(speed.times_real_time, 0.1)
    return int(min(max(-(-wanted // 50) * 50, 200.0, low), high))


def verdict(has_ports: bool, speed: DecodeSpeed, late_p99_ms: float, ahead_ms: int) -> str:
    """Says in words whether this machine will play live."""
    default_ms = int(DEFAULTS["look_ahead_ms"])
    if speed.times_real_time < BARELY:
        return (
            f"This machine will not play live: it makes music {speed.times_real_time:.1f} times as fast as it sounds, "
            f"{BARELY:g} is the least. A smaller base may do, and `sideman generate` works."
        )
    if late_p99_ms > LATE_MS:
        return (
            f"This machine will not play live as it is: notes leave up to {late_p99_ms:.0f} ms late. "
            "Close what else keeps it busy, and ask again."
        )
    if not has_ports:
        return "This machine is fast enough, but has no MIDI to play through: see above for the remedy."
    how = f"it makes music {speed.times_real_time:.0f} times as fast as it sounds"
    if speed.times_real_time < FAST_ENOUGH:
        how += ", so leave it little else to do"
    if ahead_ms > default_ms:
        return f"This machine will play live: {how}; play with --look-ahead-ms {ahead_ms}."
    return (
        f"This machine will play live: {how}; the look-ahead of {default_ms} ms is enough, "
        f"--look-ahead-ms {ahead_ms} would be."
    )


class _Teller:
    """Prints findings as they come, so that a measurement that hangs is seen."""

    def __init__(self, quiet: bool) -> None:
        self.findings: list[Finding] = []
        self._quiet = quiet

    def say(self, finding: Finding) -> None:
        self.findings.append(finding)
        if not self._quiet:
            print(finding, flush=True)


def _machine() -> Finding:
    what = f"{this_system().name}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if native.VARIANT == "compiled":
        return Finding(True, f"{what}; the compiled decoder runs with {native.kernel()}")
    return Finding(None, f"{what}; no compiled decoder: reinstall with a C++ compiler for about eight times the speed")


def _ports(tell: _Teller, report: dict[str, Any], args: argparse.Namespace) -> MidiSystem | None:
    """The MIDI system, measured; None where there is nothing to play through."""
    report["midi"] = None
    try:
        system = find_system()
        inputs, outputs = system.input_names(), system.output_names()
    except PortError as error:
        tell.say(Finding(False, str(error)))
        return None
    report["midi"] = {"system": system.name, "virtual": system.has_virtual, "inputs": inputs, "outputs": outputs}
    found = f"{system.name} with {len(inputs)} inputs and {len(outputs)} outputs of others"
    names = _cable(tell, system, args, inputs, outputs, found)
    if names is None:
        return None
    if names == (None, None) and not system.has_virtual:
        tell.say(Finding(None, "no loop-back measured: give both ends of a cable with --in and --out"))
        return system
    took = loop_back(system, names)
    if took is None:
        tell.say(Finding(False, "what was sent did not come back: the MIDI system hangs, or the cable is another one"))
        return None
    report["loop_back_ms"] = took._asdict()
    good = True if took.p99 <= SLOW_CABLE_MS else None
    tell.say(Finding(good, f"MIDI comes back after {_text(took)}"))
    return system


def _cable(
    tell: _Teller, system: MidiSystem, args: argparse.Namespace, inputs: list[str], outputs: list[str], found: str
) -> tuple[str | None, str | None] | None:
    """The output and input to measure between, (None, None) for ports of our own; None where there is no way in or out.

    Says how this system's ports come about. PortError for a name that --in or --out got wrong.
    """
    named = system.find(args.input, args.output)[::-1] if args.output is not None else (None, None)
    if system.has_virtual:
        tell.say(Finding(True, f"{found}; `sideman play` makes its own"))
        return named
    lacking = lacking_cables(inputs, outputs)
    if not lacking:
        tell.say(Finding(True, f"{found}; `sideman play` uses the cables {', '.join(CABLES)}"))
        if args.output is None:
            return their_end(CABLES[0], outputs), our_end(CABLES[0], inputs)
        return named
    others = bool(inputs) and bool(outputs)
    what = "`sideman play` has no cable " + ", ".join(lacking)
    tell.say(Finding(None if others else False, f"{found}, {what}. In a terminal:"))
    for line in how_to_make(lacking):
        tell.say(Finding(None, f"    {line}"))
    if others:
        tell.say(Finding(None, "or name two of the ports there are with --in and --out (`sideman ports`)"))
    return named if others else None


def _decoding(tell: _Teller, report: dict[str, Any], args: argparse.Namespace) -> DecodeSpeed:
    from bridge.commands.play import load_engine

    make = load_engine(args.checkpoint, args.device)
    speed = decode_speed(make)
    report["times_real_time"], report["chunk_ms"] = speed.times_real_time, speed.chunk_ms._asdict()
    fast = None if speed.times_real_time < FAST_ENOUGH else True
    tell.say(
        Finding(
            False if speed.times_real_time < BARELY else fast,
            f"music is made {speed.times_real_time:.0f} times as fast as it sounds; 0.2 s of it take "
            f"{_text(speed.chunk_ms)}",
        )
    )
    idle, granted = timer_jitter()
    improviser = make(2)
    playing, _ = timer_jitter(meanwhile=lambda: improviser.generate(improviser.time_s + 0.2))
    report["jitter_ms"], report["jitter_playing_ms"] = idle._asdict(), playing._asdict()
    report["real_time_priority"] = granted
    good = False if playing.p99 > LATE_MS else None if playing.p99 > EARLY_ENOUGH_MS else True
    tell.say(Finding(good, f"notes leave late by {_text(idle)}; while music is made by {_text(playing)}"))
    if granted:
        tell.say(Finding(True, "the system grants real-time priority"))
    else:
        remedy = this_system().priority_remedy
        tell.say(Finding(None, f"no real-time priority: notes may leave late beside other work; {remedy}"))
    return speed


def _osc(tell: _Teller) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            text = f"OSC port {DEFAULT_PORT} is in use: is `sideman play` running? Else give --osc-port"
            tell.say(Finding(None, text))
        else:
            tell.say(Finding(True, f"OSC port {DEFAULT_PORT} is free"))


def _text(spread: Spread) -> str:
    return f"p50 {spread.p50:.2f}, p99 {spread.p99:.2f}, at most {spread.largest:.2f} ms"
