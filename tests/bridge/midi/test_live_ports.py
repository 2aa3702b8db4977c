"""Ports of systems other than JACK: looked after while they are open, hushed before any is closed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bridge.midi import live_ports
from bridge.midi.live_ports import LivePorts
from bridge.midi.system import MidiSystem

DID: list[str] = []


class FakePort:
    """Has gone at the first look, is back at the second."""

    def __init__(self, system: MidiSystem, own_name: str, existing: str | None, *_: Any, **__: Any) -> None:
        self.name = existing or own_name
        self._looks = iter(("gone", "back") if existing else ())

    def look(self) -> str | None:
        return next(self._looks, None)

    def close(self) -> None:
        DID.append(f"close {self.name}")


class FakeInput(FakePort):
    def hush(self) -> None:
        DID.append(f"hush {self.name}")


def test_named_ports_that_go_and_come_are_told_of_and_inputs_fall_silent_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_ports, "InputPort", FakeInput)
    monkeypatch.setattr(live_ports, "OutputPort", FakePort)
    monkeypatch.setattr(live_ports, "LOOK_S", 0.02)
    DID.clear()
    said: list[str] = []
    ports = LivePorts(MidiSystem("Windows", 0, False), pytest.fail, pytest.fail, lambda what, text: said.append(text))
    ports.input("Sideman In", "Keys", lambda message: None)
    ports.output("Sideman Out", "Synth")
    ports.output("Sideman Control")
    give_up = time.monotonic() + 60
    while len(said) < 4 and time.monotonic() < give_up:
        time.sleep(0.01)
    ports.close()
    assert sorted(said) == [
        "the port 'Keys' has gone: plug it in again",
        "the port 'Keys' is back",
        "the port 'Synth' has gone: plug it in again",
        "the port 'Synth' is back",
    ]
    assert DID == ["hush Keys", "close Sideman Control", "close Synth", "close Keys"]
