"""Acts on one OSC message: it sets a row of the table or its 0..1 twin, is a command, or is refused with an answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from osc_protocol.errors import ParameterError
from osc_protocol.server.limits import RateLimit
from osc_protocol.server.patterns import is_pattern, matching
from osc_protocol.server.subscriptions import Address
from osc_protocol.table.parameters import (
    BY_ADDRESS,
    BY_NAME,
    COMMAND_BY_ADDRESS,
    CONTROL_NAMES,
    Setting,
    Value,
    check_arguments,
    nearest,
)
from osc_protocol.table.twins import BY_TWIN, MIDI, NORM, check_twin
from osc_protocol.wire.codec import Message, encode
from osc_protocol.wire.replies import PONG, REPLIES, asked_packet, refusal, value_packet

__all__ = ["Dispatcher"]

_PING: Final = "/sideman/ping"
_HINT_HZ: Final = 50.0  # unknown addresses that are compared with the known ones


class Dispatcher:
    """Checks messages against the table and acts on them. One thread at a time.

    on_parameter(setting): what is to hold. on_command(address, arguments): checked arguments of every command that
    is not answered here (get, ping, subscribe, feedback). What they raise is told to the sender and ends nothing.
    get_value(name): the value in force. changed(name): it was set. subscribe(port, sender, feedback): as it says.
    get_asked(name): what applies now of one of CONTROL_NAMES; None where nobody can say.
    """

    def __init__(
        self,
        on_parameter: Callable[[Setting], None],
        on_command: Callable[[str, tuple[Value, ...]], None],
        get_value: Callable[[str], Value],
        changed: Callable[[str], None],
        subscribe: Callable[[int, Address | None, bool], None],
        get_asked: Callable[[str], Value] | None = None,
    ) -> None:
        self.on_parameter, self.on_command = on_parameter, on_command
        self.rejected = 0  # messages answered with an error
        self.reflected = 0  # replies of ours, or of another server, that came back
        self.run = secrets.randbelow(2**31)  # told with every pong, so that peers notice a restart
        self._get_value, self._changed, self._subscribe = get_value, changed, subscribe
        self._get_asked = get_asked
        self._hint_rate = RateLimit(_HINT_HZ)

    def act(self, messages: list[Message], sender: Address | None) -> list[bytes]:
        """The reply packets, in order. sender: None for a road that is no UDP. Never raises."""
        replies: list[bytes] = []
        for message in messages:
            try:
                replies += self._dispatch(message, sender)
            except Exception as error:  # the engine's own refusals too: the client hears of each, the server lives
                replies.append(self.refuse(message.address, error))
        return replies

    def refuse(self, address: str, error: Exception) -> bytes:
        """The reply to a message that changes nothing."""
        self.rejected += 1
        return refusal(address, error)

    def _dispatch(self, message: Message, sender: Address | None) -> list[bytes]:
        address, arguments = message
        if address in REPLIES:
            self.reflected += 1
            return []
        row = BY_ADDRESS.get(address)
        if row is not None:
            if len(arguments) != 1:
                raise ParameterError(f"{row.name} takes one value, not {len(arguments)}; /sideman/get asks for it")
            return self._set(Setting(row.name, arguments[0]))  # type: ignore[arg-type]  # making it is the check
        if address in BY_TWIN:
            return self._set(Setting(*check_twin(address, arguments)))
        command = COMMAND_BY_ADDRESS.get(address)
        if command is None and is_pattern(address):
            return self._dispatch_all(address, arguments, sender)
        if command is None:
            raise ParameterError(f"unknown address{self._hint(address) or '; docs/osc.md lists them all'}")
        is_button = not command.types or isinstance(command.bare, str)
        if is_button and len(arguments) == 1 and isinstance(arguments[0], int | float):
            if arguments[0] == 0:
                return []  # a button that is let go
            if address == _PING and type(arguments[0]) is int:
                return [encode(PONG, self.run, arguments[0])]
            if not command.types or arguments[0] == 1:  # any other number is no text
                arguments = ()
        return self._command(address, check_arguments(address, arguments), sender)

    def _dispatch_all(self, pattern: str, arguments: tuple[object, ...], sender: Address | None) -> list[bytes]:
        """Acts as if each address that the pattern matches had been sent; each that refuses is answered by its name."""
        addresses = matching(pattern, (*BY_ADDRESS, *BY_TWIN, *COMMAND_BY_ADDRESS))
        if not addresses:
            raise ParameterError("no address matches that pattern; docs/osc.md lists them all")
        return self.act([Message(address, arguments) for address in addresses], sender)

    def _set(self, setting: Setting) -> list[bytes]:
        self.on_parameter(setting)
        self._changed(setting.name)
        return []

    def _command(self, address: str, values: tuple[Value, ...], sender: Address | None) -> list[bytes]:
        if address == _PING:
            return [encode(PONG, self.run)]
        if address == "/sideman/get":
            return [packet for name in _named(str(values[0])) for packet in self._tell(name)]
        if address in ("/sideman/subscribe", "/sideman/feedback"):
            self._subscribe(int(values[0]), sender, address == "/sideman/feedback")
        else:
            self.on_command(address, values)
        return []

    def _tell(self, name: str) -> list[bytes]:
        packets = [value_packet(name, self._get_value(name))]
        if self._get_asked is not None and name in CONTROL_NAMES:
            packets.append(asked_packet(name, self._get_asked(name)))
        return packets

    def _hint(self, address: str) -> str:
        """What may have been meant. Looking for it takes milliseconds, which a flood of slips must not cost."""
        if not self._hint_rate.allow():
            return ""
        return nearest(address, BY_TWIN if address.startswith((NORM, MIDI)) else (*BY_ADDRESS, *COMMAND_BY_ADDRESS))


def _named(name: str) -> tuple[str, ...]:
    """Names that `/sideman/get` asks for: one by name or address, or all with `*`."""
    if name == "*":
        return tuple(BY_NAME)
    if name in BY_ADDRESS:
        return (BY_ADDRESS[name].name,)
    if name not in BY_NAME:
        raise ParameterError(f"there is no parameter {name[:60]!r}{nearest(name, BY_NAME)}")
    return (name,)
