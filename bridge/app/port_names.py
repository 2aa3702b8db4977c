"""Which ports a session shall open, asked before the model is loaded; or none, where the panel is played on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.app.settings import Settings
from bridge.errors import PortError
from bridge.midi.live_ports import LiveInput, LiveOutput, LivePorts
from bridge.midi.system import MidiSystem, find_system

__all__ = ["NoPorts", "PortNames", "find_ports"]

CONTROL: Final = "Sideman Control"


@dataclass(frozen=True)
class PortNames:
    """Whole names of existing ports; None for one that is to be made."""

    system: MidiSystem | None  # None: no port at all
    input: str | None = None
    output: str | None = None
    control: tuple[str | None, str | None] | None = None  # None: no control ports
    feedback: str | None = None  # None: no motor faders
    why_none: str = ""  # what keeps the system from having ports, where it has none


def find_ports(settings: Settings) -> PortNames:
    """PortError where a port is missing, and the panel cannot stand in for it."""
    try:
        system = find_system()
        input_name, output_name = system.find(settings.input, settings.output)
    except PortError as error:
        asked = (settings.input, settings.output, settings.control_input, settings.feedback)
        if not settings.panel or settings.session.midi_clock or any(asked):
            raise
        return PortNames(None, why_none=str(error))
    control = None
    if settings.control_input is not None or system.has_virtual or system.has_cable(CONTROL):
        options = ("--control-in", "--control-out")
        control = system.find(settings.control_input, settings.control_output, options, (CONTROL, CONTROL))
    feedback = None if settings.feedback is None else system.find_output(settings.feedback, "--feedback")
    return PortNames(system, input_name, output_name, control, feedback)


class _Nowhere:
    """A port that is none: what is sent there is heard in the page alone."""

    name = "the page"

    def send(self, message: Sequence[int], /) -> None:
        """Lets it go."""


class NoPorts(LivePorts):
    """Stands where the ports would be."""

    def __init__(self) -> None:
        pass

    def output(self, *_: object) -> LiveOutput:
        return _Nowhere()

    def input(self, *_: object, **__: object) -> LiveInput:
        return _Nowhere()

    def close(self) -> None:
        """See LivePorts."""
