"""What holds from a date of the stream on, wherever the stream goes."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from bridge.live.playing.turns import Turns


class Stream:
    """Told something now and then, it remembers what held at each step of its time."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.held: list[int] = []  # by step
        self.now = 0
        self.turns.begin(lambda: self.tell(0))

    def tell(self, what: int) -> None:
        self.now = what

    def go_on(self, until: int) -> None:
        while len(self.held) < until:
            self.turns.reach(float(len(self.held)))
            self.held.append(self.now)

    def go_back(self, to: int) -> None:
        del self.held[to:]
        self.turns.go_back(float(to))


@given(st.lists(st.tuples(st.sampled_from(("on", "back", "plan")), st.integers(0, 9)), max_size=30))
def test_in_the_end_holds_what_was_planned_last_however_the_stream_went(script: list[tuple[str, int]]) -> None:
    stream = Stream()
    latest = at = 0
    for number, (what, steps) in enumerate(script, 1):
        now = len(stream.held)
        if what == "on":
            stream.go_on(now + steps)
        elif what == "back":
            stream.go_back(max(0, now - steps))
        else:
            at = now + steps
            stream.turns.plan(float(at), lambda number=number: stream.tell(number))  # type: ignore[misc]
            latest = number
    stream.go_on(max(len(stream.held), at) + 1)
    assert stream.held[-1] == latest


def test_going_back_before_a_date_unsays_what_was_told_there_and_going_on_says_it_again() -> None:
    stream = Stream()
    stream.turns.plan(5.0, lambda: stream.tell(1))
    stream.go_on(8)
    assert stream.held == [0] * 5 + [1] * 3
    stream.go_back(3)
    assert (stream.now, stream.turns.next_s) == (0, 5.0)
    stream.go_on(8)
    assert stream.held == [0] * 5 + [1] * 3
    stream.go_back(6)
    assert (stream.now, stream.turns.next_s) == (1, math.inf)


def test_a_plan_takes_the_place_of_what_was_to_come_and_nothing_is_due_without_one() -> None:
    stream = Stream()
    assert stream.turns.next_s == math.inf
    stream.turns.plan(5.0, lambda: stream.tell(1))
    stream.turns.plan(8.0, lambda: stream.tell(2))
    assert stream.turns.next_s == 8.0
    stream.go_on(10)
    assert stream.held == [0] * 8 + [2] * 2
    stream.turns.begin(lambda: stream.tell(3))
    assert (stream.now, stream.turns.next_s) == (3, math.inf)
