"""Real-time priority: asked for by the calling thread alone, and refused without harm."""

from __future__ import annotations

import os
import platform
import threading

import pytest

from bridge.midi.realtime import Priority, ask_for


@pytest.mark.parametrize("priority", ["deadline", "session"])
def test_it_is_the_calling_threads_alone(priority: Priority) -> None:
    before = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None
    seen: list[tuple[bool, int | None]] = []

    def ask() -> None:
        granted = ask_for(priority)
        seen.append((granted, os.sched_getscheduler(0) if before is not None else None))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    granted, after = seen[0]
    if before is not None:
        assert (after == os.SCHED_FIFO) == granted
        assert os.sched_getscheduler(0) == before


def test_a_refusal_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not you")

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert not ask_for("deadline")


@pytest.mark.parametrize("system", ["Windows", "Darwin", "Plan9"])
def test_a_system_without_the_call_is_one_without_priority(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    if platform.system() == system:
        pytest.skip("here it is granted")
    monkeypatch.setattr(platform, "system", lambda: system)
    assert not ask_for("session")
