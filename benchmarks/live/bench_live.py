"""`sideman play` on the shipped base over real JACK ports: how soon a chord and a knob are heard, how late it sends.

    python -m benchmarks.live.bench_live [--busy 2] [--changes 80] [--knobs 40] [--options "--look-ahead-ms 500"]
                                    [--notochord PYTHON]

Pianist, listener and sideman are processes of their own; one clock serves all. Each condition (idle, and beside --busy
processes that never sleep) is measured the same way:

    chord heard      from the last key of a chord to the first NOTE_ON, at the listener, that was sampled under it
    chord in force   from that key to the moment from which every note is sampled under it
    knob in force    from a message (OSC, then CC on Sideman In) to that moment
    knob heard       the same to the next NOTE_ON at the listener: the music's own gaps are in it, given beside it
    strays           notes of the register before, heard after a move of the register was in force: must be 0
    late             from a message's deadline to its send, NOTE_OFFs too; on JACK the pipe to the ports' process
    late, heard      from a NOTE_ON's deadline to the listener, which the way through JACK is part of
    mido, notochord  the same of live_rivals.py, right after, in the same condition

`block` chords are struck at once, as a key track does; `hand` has 0-25 ms between first and last finger, and the old
keys come up within 40 ms of it, before or after. --notochord names an interpreter that has notochord installed.
Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.common.machine import describe, percentiles
from benchmarks.common.result import say_result
from osc_protocol.wire.codec import encode
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import Listener, Play, pianist

ROOT = Path(__file__).parents[2]
BUSY = "while True: pass"
VOICINGS = ((0, 3, 7, 10), (0, 4, 7, 10), (0, 4, 7, 11))  # minor seventh, seventh, major seventh
SPREAD_S, LIFT_S = 0.025, 0.040
LIMIT_US = 1_000_000  # what has not come by then has not come
TEMPERATURES = (0.7, 1.1)
TEMPERATURE_CC = ((20, 42), (20, 68))  # about the same
REGISTERS = ((72, 96), (36, 60))
TRANSIT_US = 3_000  # a note due before a moment may be heard so long after it
RIVAL_S = 15
Event = tuple[float, str, list[int]]


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Runs so many processes that never sleep."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def chord_script(count: int, by_hand: bool, draw: random.Random) -> tuple[list[Event], list[float]]:
    """Returns a pianist's events, and the seconds at which the last key of each chord goes down."""
    events: list[Event] = []
    last_keys, at_s, held = [], 0.5, list[int]()
    for number in range(count):
        root = 48 + (draw.randrange(12) if number % 3 == 0 else (held[0] + 5) % 12)
        chord = [root + interval for interval in VOICINGS[number % 3]]
        spread = [draw.uniform(0, SPREAD_S) if by_hand else 0.0 for _ in chord]
        for pitch in held:
            lift_s = draw.uniform(-LIFT_S, LIFT_S) if by_hand and pitch not in chord else -0.001
            events.append((at_s + lift_s, "off", [pitch]))
        if by_hand:
            events += [(at_s + late_s, "on", [pitch]) for pitch, late_s in zip(chord, spread, strict=True)]
        else:
            events.append((at_s, "on", chord))
        last_keys.append(at_s + max(spread))
        held = chord
        at_s += draw.uniform(0.6, 1.2)
    events.append((at_s, "off", held))
    return sorted(events, key=lambda event: event[0]), last_keys


def play_chords(server: JackServer, count: int, by_hand: bool) -> list[int]:
    """Plays chords to Sideman In; returns the microseconds at which the last key of each but the first was sent."""
    events, last_keys = chord_script(count, by_hand, random.Random(count + by_hand))
    struck = [
        (at_s, at_us)
        for (at_s, kind, _), (at_us, _, _) in zip(events, pianist(server, events), strict=True)
        if kind == "on"
    ]
    return [max(at_us for at_s, at_us in struck if at_s <= last_s) for last_s in last_keys[1:]]


def turn_by_osc(play: Play, turns: Sequence[Sequence[tuple[str, float]]]) -> list[int]:
    """Sends each turn's values; returns when its first one was sent."""
    draw, times = random.Random(1), []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for turn in turns:
            times.append(time.monotonic_ns() // 1000)
            for name, value in turn:
                sender.sendto(encode(f"/sideman/param/{name}", value), ("127.0.0.1", play.osc_port))
            time.sleep(draw.uniform(0.5, 0.9))
    return times


def turn_by_cc(server: JackServer, count: int) -> list[int]:
    """Turns the temperature by its controller on Sideman In; returns when each message was sent."""
    draw, at_s, events = random.Random(2), 0.2, []
    for number in range(count):
        events.append((at_s, [[0xB0, *TEMPERATURE_CC[number % 2]]]))
        at_s += draw.uniform(0.5, 0.9)
    script = [sys.executable, str(ROOT / "benchmarks" / "live" / "live_pianist.py"), "Sideman In", json.dumps(events)]
    done = subprocess.run(script, env=server.environment, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


def register_moves(count: int) -> list[list[tuple[str, int]]]:
    """Returns moves up and down in turn, ordered so that the two ends of the register never cross."""
    up = [("register_high", REGISTERS[0][1]), ("register_low", REGISTERS[0][0])]
    down = [("register_low", REGISTERS[1][0]), ("register_high", REGISTERS[1][1])]
    return [up if number % 2 == 0 else down for number in range(count)]


def measure(server: JackServer, changes: int, knobs: int, options: Sequence[str], folder: Path) -> dict[str, Any]:
    """Measures one condition: chords by block and by hand, knobs by OSC and by CC, registers."""
    probe = folder / "probe.json"
    moments: dict[str, list[int]] = {}
    engine = [sys.executable, str(ROOT / "benchmarks" / "live" / "live_probe.py"), str(probe)]
    play = Play(engine, ["--seed", "7", "--oscquery-port", "0", *options], server.environment)
    listener = None
    try:
        play.wait_for("Ctrl-C stops", 60.0)
        listener = Listener("Sideman Out", server.environment)
        moments["block chord"] = play_chords(server, changes, False)
        time.sleep(2.0)
        moments["hand chord"] = play_chords(server, changes, True)
        time.sleep(2.0)
        play.osc("/sideman/chord", "s", "Cmaj7")
        time.sleep(1.0)
        moments["OSC knob"] = turn_by_osc(play, [[("temperature", TEMPERATURES[n % 2])] for n in range(knobs)])
        moments["CC knob"] = turn_by_cc(server, knobs)
        registers = turn_by_osc(play, register_moves(max(knobs // 4, 4)))
        play.end()
    finally:
        play.kill()
        if listener is not None:
            listener.finish()
    assert listener.unended() == set()
    took = json.loads(probe.read_text())
    result = figures(moments, listener.onsets(), took)
    result["strays"] = strays(registers, listener.onsets(), [at for _, at, _ in took["changes"]])
    return result | {"said": play.lines[-1]}


def rivals(server: JackServer, notochord: str | None) -> dict[str, Any]:
    """Measures how late other programs send in this condition."""
    result = {}
    for name, python in (("mido", sys.executable), ("notochord", notochord)):
        if python is not None:
            script = [python, str(ROOT / "benchmarks" / "live" / "live_rivals.py"), name, str(RIVAL_S)]
            done = subprocess.run(script, env=server.environment, capture_output=True, text=True, check=True)
            result[f"{name} late"] = lateness(json.loads(done.stdout.splitlines()[-1]))
    return result


def lateness(late_ms: Sequence[float]) -> dict[str, float]:
    """Returns percentiles, and how many were so late that they are heard as wrong."""
    return percentiles(late_ms) | {"over 20 ms": sum(late > 20 for late in late_ms)}


def figures(moments: dict[str, list[int]], heard: list[tuple[int, int]], took: dict[str, Any]) -> dict[str, Any]:
    """Returns what the table shows, in milliseconds."""
    result: dict[str, Any] = {}
    changes = [at for _, at, _ in took["changes"]]
    for name, sent in moments.items():
        in_force = [_first(changes, moment, LIMIT_US) for moment in sent]
        notes = [at and _first([at for at, _ in heard], at - 1, 10 * LIMIT_US) for at in in_force]
        for what, ends in (("in force", in_force), ("heard", notes)):
            waits = [(end - moment) / 1000 for moment, end in zip(sent, ends, strict=True) if end is not None]
            result[f"{name} {what}"] = percentiles(waits) | {"missing": len(sent) - len(waits)}
    onsets = sorted({at // 30_000 for at, _ in heard})  # the notes of a chord are one
    gaps = [(after - before) * 30.0 for before, after in pairwise(onsets)]
    result["gaps of the music"] = percentiles([gap for gap in gaps if gap < 5000])
    result["late"] = lateness([(at - due) / 1000 for due, at, *_ in took["sent"]])
    result["late, heard"] = lateness(_late_at_listener(took["sent"], heard))
    result["handover costs"] = percentiles([(ready - began) / 1000 for began, _, ready in took["changes"]])
    return result


def _late_at_listener(sent: Sequence[Sequence[int]], heard: list[tuple[int, int]]) -> list[float]:
    """Returns the milliseconds of each note; notes of one pitch are heard in the order they were sent."""
    due: dict[int, list[int]] = {}
    for due_us, _, status, pitch, velocity in sent:
        if status & 0xF0 == 0x90 and velocity:
            due.setdefault(pitch, []).append(due_us)
    times = {pitch: iter(moments) for pitch, moments in due.items()}
    return [(at - next(times[pitch])) / 1000 for at, pitch in heard]


def strays(moves: Sequence[int], heard: list[tuple[int, int]], changes: list[int]) -> int:
    """Counts notes outside the register that was in force when they were struck."""
    count = 0
    for number, (sent, ends) in enumerate(zip(moves, [*moves[1:], moves[-1] + LIMIT_US // 2], strict=True)):
        # The two ends may come as two knob moves: after the second both are in force.
        in_force = [at for at in changes if sent < at < ends][:2]
        low, high = REGISTERS[number % 2]
        if in_force:
            count += sum(in_force[-1] + TRANSIT_US < at < ends and not low <= pitch <= high for at, pitch in heard)
    return count


def _first(happened: Sequence[int], after: int, limit_us: int) -> int | None:
    """Returns when the first thing happened after a moment; None beyond the limit."""
    at = next((at for at in happened if at > after), None)
    return at if at is not None and at - after < limit_us else None


def main() -> None:
    """Measures, prints the table and the JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--busy", type=int, default=2, metavar="N")
    parser.add_argument("--changes", type=int, default=80)
    parser.add_argument("--knobs", type=int, default=40)
    parser.add_argument("--options", default="", help="of sideman play")
    parser.add_argument("--notochord", metavar="PYTHON")
    parser.add_argument("--jack-realtime", action="store_true", help="run jackd and what it calls ahead of the rest")
    args = parser.parse_args()
    results: dict[str, Any] = {}
    for count in dict.fromkeys((0, args.busy)):
        name = f"beside {count} busy" if count else "idle"
        with running_jack(realtime=args.jack_realtime) as server, tempfile.TemporaryDirectory() as folder, busy(count):
            results[name] = measure(server, args.changes, args.knobs, args.options.split(), Path(folder))
            results[name] |= rivals(server, args.notochord) | {"load": describe()["load"]}
        print(f"{name} (load {results[name]['load']}): {results[name]['said']}; strays {results[name]['strays']}")
        for row, values in results[name].items():
            if isinstance(values, dict):
                cells = (f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
                         for key, value in values.items())  # fmt: skip
                print(f"  {row:22}" + "".join(f"{cell:15}" for cell in cells))
    say_result("live", {"results": results})


if __name__ == "__main__":
    main()
