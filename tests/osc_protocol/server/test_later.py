"""Laws of acts that wait: time order, arrival order at one time, none before its time, none after close."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.server.later import Later
from osc_protocol.server.limits import RateLimit


@settings(deadline=None)
@given(st.lists(st.integers(0, 20)), st.integers(0, 20))
def test_what_is_due_runs_in_order_and_nothing_else(times: list[int], now: int) -> None:
    ran: list[tuple[int, int]] = []
    later = Later(lambda: float(now))
    for number, due in enumerate(times):
        later.at(due, lambda due=due, number=number: ran.append((due, number)))  # type: ignore[misc]
    wait_s = later.step()
    assert ran == sorted((due, number) for number, due in enumerate(times) if due <= now)
    ahead = [due - now for due in times if due > now]
    assert wait_s == (min(ahead) if ahead else None)


def test_the_thread_runs_what_comes_and_ends_on_close() -> None:
    later = Later()
    later.start()
    for _ in range(3):
        ran = threading.Event()
        later.at(0.0, ran.set)
        assert ran.wait(60)
    later.at(1e12, lambda: None)
    later.close()
    later.close()
    assert len(later) == 0
    assert not any(thread.name == "sideman-osc-later" for thread in threading.enumerate())


def test_a_rate_allows_a_second_at_once_and_its_mean_after_that() -> None:
    now_s = [0.0]
    rate = RateLimit(10.0, lambda: now_s[0])
    assert sum(rate.allow() for _ in range(100)) == 10
    now_s[0] = 0.5
    assert sum(rate.allow() for _ in range(100)) == 5
    now_s[0] = 1000.0
    assert sum(rate.allow() for _ in range(100)) == 10
