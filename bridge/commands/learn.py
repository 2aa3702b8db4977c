"""`sideman learn temperature`, `sideman learn play`: writes the next controller or pad that moves into the map."""

from __future__ import annotations

import argparse
import queue
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bridge.controllers.buttons import BUTTON_NAMES, button_packet
from bridge.controllers.decoder import (
    DATA_LSB,
    DATA_MSB,
    DECREMENT,
    INCREMENT,
    NO_NRPN,
    NRPN_LSB,
    NRPN_MSB,
    RPN_LSB,
    RPN_MSB,
)
from bridge.controllers.entries import forget, write_entry
from bridge.controllers.map import RELATIVE, parse_cc_map, read_user_file, user_cc_map
from bridge.errors import BridgeError, CcMapError
from bridge.midi.numbers import CONTROL_CHANGE, NOTE_ON
from bridge.midi.sounding import is_strike
from osc_protocol.table.parameters import BY_NAME, COMMANDS, PARAMETERS, nearest
from osc_protocol.table.twins import has_position

__all__ = ["add_arguments", "describe", "guess", "guess_button", "run"]

SETTLE_S: Final = 1.0  # how long a moving controller is watched
_PEDAL: Final = 64
_FIRST_MODE_MESSAGE: Final = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    names = [row.name for row in PARAMETERS if has_position(row)]
    known = [*names, *BUTTON_NAMES, "a parameter and a value such as `mode trade`"]
    parser.add_argument("parameter", metavar="WHAT", help=", ".join(known).replace("%", "%%"))
    parser.add_argument("--cancel", action="store_true", help="forget what was learned: the default number is back")
    parser.add_argument("--in", dest="input", metavar="PORT", help="listen to this port, not to one of its own")
    parser.add_argument(
        "--relative", choices=RELATIVE, help="it is an endless encoder of this kind; else it is guessed"
    )
    parser.add_argument("--cc-map", type=Path, metavar="FILE", help="write to this map, not to the user's own")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="S", help="listen so long [%(default)g]")


def run(args: argparse.Namespace) -> int:
    """Learns or forgets, and says what. BridgeError when nothing moved; CcMapError for a broken map."""
    path = args.cc_map or user_cc_map()
    is_button = _is_button(args.parameter)
    if args.cancel:
        gone = forget(path, args.parameter, _tell_kept)
        numbers = {row.name: row.cc for row in PARAMETERS} | {row.name: row.cc for row in COMMANDS}
        default = "no controller" if numbers.get(args.parameter) is None else f"controller {numbers[args.parameter]}"
        print(f"{args.parameter}: {default}, as by default" + ("" if gone else "; there was nothing to forget"))
        return 0
    if path.exists():
        parse_cc_map(read_user_file(path), str(path))  # a broken map is told now, not after the knob was turned
    messages = _listen(args.input, args.timeout, args.parameter, notes=is_button)
    entry = guess_button(messages) if is_button else guess(messages, args.relative)
    lost = write_entry(path, args.parameter, entry, _tell_kept)
    print(f"{args.parameter}: {describe(entry)}, written to {path}")
    for name in lost:
        print(f"{name}, which had it, has no controller now; `sideman learn '{name}' --cancel` gives it its default")
    print("a running `sideman play` takes it over within a second")
    return 0


def _tell_kept(path: Path) -> None:
    print(f"the map as it was, with the comments that are lost in it now: {path}")


def guess(messages: list[bytes], relative: str | None = None) -> dict[str, Any]:
    """Guesses what sent these controller messages, as an entry of the map.

    An encoder is told by steps that repeat: a knob with an end hardly ever sends one position twice. BridgeError if
    there is nothing that could be learned, or an encoder was announced and something else moved.
    """
    channel_pairs = [(message[0] & 15, message[1], message[2]) for message in messages if _is_control(message)]
    if not channel_pairs:
        raise BridgeError("no controller moved: is it connected to the port, and does it send controller numbers?")
    channel = Counter(channel for channel, _, _ in channel_pairs).most_common(1)[0][0]
    pairs = [(number, data) for where, number, data in channel_pairs if where == channel]
    numbers = {number for number, _ in pairs}
    where = {"channel": channel + 1}
    entered = _entered(pairs)
    if entered and relative is not None:
        raise BridgeError(f"NRPN {entered[-1]} moved, and --relative is for controllers: leave it out")
    if entered:
        return {"nrpn": entered[-1], "bits": 14 if DATA_LSB in numbers else 7, **where}
    number = Counter(number for number, _ in pairs).most_common(1)[0][0]
    base = number % 32
    if relative is None and number < 64 and {base, base + 32} <= numbers:
        return {"cc": base, "bits": 14, **where}
    found = relative or _guess_relative([data for at, data in pairs if at == number])
    return {"cc": number, **({"relative": found} if found else {}), **where}


def guess_button(messages: list[bytes]) -> dict[str, Any]:
    """What the button or pad that sent these messages is, as an entry of the map: the first that was pressed.

    BridgeError if none was.
    """
    for message in messages:
        if is_strike(message):
            return {"note": message[1], "channel": (message[0] & 15) + 1}
        if _is_control(message) and message[2] >= 64 and message[1] not in (*range(96, 102), DATA_MSB, DATA_LSB):
            return {"cc": message[1], "channel": (message[0] & 15) + 1}
    raise BridgeError("no button was pressed: is it connected to the port, and does it send notes or controllers?")


def describe(entry: dict[str, Any]) -> str:
    """Describes the entry in words."""
    if "note" in entry:
        return f"note {entry['note']} on channel {entry['channel']}"
    what = f"NRPN {entry['nrpn']}" if "nrpn" in entry else f"controller {entry['cc']}"
    kind = f"encoder, {entry['relative']}" if "relative" in entry else f"{entry.get('bits', 7)} bits"
    return f"{what} on channel {entry['channel']} ({kind})"


def _is_button(name: str) -> bool:
    """Whether it is a button that is learned, not a knob. CcMapError for the name of neither."""
    if name in BY_NAME and has_position(BY_NAME[name]):
        return False
    if name in BY_NAME:
        raise CcMapError(
            f"{name} takes text, which no controller stands for; a button can: `sideman learn '{name} NAME'`"
        )
    try:
        button_packet(name, "sideman learn")
    except CcMapError as error:
        raise CcMapError(f"{error}{nearest(name, BY_NAME)}") from error
    return True


def _is_control(message: bytes) -> bool:
    if len(message) != 3 or message[0] & 0xF0 != CONTROL_CHANGE:
        return False
    return message[1] != _PEDAL and message[1] < _FIRST_MODE_MESSAGE and message[2] < 128


def _entered(pairs: list[tuple[int, int]]) -> list[int]:
    """The NRPNs that data was entered for. Many controllers select none after each, so that no other data meets it."""
    entered: list[int] = []
    selected: dict[int, int] = {}
    for number, data in pairs:
        if number in (NRPN_MSB, NRPN_LSB):
            selected[number] = data
        elif number in (RPN_MSB, RPN_LSB):
            selected.clear()
        elif number in (DATA_MSB, INCREMENT, DECREMENT) and len(selected) == 2:
            nrpn = selected[NRPN_MSB] << 7 | selected[NRPN_LSB]
            entered += [nrpn] if nrpn < NO_NRPN else []
    return entered


def _guess_relative(data: list[int]) -> str | None:
    if len(data) < 4 or sum(one == other for one, other in pairwise(data)) * 2 < len(data) - 1:
        return None
    values = set(data)
    small = {1, 2, 3}
    if values <= small | {125, 126, 127}:
        return "twos_complement"
    if values <= {61, 62, 63, 65, 66, 67} and (values & {61, 62, 63} or not values & small):
        return "binary_offset"
    if values <= small | {65, 66, 67}:
        return "sign_magnitude"
    return None


def _listen(name: str | None, timeout_s: float, parameter: str, *, notes: bool) -> list[bytes]:
    """Controller messages, and notes if asked for, of SETTLE_S from the first one on; none if none came in time."""
    from bridge.midi.ports import InputPort
    from bridge.midi.system import find_system

    system = find_system()
    if name is None and not system.has_virtual:
        raise BridgeError(f"{system.name} has no virtual MIDI ports: name the controller's with --in (`sideman ports`)")
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    port = InputPort(system, "Sideman Learn", None if name is None else system.find_input(name, "--in"), heard.put)
    messages: list[bytes] = []
    try:
        print(
            f"{'press the button' if notes else 'move the controller'} for {parameter} on {port.name!r}"
            f"{'' if notes else ', to and fro'}; Ctrl-C leaves all as it was",
            flush=True,
        )
        end_s = time.monotonic() + timeout_s
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                message = heard.get(timeout=min(left_s, 0.2))  # in bits: on Windows a long wait cannot be interrupted
            except queue.Empty:
                continue
            if _is_control(message) or (notes and len(message) == 3 and message[0] & 0xF0 == NOTE_ON):
                if not messages:
                    end_s = time.monotonic() + SETTLE_S
                messages.append(message)
    finally:
        port.close()
    return messages
