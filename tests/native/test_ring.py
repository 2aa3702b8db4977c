"""Laws of the input ring, for both variants."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.native_variants import each_variant


@each_variant
@given(messages=st.lists(st.tuples(st.integers(-(2**62), 2**62), st.binary(min_size=1, max_size=3)), max_size=40))
def test_what_goes_in_comes_out_in_order(lib: Any, messages: list[tuple[int, bytes]]) -> None:
    ring = lib.MidiRing(64)
    assert all(ring.push(*message) for message in messages)
    assert ring.pop_all() == messages
    assert ring.pop_all() == []


@each_variant
@pytest.mark.parametrize("capacity", [1, 2, 3, 100])
def test_a_full_ring_refuses_and_counts(lib: Any, capacity: int) -> None:
    ring = lib.MidiRing(capacity)
    assert [ring.push(i, b"\xf8") for i in range(capacity + 3)] == [True] * capacity + [False] * 3
    assert ring.dropped == 3
    assert [time_us for time_us, _ in ring.pop_all()] == list(range(capacity))
    assert ring.push(0, b"\xf8")
    assert ring.dropped == 3


@each_variant
@pytest.mark.parametrize("message", [b"", b"\xf0\x7d\x01\xf7"])
def test_only_short_messages_are_taken(lib: Any, message: bytes) -> None:
    with pytest.raises(ValueError, match=rf"has 1\.\.3 bytes, not {len(message)}: keep SysEx out"):
        lib.MidiRing().push(0, message)


@each_variant
@pytest.mark.parametrize("capacity", [0, -1, 2**20 + 1])
def test_capacity_is_bounded(lib: Any, capacity: int) -> None:
    with pytest.raises(ValueError, match=rf"capacity {capacity} lies outside 1\.\.1048576"):
        lib.MidiRing(capacity)


@each_variant
def test_two_threads_lose_and_double_nothing(lib: Any) -> None:
    ring = lib.MidiRing(32)
    count = 20_000

    def produce() -> None:
        for i in range(count):
            while not ring.push(i, bytes([0x90, i % 128, i // 128 % 128])):
                time.sleep(0)

    producer = threading.Thread(target=produce)
    producer.start()
    received: list[tuple[int, bytes]] = []
    while len(received) < count:
        received += ring.pop_all()
        time.sleep(0)
    producer.join()
    assert received == [(i, bytes([0x90, i % 128, i // 128 % 128])) for i in range(count)]
