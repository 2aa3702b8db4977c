"""Laws of the scheduler, for both variants."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.native_variants import compiled, each_variant, needs_compiled, python

NOTE_ON, NOTE_OFF, CONTROL = 0x90, 0x80, 0xB0
FAR = 10**6

Event = tuple[int, int, int, int]


def on(due_us: int, pitch: int = 60, velocity: int = 64) -> Event:
    return due_us, NOTE_ON, pitch, velocity


def off(due_us: int, pitch: int = 60) -> Event:
    return due_us, NOTE_OFF, pitch, 0


def filled(lib: Any, *events: Event, capacity: int = 100) -> Any:
    scheduler = lib.Scheduler(capacity)
    for event in events:
        assert scheduler.push(*event)
    return scheduler


@each_variant
@given(times=st.lists(st.integers(0, 1000), max_size=50), now=st.integers(0, 1000))
def test_what_is_due_comes_in_order_and_nothing_else(lib: Any, times: list[int], now: int) -> None:
    scheduler = filled(lib, *[(due, CONTROL, i, 0) for i, due in enumerate(times)])
    expected = sorted(((due, CONTROL, i, 0) for i, due in enumerate(times)), key=lambda event: event[0])
    assert scheduler.poll(now) == [event for event in expected if event[0] <= now]
    assert scheduler.poll(FAR) == [event for event in expected if event[0] > now]
    assert scheduler.poll(FAR) == []


@each_variant
@pytest.mark.parametrize(
    ("pushed", "handed_out"),
    [
        pytest.param([on(0), on(9, 62), off(9)], [on(0), off(9), on(9, 62)], id="NOTE_OFF before NOTE_ON"),
        pytest.param([on(0), off(9), on(9)], [on(0), off(9), on(9)], id="re-strike"),
        pytest.param([on(9), off(9)], [on(9), off(9)], id="a note of no length still ends"),
        pytest.param([off(9)], [], id="a NOTE_OFF of a silent note is dropped"),
        pytest.param([on(0), off(1), off(2)], [on(0), off(1)], id="and a second one"),
        pytest.param([on(0), on(5), off(9)], [on(0), off(5), on(5), off(9)], id="a sounding note is ended first"),
        pytest.param([on(0), (5, NOTE_ON, 60, 0)], [on(0), (5, NOTE_ON, 60, 0)], id="velocity 0 is a NOTE_OFF"),
        pytest.param([on(0), (5, 0x81, 60, 0)], [on(0)], id="channels are separate"),
        pytest.param([on(0), off(5), (5, CONTROL, 64, 0), on(5, 61)],
                     [on(0), off(5), (5, CONTROL, 64, 0), on(5, 61)], id="controls between ends and notes"),
    ],
)  # fmt: skip
def test_order(lib: Any, pushed: list[Event], handed_out: list[Event]) -> None:
    assert filled(lib, *pushed).poll(FAR) == handed_out


@each_variant
def test_cancel_withdraws_what_is_due_at_or_after_its_time(lib: Any) -> None:
    scheduler = filled(lib, on(10), off(20), on(30), off(40))
    assert scheduler.cancel_from(30)
    assert scheduler.push(*on(35, 70))
    assert scheduler.poll(FAR) == [on(10), off(20), on(35, 70)]


@each_variant
def test_a_note_that_sounds_outlives_its_cancelled_end_until_a_new_one(lib: Any) -> None:
    scheduler = filled(lib, on(10), off(50))
    scheduler.poll(20)
    scheduler.cancel_from(30)
    assert scheduler.poll(60) == []
    assert scheduler.sounding() == [(0, 60)]
    assert scheduler.push(*off(80))
    assert scheduler.poll(80) == [off(80)]
    assert scheduler.sounding() == []


@each_variant
def test_a_late_cancel_leaves_the_note_it_could_not_stop_its_own_end(lib: Any) -> None:
    scheduler = filled(lib, on(10), off(50), on(60), off(70))
    scheduler.poll(20)
    scheduler.cancel_from(5)
    assert scheduler.poll(FAR) == [off(50)]


@each_variant
def test_a_late_cancel_ends_a_note_that_has_no_end_yet(lib: Any) -> None:
    scheduler = filled(lib, on(10))
    scheduler.poll(20)
    scheduler.cancel_from(10)
    assert scheduler.poll(21) == [off(10)]


@each_variant
def test_an_end_left_behind_never_cuts_a_newer_note(lib: Any) -> None:
    scheduler = filled(lib, on(10), off(50))
    scheduler.poll(20)
    scheduler.cancel_from(5)
    for event in (off(30), on(40), off(90)):
        scheduler.push(*event)
    assert scheduler.poll(FAR) == [off(30), on(40), off(90)]


@each_variant
def test_silence_ends_every_channel_and_withdraws_the_rest(lib: Any) -> None:
    scheduler = filled(lib, on(0, 60), (0, 0x9F, 127, 1), on(0, 61), off(1, 61), on(50, 70), off(60, 70))
    scheduler.poll(10)
    assert scheduler.sounding() == [(0, 60), (15, 127)]
    assert scheduler.silence()
    scheduler.push(*on(20, 72))
    assert sorted(scheduler.poll(20)) == [(20, 0x80, 60, 0), (20, 0x8F, 127, 0), (20, 0x90, 72, 64)]
    assert scheduler.sounding() == [(0, 72)]


@each_variant
def test_silence_ends_all_2048_keys_in_batches_of_256(lib: Any) -> None:
    scheduler = lib.Scheduler(8192)
    for channel in range(16):
        for pitch in range(128):
            assert scheduler.push(0, 0x90 | channel, pitch, 1)
    while scheduler.poll(0):
        pass
    assert len(scheduler.sounding()) == 2048
    scheduler.silence()
    ended: list[Event] = []
    while batch := scheduler.poll(1):
        assert len(batch) <= 256
        ended += batch
    assert len(ended) == 2048
    assert scheduler.sounding() == []


@each_variant
def test_full_refuses_and_loses_nothing(lib: Any) -> None:
    scheduler = lib.Scheduler(10)
    accepted = [pitch for pitch in range(20) if scheduler.push(*on(0, pitch))]
    assert accepted == [0, 1, 2, 3, 4]  # each with room for its end
    assert not scheduler.push(0, CONTROL, 1, 1)
    assert all(scheduler.push(*off(5, pitch)) for pitch in accepted)
    assert scheduler.cancel_from(100)  # commands have their own room
    assert len(scheduler.poll(FAR)) == 10
    assert scheduler.push(*on(0, 99))


@each_variant
def test_room_comes_back_from_cancelled_events(lib: Any) -> None:
    scheduler = filled(lib, *[(50, CONTROL, i, 0) for i in range(4)], capacity=4)
    assert not scheduler.push(50, CONTROL, 9, 0)
    scheduler.cancel_from(0)
    assert scheduler.poll(0) == []
    assert all(scheduler.push(50, CONTROL, i, 0) for i in range(4))


@each_variant
def test_commands_are_refused_only_when_64_wait(lib: Any) -> None:
    scheduler = lib.Scheduler(2)
    assert [scheduler.cancel_from(0) for _ in range(65)] == [True] * 64 + [False]
    assert not scheduler.silence()
    scheduler.poll(0)
    assert scheduler.silence()


@each_variant
@pytest.mark.parametrize("message", [(0x7F, 0, 0), (0xF8, 0, 0), (0x90, 128, 0), (0x90, 0, 200), (0x90, -1, 0)])
def test_only_channel_messages_are_taken(lib: Any, message: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"is no channel message: status 0x80\.\.0xEF, data 0\.\.127"):
        lib.Scheduler().push(0, *message)


@each_variant
@pytest.mark.parametrize("capacity", [1, -1, 2**20 + 1])
def test_capacity_is_bounded(lib: Any, capacity: int) -> None:
    with pytest.raises(ValueError, match=rf"capacity {capacity} lies outside 2\.\.1048576"):
        lib.Scheduler(capacity)


@each_variant
def test_the_clock_is_time_monotonic(lib: Any) -> None:
    before = time.monotonic_ns() // 1000
    now = lib.now_us()
    assert before <= now <= time.monotonic_ns() // 1000


@each_variant
def test_wait_due_returns_on_time_never_early(lib: Any) -> None:
    scheduler = lib.Scheduler()
    lateness_us = []
    for _ in range(10):
        due = lib.now_us() + 5000
        scheduler.push(due, CONTROL, 1, 1)
        assert scheduler.wait_due(1_000_000) == [(due, CONTROL, 1, 1)]
        lateness_us.append(lib.now_us() - due)
    assert min(lateness_us) >= 0
    assert np.median(lateness_us) < 2000  # loose: the machine may be busy


@each_variant
def test_wait_due_gives_up_at_its_timeout_and_at_close(lib: Any) -> None:
    scheduler = filled(lib, on(0))
    assert len(scheduler.wait_due(0)) == 1
    start = time.monotonic()
    assert scheduler.wait_due(20_000) == []
    assert time.monotonic() - start >= 0.02
    closer = threading.Timer(0.02, scheduler.close)
    closer.start()
    assert scheduler.wait_due(60_000_000) == []
    closer.join()
    assert scheduler.closed
    scheduler.silence()
    assert [event[1:] for event in scheduler.wait_due(60_000_000)] == [(NOTE_OFF, 60, 0)]


@needs_compiled
def test_waiting_releases_the_interpreter() -> None:
    scheduler = compiled.Scheduler()
    waiter = threading.Thread(target=scheduler.wait_due, args=(60_000_000,))
    waiter.start()
    assert sum(range(100_000)) > 0
    assert waiter.is_alive()
    scheduler.close()
    waiter.join()


@each_variant
def test_two_threads_never_leave_a_note_and_a_timely_cancel_always_wins(lib: Any) -> None:
    scheduler = lib.Scheduler(256)
    received: list[Event] = []

    def consume() -> None:
        while not scheduler.closed:
            received.extend(scheduler.wait_due(50_000))
        while batch := scheduler.wait_due(0):
            received.extend(batch)

    consumer = threading.Thread(target=consume)
    consumer.start()
    rng = np.random.default_rng(1)
    forbidden = set()
    end = time.monotonic() + 0.7
    count = 0
    while time.monotonic() < end:
        count += 1
        pitch, velocity = count % 128, 1 + count // 128 % 127  # names the note
        due = lib.now_us() + int(rng.integers(0, 3000))
        if scheduler.push(due, NOTE_ON, pitch, velocity):
            assert scheduler.push(due + int(rng.integers(0, 2000)), NOTE_OFF, pitch, 0)
        if rng.random() < 0.2:
            scheduler.cancel_from(due)
            if lib.now_us() < due and count < 128 * 127:
                forbidden.add((due, pitch, velocity))
        if rng.random() < 0.01:
            scheduler.silence()
        time.sleep(0.0002)
    scheduler.silence()
    scheduler.close()
    consumer.join()
    assert scheduler.sounding() == []
    assert forbidden
    assert not forbidden & {(due, data1, data2) for due, status, data1, data2 in received if status == NOTE_ON}
    sounding = set()
    for _, status, pitch, _ in received:  # NOTE_ON and NOTE_OFF alternate on every key
        assert (pitch in sounding) == (status == NOTE_OFF)
        (sounding.discard if status == NOTE_OFF else sounding.add)(pitch)
    assert not sounding


operation = st.one_of(
    st.tuples(
        st.just("push"), st.integers(-3, 20), st.sampled_from([0x90, 0x80, 0x91, 0x81, 0xB0]), st.integers(60, 62),
        st.integers(0, 2),
    ),
    st.tuples(st.just("cancel"), st.integers(-10, 10)),
    st.tuples(st.just("silence")),
    st.tuples(st.just("poll"), st.integers(0, 10)),
)  # fmt: skip


@needs_compiled
@given(capacity=st.sampled_from([2, 5, 100]), operations=st.lists(operation, max_size=80))
def test_both_variants_agree_on_anything(capacity: int, operations: list[Any]) -> None:
    a, b = (lib.Scheduler(capacity) for lib in (compiled, python))
    now = 0
    for kind, *arguments in operations:
        if kind == "push":
            wait, *message = arguments
            assert a.push(now + wait, *message) == b.push(now + wait, *message)
        elif kind == "cancel":
            assert a.cancel_from(now + arguments[0]) == b.cancel_from(now + arguments[0])
        elif kind == "silence":
            assert a.silence() == b.silence()
        else:
            now += arguments[0]
            assert a.poll(now) == b.poll(now)
            assert a.sounding() == b.sounding()
    assert a.silence() == b.silence()
    assert a.poll(now) == b.poll(now)
    assert a.sounding() == b.sounding() == []
