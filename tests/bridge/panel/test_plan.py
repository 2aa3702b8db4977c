"""Laws of the panel's plan: it holds what the scheduler holds, whatever was pushed, taken back, silenced and sent."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.panel.plan import KEPT_NOTES, MISSED_US, Plan
from bridge.panel.tap import Tap, TappedSink
from native.twins.scheduler import Scheduler

STEP_US = 10_000
notes = st.tuples(st.integers(0, 60), st.integers(60, 63), st.integers(0, 20))  # (starts in, pitch, length), in steps
moves = st.one_of(
    st.tuples(st.just("notes"), st.lists(notes, max_size=6)),
    st.tuples(st.just("cancel"), st.integers(0, 40)),
    st.tuples(st.just("silence"), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 30)),
)


class Rig:
    """A scheduler with its producer, its consumer and a plan, on a clock of its own."""

    def __init__(self) -> None:
        self.now_us = 1_000_000
        self.scheduler, self.tap, self.plan = Scheduler(), Tap(), Plan()
        self.sink = TappedSink(self.scheduler, self.tap, lambda: 0)
        self._owed: dict[int, int] = {}  # by pitch: how long its note shall last from the cancel on

    def do(self, kind: str, what: int | list[tuple[int, int, int]]) -> None:
        if kind == "notes":
            assert isinstance(what, list)
            events = []
            for start, pitch, length in what:
                events.append((self.now_us + (start + 1) * STEP_US, 1, 0x90, pitch, 64))
                events.append((self.now_us + (start + 1 + max(length, 1)) * STEP_US, 0, 0x80, pitch, 0))
            for due_us, _, status, pitch, velocity in sorted(events):
                assert self.sink.push(due_us, status, pitch, velocity)
        elif kind == "cancel":
            assert isinstance(what, int)
            assert self.sink.cancel_from(self.now_us + what * STEP_US)
        elif kind == "silence":
            assert self.sink.silence()
        else:
            assert isinstance(what, int)
            for _ in range(what):
                self.now_us += STEP_US
                self.poll()
        self.poll()
        self.take()

    def poll(self) -> None:
        for _, status, data1, data2 in self.scheduler.poll(self.now_us):
            self.tap.sent(self.now_us, bytes((status, data1, data2)))

    def take(self) -> list[list[object]]:
        changes = []
        for kind, *fields in self.tap.take():
            if kind == "push":
                changes += self.plan.push(*fields[:4])
            elif kind == "refused":
                changes += self.plan.refused(*fields)
            elif kind == "cancel":
                changes += self.plan.cancel(*fields)
            elif kind == "silence":
                changes += self.plan.silence()
            else:
                time_us, message = fields
                changes += self.plan.sent(time_us, *message)
        return changes

    def scheduled(self) -> list[tuple[int, int, int]]:
        """(due_us, pitch, velocity) of the strikes that wait in the scheduler."""
        pending = self.scheduler._pending
        return sorted((event.due_us, event.data1, event.data2) for event in pending if event.status & 0xF0 == 0x90)


@given(st.lists(moves, max_size=25))
@settings(max_examples=150, deadline=None)
def test_ghosts_are_what_the_scheduler_holds(done: list[tuple[str, int | list[tuple[int, int, int]]]]) -> None:
    rig = Rig()
    for kind, what in done:
        rig.do(kind, what)
        assert sorted((note.on_us, note.pitch, note.velocity) for note in rig.plan.planned()) == rig.scheduled()
        sounding = [(note.channel, note.pitch) for note in rig.plan.sounding()]
        assert sorted(sounding) == rig.scheduler.sounding()


@given(st.lists(moves, max_size=25))
@settings(max_examples=50, deadline=None)
def test_a_page_that_takes_the_changes_knows_the_same_notes(
    done: list[tuple[str, int | list[tuple[int, int, int]]]],
) -> None:
    rig = Rig()
    known: dict[object, str] = {}
    rig.take = lambda: []  # type: ignore[method-assign]
    for kind, what in done:
        rig.do(kind, what)
        for change in Rig.take(rig):
            state = {"plan": "planned", "on": "sounds", "off": "over", "back": None}.get(str(change[0]), "")
            if state is None:
                del known[change[1]]
            elif state:
                known[change[1]] = state
            assert change[1] in known or state is None
    own = {note.number: note.state for note in rig.plan.notes()}
    if len(known) <= KEPT_NOTES:
        assert known == own


def test_a_note_that_was_never_sent_is_forgotten() -> None:
    plan = Plan()
    plan.push(1000, 0x90, 60, 64)
    assert plan.missed(1000 + MISSED_US) == []
    assert plan.missed(1001 + MISSED_US) == [["back", 1]]
    assert plan.notes() == []


def test_a_note_that_the_scheduler_refused_is_no_ghost() -> None:
    class Full:
        def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
            return False

        def cancel_from(self, due_us: int) -> bool:
            return True

        def silence(self) -> bool:
            return True

    rig = Rig()
    rig.sink = TappedSink(Full(), rig.tap, lambda: 0)
    assert not rig.sink.push(5000, 0x90, 60, 64)
    rig.take()
    assert rig.plan.notes() == []
