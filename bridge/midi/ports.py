"""MIDI ports through python-rtmidi: virtual ones where the system has them, existing ones by name everywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import rtmidi

from bridge.errors import PortError
from bridge.midi.bytes import MessageReader
from bridge.midi.cables import find_again, name_of_several, told_apart
from bridge.midi.numbers import CLOCK, LIFT_ALL, SYSEX
from bridge.midi.system import MidiSystem, open_client, quiet_stderr

__all__ = ["GONE_OR_BACK", "LOOK_S", "InputPort", "OutputPort"]

GONE_OR_BACK: Final = {
    "gone": "the port {!r} has gone: plug it in again",
    "doubt": "one of several ports of one name has gone, and it may be {!r}: plug it in again",
    "back": "the port {!r} is back",
}
LOOK_S: Final = 1.0  # between two looks at whether the named ports are there
_CALLBACK_GRACE_S: Final = 0.01


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
            names = self._listed()
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
            self._gone = True  # opening closes what was open
            try:
                self._reopen(there)
            except PortError:
                return None  # as of a device that is not ready yet: the next look tries again
            self._gone = self._in_doubt = False
            return "back"

    def _listed(self) -> list[str]:
        return [str(name) for name in self._client.get_ports()]

    def _reopen(self, existing: str) -> None:
        self._client.close_port()
        _open(self._client, self._own_name, existing)


class OutputPort(_Port):
    """A port that notes are sent to. Any thread."""

    def __init__(self, system: MidiSystem, own_name: str, existing: str | None = None) -> None:
        """Opens the existing port of that whole name, or a virtual one called own_name. PortError."""
        super().__init__(open_client(rtmidi.MidiOut, system, own_name), own_name, existing)

    def send(self, message: Sequence[int]) -> None:
        """Sends one whole MIDI message (status first). PortError when the port refuses it, and has not gone."""
        try:
            with self._changing:
                if not self._gone:
                    self._client.send_message(message)
        except (rtmidi.RtMidiError, RuntimeError, ValueError) as error:
            if not self._was_pulled():
                raise PortError(f"the port {self.name!r} took no message: {error}") from error

    def _was_pulled(self) -> bool:
        """Whether the existing port has gone, which no look has seen yet: WinMM refuses what is sent until then."""
        with self._changing:
            if self._existing is None or self._client.is_deleted:
                return False
            names = self._listed()
            return find_again(self._existing, told_apart(names)) is None and self._existing not in names

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
        client = open_client(rtmidi.MidiIn, system, own_name)
        client.ignore_types(sysex=not sysex, timing=not clock, active_sense=True)
        # The callback is set first: a message between opening and setting it would be lost.
        client.set_callback(take)
        super().__init__(client, own_name, existing)

    @property
    def garbage(self) -> int:
        """Bytes so far that belonged to no message."""
        return self._reader.garbage

    def look(self) -> Literal["gone", "doubt", "back"] | None:
        """See _Port. Of a port that has gone every key and pedal is let go: what was held there nobody will end."""
        state = super().look()
        if state == "gone":
            self._lift()
        return state

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

    def _lift(self) -> None:
        with self._changing:
            if self._hushed or self._client.is_deleted:
                return
            self._hear_no_more()  # one thread at a time takes messages
            for message in LIFT_ALL:
                self._take((list(message), 0.0), None)

    def _reopen(self, existing: str) -> None:
        self._hear_no_more()
        self._client.close_port()
        self._client.set_callback(self._take)
        _open(self._client, self._own_name, existing)

    def _hear_no_more(self) -> None:
        self._client.cancel_callback()
        time.sleep(_CALLBACK_GRACE_S)


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


def _close(client: Any) -> None:
    if not client.is_deleted:
        with quiet_stderr():
            client.close_port()
            client.delete()
