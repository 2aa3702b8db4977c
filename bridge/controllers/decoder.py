"""Decodes MIDI controllers to parameter values, and back: pairs of 14 bits, NRPN, encoders, pick-up, feedback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.controllers.map import CcMap, Control, Relative
from bridge.midi.numbers import CONTROL_CHANGE
from osc_protocol.table.parameters import BY_NAME, Value, from_cc
from osc_protocol.table.twins import from_position, to_position

__all__ = ["CcDecoder", "ticks"]

DATA_MSB, DATA_LSB, INCREMENT, DECREMENT, NRPN_LSB, NRPN_MSB, RPN_LSB, RPN_MSB = 6, 38, 96, 97, 98, 99, 100, 101
NO_NRPN: Final = 16383
PAIR_S: Final = 0.02  # a controller 32..63 so soon after the one 32 below it is that one's LSB (bank select, mod wheel)
PICK_UP_STEPS: Final = 2  # of 127: so near counts as being there


def ticks(relative: Relative, value: int) -> int:
    """Returns how many steps an endless encoder's message 0..127 means, up positive."""
    if relative == "twos_complement":
        return value if value < 64 else value - 128
    if relative == "sign_magnitude":
        return -(value & 63) if value & 64 else value
    return value - 64


@dataclass
class _State:
    """What is known of one control."""

    position: int | None = None  # the last that it sent, or that was sent to it
    emitted: Value | None = None  # while the value in force is this one, the control holds it
    fraction: float = 0.0  # where an encoder stands between two values
    msb: int = 0


@dataclass
class _Channel:
    """What is known of one channel."""

    nrpn: int = NO_NRPN
    last_s: dict[int, float] | None = None  # when controllers 0..31 last came


class CcDecoder:
    """One port's controllers. One thread.

    get_value(name): the value in force. any_channel: hears every channel, whatever the map's own.
    """

    def __init__(self, cc_map: CcMap, get_value: Callable[[str], Value], *, any_channel: bool = False) -> None:
        self._get_value = get_value
        self._channel = None if any_channel else cc_map.channel
        self._controls = {control.name: control for control in cc_map.controls}
        self._states = {name: _State() for name in self._controls}
        self._channels = [_Channel(last_s={}) for _ in range(16)]
        self._by_number: dict[int, list[Control]] = {}
        for control in cc_map.controls:
            for number in control.numbers:
                self._by_number.setdefault(number, []).append(control)
        self._by_nrpn: dict[int, list[Control]] = {}
        for control in cc_map.controls:
            if control.nrpn:
                self._by_nrpn.setdefault(control.number, []).append(control)

    def take(self, message: bytes, time_s: float = 0.0) -> list[tuple[str, Value]]:
        """Returns the values that one MIDI message sets, in the table's ranges. Any bytes are taken; most mean nothing.

        time_s: seconds of any steady clock.
        """
        if len(message) != 3 or message[0] & 0xF0 != CONTROL_CHANGE or message[1] > 127 or message[2] > 127:
            return []
        channel, number, data = message[0] & 15, message[1], message[2]
        state = self._channels[channel]
        if number == NRPN_MSB:
            state.nrpn = data << 7 | state.nrpn & 127
        elif number == NRPN_LSB:
            state.nrpn = state.nrpn & ~127 | data
        elif number in (RPN_MSB, RPN_LSB):
            state.nrpn = NO_NRPN
        elif number in (DATA_MSB, DATA_LSB, INCREMENT, DECREMENT):
            controls = self._by_nrpn.get(state.nrpn, [])
            return [pair for control in self._heard(controls, channel) for pair in self._enter(control, number, data)]
        else:
            assert state.last_s is not None
            if number < 32:
                state.last_s[number] = time_s
            is_lsb = time_s - state.last_s.get(number - 32, -1e9) < PAIR_S
            return [
                pair
                for control in self._heard(self._by_number.get(number, []), channel)
                if not (is_lsb and control.is_default)
                for pair in self._turn(control, number, data)
            ]
        return []

    def feedback(self, name: str) -> list[bytes]:
        """Returns the messages that move a motor fader to the value in force; none if it stands there already."""
        control = self._controls.get(name)
        if control is None:
            return []
        state, row = self._states[name], BY_NAME[name]
        position = int(to_position(row, self._get_value(name)) * control.top + 0.5)
        if position == state.position:
            return []
        state.position = position
        status = CONTROL_CHANGE | (control.channel if control.channel is not None else self._channel or 0)
        if control.nrpn:
            pairs = [(NRPN_MSB, control.number >> 7), (NRPN_LSB, control.number & 127)]
            pairs += [(DATA_MSB, position >> 7), (DATA_LSB, position & 127)] if control.bits == 14 else [(6, position)]
        elif control.bits == 14:
            pairs = [(control.number, position >> 7), (control.number + 32, position & 127)]
        else:
            pairs = [(control.number, position)]
        return [bytes((status, number, data)) for number, data in pairs]

    def _heard(self, controls: list[Control], channel: int) -> list[Control]:
        """Those of this channel; where every channel is heard, one that has it for its own goes before the others."""
        own = [control for control in controls if control.channel == channel]
        if own or self._channel not in (None, channel):
            return own
        return [control for control in controls if control.channel is None]

    def _turn(self, control: Control, number: int, data: int) -> list[tuple[str, Value]]:
        if control.relative is not None:
            return self._nudge(control, ticks(control.relative, data) / 127)
        if control.bits == 7:
            return self._move(control, data)
        state = self._states[control.name]
        if number == control.number:  # MIDI 1.0: an MSB sets the LSB to 0, which may follow
            state.msb = data
            return self._move(control, data << 7)
        return self._move(control, state.msb << 7 | data)

    def _enter(self, control: Control, number: int, data: int) -> list[tuple[str, Value]]:
        if number in (INCREMENT, DECREMENT):
            return self._nudge(control, (1 if number == INCREMENT else -1) / control.top)
        if control.bits == 7:
            return self._move(control, data) if number == DATA_MSB else []
        state = self._states[control.name]
        if number == DATA_MSB:
            state.msb = data
            return self._move(control, data << 7)
        return self._move(control, state.msb << 7 | data)

    def _move(self, control: Control, position: int) -> list[tuple[str, Value]]:
        """Takes an absolute position, which with pick-up acts once it has reached or passed the value in force."""
        state, row = self._states[control.name], BY_NAME[control.name]
        before, state.position = state.position, position
        current = self._get_value(control.name)
        if control.pick_up and state.emitted != current:
            target = to_position(row, current) * control.top
            near = abs(position - target) <= PICK_UP_STEPS * control.top / 127
            passed = before is not None and (before - target) * (position - target) <= 0
            if not (near or passed):
                return []
        if control.bits == 7:
            value: Value = from_cc(row, position)
        else:
            value = from_position(row, position / control.top)
        state.emitted = value
        return [] if value == current else [(control.name, value)]

    def _nudge(self, control: Control, step: float) -> list[tuple[str, Value]]:
        """Moves the value in force by a share of its range; what is too small to show is kept for the next time."""
        state, row = self._states[control.name], BY_NAME[control.name]
        current = self._get_value(control.name)
        if state.emitted != current:
            state.fraction = to_position(row, current)
        state.fraction = min(1.0, max(0.0, state.fraction + step))
        value = from_position(row, state.fraction)
        state.emitted = value
        return [] if value == current else [(control.name, value)]
