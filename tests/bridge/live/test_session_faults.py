"""A session, a port or a scheduler that fails: said once, and no note goes without its end."""

from __future__ import annotations

import pytest

import native
from bridge.errors import LiveFailure
from bridge.live.deadline_thread import DeadlineThread
from bridge.live.inbox import Inbox
from bridge.live.session import LiveSession
from engine.chords import parse_chord
from engine.notes import NoteEvent
from osc_protocol.table.parameters import Setting
from tests.support.live.fake_session import FakeSession


def test_a_session_that_fails_again_and_again_gives_up_in_silence_and_says_why() -> None:
    class Broken(FakeSession):
        def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
            if self.time_s > 0.5:
                raise RuntimeError("decoder lost")
            return super().generate(until_s, to_strike)

    scheduler = native.Scheduler()
    failures: list[BaseException] = []
    port: list[tuple[int, ...]] = []
    player = DeadlineThread(scheduler, lambda message: port.append(tuple(message)), native.now_us, failures.append)
    said: list[str] = []
    live = LiveSession(
        Broken, scheduler, Inbox(native.now_us), lambda what, text: said.append(text) if what == "error" else None
    )
    live.set_parameter(Setting("look_ahead_ms", 300))
    live.set_chord(parse_chord("C"))
    player.start()
    live.start_thread(failures.append)
    assert live._thread is not None
    assert live._thread.join(60.0)
    assert live.stop_thread()
    assert player.finish()
    assert len(failures) == 1
    assert "failed 4 times within 60 seconds, now with RuntimeError: decoder lost" in str(failures[0])
    assert len(said) == 4
    assert _unended(port) == set()
    assert port[-1] == (0xB0, 123, 0)


def test_a_port_that_fails_is_reported_once_and_gets_every_end_it_will_take() -> None:
    scheduler = native.Scheduler()
    failures: list[BaseException] = []
    port: list[tuple[int, ...]] = []

    def send(message: object) -> None:
        if len(port) == 5:
            port.append(())
            raise OSError("cable pulled")
        port.append(tuple(message))  # type: ignore[arg-type]

    player = DeadlineThread(scheduler, send, native.now_us, failures.append)
    for pitch in range(60, 68):
        scheduler.push(native.now_us(), 0x90, pitch, 80)
    player.start()
    player._thread.join(60.0)
    assert player.finish()
    assert [str(failure) for failure in failures] == ["cable pulled"]
    assert _unended([message for message in port if message]) == set()


def test_after_port_lost_nothing_is_sent() -> None:
    scheduler = native.Scheduler()
    port: list[object] = []
    player = DeadlineThread(scheduler, port.append, native.now_us, pytest.fail)
    player.port_lost()
    scheduler.push(0, 0x90, 60, 80)
    player.start()
    assert player.finish()
    assert port == []


def test_a_scheduler_that_takes_nothing_more_is_a_failure_not_a_hang() -> None:
    class Full:
        def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
            return False

        def cancel_from(self, due_us: int) -> bool:
            return True

        def silence(self) -> bool:
            return True

    live = LiveSession(FakeSession, Full(), Inbox(native.now_us), lambda what, text: None)
    live.set_chord(parse_chord("C"))
    with pytest.raises(LiveFailure, match="port hangs"):
        live.step()


def _unended(port: list[tuple[int, ...]]) -> set[int]:
    sounding: set[int] = set()
    for status, data1, _ in port:
        if status & 0xF0 == 0x90:
            sounding.add(data1)
        elif status & 0xF0 == 0x80:
            sounding.discard(data1)
    return sounding
