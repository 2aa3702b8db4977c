"""MIDI ports through python-rtmidi: virtual ones where the system has them, existing ones by name everywhere.

On Linux the ALSA sequencer is preferred, else a JACK server that runs already (JACK_DEFAULT_SERVER names it; none is
ever started); SIDEMAN_MIDI=alsa|jack asks for one of them.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import rtmidi

from bridge.errors import PortError
from bridge.midi.bytes import MessageReader
from bridge.midi.cables import find_again, find_named, how_to_make, name_of_several, our_end, told_apart

__all__ = ["GONE_OR_BACK", "LOOK_S", "InputPort", "MidiSystem", "OutputPort", "find_system"]

GONE_OR_BACK: Final = {
    "gone": "the port {!r} has gone: plug it in again",
    "doubt": "one of several ports of one name has gone, and it may be {!r}: plug it in again",
    "back": "the port {!r} is back",
}
LOOK_S: Final = 1.0  # between two looks at whether the named ports are there
_CALLBACK_GRACE_S: Final = 0.01
SYSEX, CLOCK = 0xF0, 0xF8


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
        client = _client(kind, self, "Sideman list")
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


class _Port:
    """The base of both kinds of ports: a client of the MIDI system, on a port of its own or an existing one."""

    def __init__(self, client: Any, own_name: str, existing: str | None) -> None:
        self._client, self._own_name, self._existing = client, own_name, existing
        self._changing = threading.Lock()  # sending and opening anew
        self._gone = self._in_doubt = False
        self.name = _open(client, own_name, existing)

    def look(self) -> Literal["gone", "doubt", "back"] | None:
        """Whether the existing port has gone since the last look, or has come back: then it is open again.

        Where one of several of its name has gone, it is played on in doubt. For one thread that looks now and then.
        What is sent while it is gone is lost. Own ports never go.
        """
        if self._existing is None:
            return None
        with self._changing:
            if self._client.is_deleted:
                return None
            names = [str(name) for name in self._client.get_ports()]
            there = find_again(self._existing, told_apart(names))
            if there is None and not self._gone and name_of_several(self._existing) in names:
                doubted = self._in_doubt or self._existing in names  # another of its name is no loss
                self._in_doubt = self._existing not in names
                return None if doubted else "doubt"
            if there is None and self._existing in names:
                there = f"{self._existing} (1)"
            if there is None:
                gone, self._gone = self._gone, True
                return None if gone else "gone"
            if not (self._gone or self._in_doubt):
                return None
            self._reopen(there)
            self._gone = self._in_doubt = False
            return "back"

    def _reopen(self, existing: str) -> None:
        self._client.close_port()
        _open(self._client, self._own_name, existing)


class OutputPort(_Port):
    """A port that notes are sent to. Any thread."""

    def __init__(self, system: MidiSystem, own_name: str, existing: str | None = None) -> None:
        """Opens the existing port of that whole name, or a virtual one called own_name. PortError."""
        super().__init__(_client(rtmidi.MidiOut, system, own_name), own_name, existing)

    def send(self, message: Sequence[int]) -> None:
        """Sends one whole MIDI message (status first). PortError when the port refuses it."""
        try:
            with self._changing:
                if not self._gone:
                    self._client.send_message(message)
        except (rtmidi.RtMidiError, RuntimeError, ValueError) as error:
            raise PortError(f"the port {self.name!r} took no message: {error}") from error

    def close(self) -> None:
        """Closes the port; a second call does nothing."""
        with self._changing:
            _close(self._client)


class InputPort(_Port):
    """A port that notes are taken from."""

    def __init__(
        self,
        system: MidiSystem,
        own_name: str,
        existing: str | None,
        on_message: Callable[[bytes], None],
        *,
        sysex: bool = False,
        clock: bool = False,
    ) -> None:
        """Opens the existing port of that whole name, or a virtual one called own_name. PortError.

        on_message: called on the MIDI system's thread with each whole message; it must return at once. Active sensing
        is never passed on, SysEx and clock only if asked for.
        """
        self._reader = MessageReader()
        unwanted = {status for status, wanted in ((SYSEX, sysex), (CLOCK, clock)) if not wanted}

        def take(event: tuple[list[int], float], _: object) -> None:
            for message in self._reader.read(bytes(event[0])):
                if message[0] not in unwanted:
                    on_message(message)

        self._take, self._hushed = take, False
        client = _client(rtmidi.MidiIn, system, own_name)
        client.ignore_types(sysex=not sysex, timing=not clock, active_sense=True)
        # The callback is set first: a message between opening and setting it would be lost.
        client.set_callback(take)
        super().__init__(client, own_name, existing)

    @property
    def garbage(self) -> int:
        """Bytes so far that belonged to no message."""
        return self._reader.garbage

    def close(self) -> None:
        """Closes the port; no message comes after it. A second call does nothing."""
        self.hush()
        with self._changing:
            _close(self._client)

    def hush(self) -> None:
        """Stops messages from now on. Call it on all inputs before close() on any port. A second call costs nothing.

        Closing a port holds the GIL and waits for JACK, which waits for callbacks that may wait for the GIL.
        """
        with self._changing:
            if not self._hushed and not self._client.is_deleted:
                self._hushed = True
                self._hear_no_more()

    def _reopen(self, existing: str) -> None:
        self._hear_no_more()
        self._client.close_port()
        self._client.set_callback(self._take)
        _open(self._client, self._own_name, existing)

    def _hear_no_more(self) -> None:
        self._client.cancel_callback()
        time.sleep(_CALLBACK_GRACE_S)


def _client(kind: Any, system: MidiSystem, name: str) -> Any:
    try:
        with _quiet_stderr():
            return kind(rtapi=system.api, name=name)
    except (rtmidi.RtMidiError, SystemError) as error:
        raise PortError(f"{system.name} cannot be reached ({error}): start it and try again") from error


def _open(client: Any, own_name: str, existing: str | None) -> str:
    """Opens the client's port; its name."""
    try:
        if existing is None:
            client.open_virtual_port(own_name)
            return own_name
        names = told_apart([str(name) for name in client.get_ports()])
        if existing not in names:
            raise PortError(f"the port {existing!r} has just gone: `sideman ports` lists those there are")
        client.open_port(names.index(existing), own_name)
        return existing
    except rtmidi.RtMidiError as error:
        raise PortError(f"the port {existing or own_name!r} cannot be opened: {error}") from error


def _answers(system: MidiSystem) -> bool:
    try:
        system.output_names()
    except PortError:
        return False
    return True


def _close(client: Any) -> None:
    if not client.is_deleted:
        with _quiet_stderr():
            client.close_port()
            client.delete()


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """The C libraries of ALSA and JACK write their own complaints to stderr; ours are one line, so theirs go."""
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
