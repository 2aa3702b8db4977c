"""The MIDI systems of this machine through python-rtmidi: which to use, and the names of the ports that it has.

On Linux the ALSA sequencer is preferred, else a JACK server that runs already (JACK_DEFAULT_SERVER names it; none is
ever started); SIDEMAN_MIDI=alsa|jack asks for one of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import rtmidi

from bridge.errors import PortError
from bridge.midi.cables import find_named, how_to_make, our_end, told_apart

__all__ = ["MidiSystem", "find_system", "open_client", "quiet_stderr"]


@dataclass(frozen=True)
class MidiSystem:
    """A MIDI system of this machine: its name, rtmidi's number of it, whether programs can make ports of their own."""

    name: str  # "ALSA", "JACK", "CoreMIDI" or "Windows"
    api: int
    has_virtual: bool

    def input_names(self) -> list[str]:
        """Returns the ports that notes can be taken from. PortError when the system has gone."""
        return self._names(rtmidi.MidiIn)

    def output_names(self) -> list[str]:
        """Returns the ports that notes can be sent to. PortError when the system has gone."""
        return self._names(rtmidi.MidiOut)

    def find(
        self,
        existing_input: str | None,
        existing_output: str | None,
        options: tuple[str, str] = ("--in", "--out"),
        cables: tuple[str, str] = ("Sideman In", "Sideman Out"),
    ) -> tuple[str | None, str | None]:
        """Returns the whole names of the ports that are meant; None for one that is to be made.

        A name may be given in part, in any case. Where none is given and programs cannot make ports, our end of the
        cable of that name is taken. PortError if there is none, listing those that exist or saying how to make one.
        Call it before opening any port: our own would be found too. options: those that gave the names, for the error.
        """
        source = None if existing_input is None else self.find_input(existing_input, options[0])
        sink = None if existing_output is None else self.find_output(existing_output, options[1])
        if self.has_virtual or None not in (source, sink):
            return source, sink
        source = source or our_end(cables[0], self.input_names())
        sink = sink or our_end(cables[1], self.output_names())
        lacking = list(dict.fromkeys(name for name, end in zip(cables, (source, sink), strict=True) if end is None))
        if lacking:
            ways = "; ".join(how_to_make(lacking))
            raise PortError(
                f"{self.name} has no virtual MIDI ports and no cable {' and '.join(map(repr, lacking))}: {ways}; "
                f"or name other ports with {options[0]} and {options[1]}"
            )
        return source, sink

    def find_output(self, wanted: str, option: str) -> str:
        """Returns the whole name of the output port that is meant, as `find` does."""
        return find_named(wanted, self.output_names(), option, "output", self.name)

    def find_input(self, wanted: str, option: str) -> str:
        """Returns the whole name of the input port that is meant, as `find` does."""
        return find_named(wanted, self.input_names(), option, "input", self.name)

    def has_cable(self, cable: str) -> bool:
        """Whether both directions of our end of a cable are there. PortError when the system has gone."""
        return None not in (our_end(cable, self.input_names()), our_end(cable, self.output_names()))

    def _names(self, kind: Any) -> list[str]:
        client = open_client(kind, self, "Sideman list")
        try:
            return told_apart([str(name) for name in client.get_ports()])
        finally:
            client.delete()


def find_system() -> MidiSystem:
    """Returns the MIDI system to use. PortError, naming the remedy, if there is none."""
    compiled = rtmidi.get_compiled_api()
    if rtmidi.API_WINDOWS_MM in compiled:
        return MidiSystem("Windows", rtmidi.API_WINDOWS_MM, has_virtual=False)
    if rtmidi.API_MACOSX_CORE in compiled:
        return MidiSystem("CoreMIDI", rtmidi.API_MACOSX_CORE, has_virtual=True)
    wanted = os.environ.get("SIDEMAN_MIDI", "auto")
    if wanted not in ("auto", "alsa", "jack"):
        raise PortError(f"SIDEMAN_MIDI is {wanted!r}: set it to auto, alsa or jack")
    os.environ.setdefault("JACK_NO_START_SERVER", "1")  # a server that we started would die with us, and others with it
    alsa = MidiSystem("ALSA", rtmidi.API_LINUX_ALSA, has_virtual=True)
    jack = MidiSystem("JACK", rtmidi.API_UNIX_JACK, has_virtual=True)
    if wanted != "jack" and os.path.exists("/dev/snd/seq") and _answers(alsa):
        return alsa
    if wanted != "alsa" and _answers(jack):
        return jack
    server = os.environ.get("JACK_DEFAULT_SERVER")
    named = f" named {server!r}" if server else ""
    if wanted == "alsa":
        raise PortError("there is no ALSA sequencer: `modprobe snd-seq`, or unset SIDEMAN_MIDI to use JACK")
    raise PortError(
        f"no MIDI system: there is no ALSA sequencer and no JACK server{named} runs: `modprobe snd-seq`, or start jackd"
    )


def _answers(system: MidiSystem) -> bool:
    try:
        system.output_names()
    except PortError:
        return False
    return True


def open_client(kind: Any, system: MidiSystem, name: str) -> Any:
    """Returns a client (rtmidi.MidiIn or MidiOut) of the system under that name. PortError: it cannot be reached."""
    try:
        with quiet_stderr():
            return kind(rtapi=system.api, name=name)
    except (rtmidi.RtMidiError, SystemError) as error:
        raise PortError(f"{system.name} cannot be reached ({error}): start it and try again") from error


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silences what the C libraries of ALSA and JACK write to stderr: our own errors are one line."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # stderr is closed: there is nothing to keep quiet
        yield
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
