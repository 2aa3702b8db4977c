"""`sideman fl doctor` checks whether the script is installed as it should be, and what FL Studio needs besides it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from bridge.errors import PortError
from bridge.fl.install import PROBE, SCRIPT, USER_MAP, FlInstallError, hardware_folders, script_files
from osc_protocol.table.parameters import DEFAULT_PORT
from osc_protocol.wire.client import OscClient
from osc_protocol.wire.replies import PONG

__all__ = ["Finding", "examine", "examine_engine", "examine_folder", "examine_ports"]

PONG_TIMEOUT_S: Final = 1.0


class Finding(NamedTuple):
    """One thing looked at. good: None where it is neither, such as an engine that is simply not running."""

    good: bool | None
    text: str

    def __str__(self) -> str:
        mark = {True: "ok  ", False: "no  ", None: "-   "}[self.good]
        return mark + self.text


def examine(target_dir: Path | None) -> list[Finding]:
    """Examines everything, in the order in which it is needed. target_dir: as for install. Never raises."""
    try:
        folders = hardware_folders(target_dir)
    except FlInstallError as error:
        script = [Finding(False, str(error))]
    else:
        script = [finding for folder in folders for finding in examine_folder(folder)]
    return [*script, *examine_ports(), examine_engine(DEFAULT_PORT)]


def examine_folder(hardware: Path) -> list[Finding]:
    """Examines the script in one Hardware folder of FL Studio."""
    folder = hardware / SCRIPT
    if not folder.is_dir():
        return [Finding(False, f"{folder} is not there: run `sideman fl install`")]
    wanted = script_files()
    try:
        there = {path.name: path.read_bytes() for path in folder.glob("*.py")}
        copies = [
            path.parent
            for path in hardware.glob("*/device_*.py")
            if path.parent.name not in (SCRIPT, PROBE) and path.name in wanted
        ]
    except OSError as error:
        return [Finding(False, f"{folder} cannot be read ({error.strerror}): close FL Studio and try again")]
    missing = sorted(wanted.keys() - there.keys())
    changed = {name for name in wanted.keys() & there.keys() if there[name] != wanted[name]}
    own_map = USER_MAP in changed
    changed.discard(USER_MAP)
    foreign = sorted(there.keys() - wanted.keys())
    findings = []
    if missing:
        findings.append(Finding(False, f"{folder} lacks {', '.join(missing)}: run `sideman fl install`"))
    if changed:
        findings.append(
            Finding(
                False, f"{folder}: {', '.join(sorted(changed))} of another version or edited: run `sideman fl install`"
            )
        )
    if foreign:
        findings.append(Finding(None, f"{folder} also holds {', '.join(foreign)}, which is not ours"))
    if own_map:
        findings.append(Finding(None, f"{folder / USER_MAP} is your own map of knobs and pads; install keeps it"))
    if not findings or findings[0].good is None:
        findings.insert(0, Finding(True, f"{folder} holds the whole script of this version ({len(wanted)} files)"))
    for copy in copies:
        findings.append(Finding(False, f"{copy} is a second copy, FL lists both: remove that folder"))
    if (hardware / PROBE).is_dir():
        findings.append(Finding(None, f"{hardware / PROBE} holds the probe; `sideman fl uninstall` removes both"))
    return findings


def examine_ports() -> list[Finding]:
    """Examines the MIDI ports between FL Studio and `sideman play`."""
    from bridge.midi.cables import CABLES, how_to_make, lacking_cables
    from bridge.midi.system import find_system

    try:
        system = find_system()
        if system.has_virtual:
            return [Finding(True, f"{system.name}: `sideman play` makes its ports {', '.join(CABLES)} itself")]
        inputs, outputs = system.input_names(), system.output_names()
    except PortError as error:
        return [Finding(False, str(error))]
    lacking = lacking_cables(inputs, outputs)
    findings = [Finding(True, f"{system.name} has the cable {name!r}") for name in CABLES if name not in lacking]
    if lacking:
        findings.append(Finding(False, f"{system.name} has no cable {', '.join(map(repr, lacking))}. In a terminal:"))
        findings += [Finding(None, f"    {line}") for line in how_to_make(lacking)]
    return findings


def examine_engine(osc_port: int) -> Finding:
    """Examines whether `sideman play` answers."""
    with OscClient(osc_port) as peer:
        answered = peer.ask("/sideman/ping", reply=PONG, timeout_s=PONG_TIMEOUT_S) is not None
    if answered:
        return Finding(True, f"`sideman play` answers on OSC port {osc_port}")
    return Finding(None, f"`sideman play` does not answer on OSC port {osc_port}: start it before FL Studio")
