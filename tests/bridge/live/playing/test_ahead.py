"""Laws of playing ahead, against the real scheduler, whatever is asked, however late the session's thread comes.

A note is withdrawn whole or sounds with its end; late music skips ahead and never bunches; no end is ever lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.chords import parse_chart
from tests.support.live.fake_session import MAX_NOTE_S, FakeSession
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, G_7, TICK_US, World

STALL_US = 3_000_000
LATE_US = 30_000  # a strike later than this is left out
STEP_US = 10_000  # the double strikes at most one key a step

Action = Callable[[World], None]


def chord(keys: tuple[int, ...]) -> Action:
    def act(world: World) -> None:
        world.release(*D_MINOR_7, *G_7, *C_MAJOR_7)
        world.press(*keys)

    return act


ACTIONS = st.one_of(
    st.sampled_from((D_MINOR_7, G_7, C_MAJOR_7)).map(chord),
    st.floats(0.1, 2.0).map(lambda value: lambda world: world.turn("temperature", value)),
    st.sampled_from((50, 300, 1000, 4000)).map(lambda value: lambda world: world.turn("look_ahead_ms", value)),
    st.floats(40, 240).map(lambda bpm: lambda world: world.live.set_tempo(bpm)),
    st.floats(0, 16).map(lambda beat: lambda world: world.live.locate(beat)),
    st.just(lambda world: world.live.set_chart(parse_chart("Dm7 G7 | Cmaj7"))),
    st.sampled_from(("follow", "trade")).map(lambda mode: lambda world: world.turn("mode", mode)),
    st.just(lambda world: (world.live.set_chart(parse_chart("F7 | Bb7")), world.turn("mode", "comp"))),
    st.integers(0, 24).map(lambda value: lambda world: world.turn("keep_clear", value)),
    st.integers(0, 2).map(lambda bars: lambda world: world.live.end_in(bars)),
    st.integers(48, 84).map(lambda pitch: lambda world: (world.press(pitch), world.run(0.08), world.release(pitch))),
    st.just(lambda world: (world.live.stop(), world.live.play())),
    st.integers(0, STALL_US).map(lambda us: lambda world: world.advance(us)),  # the session's thread gets no turn
)
SCRIPTS = st.lists(st.tuples(ACTIONS, st.sampled_from((0.0, 0.004, 0.05, 0.3, 0.9))), min_size=3, max_size=14)


def played(script: list[tuple[Action, float]], decode_us: int, preempted: list[int]) -> World:
    """The world after the script; it has seen to it that strikes and ends alternate on every key."""
    readings = 0

    def preempted_us() -> int:
        nonlocal readings
        readings += 1
        return preempted[readings // 40 % len(preempted)] if preempted and readings % 40 == 0 else 0

    world = World(decode_us=lambda: decode_us, preempted_us=preempted_us)
    world.press(*C_MAJOR_7)
    world.run(0.5)
    for act, then_s in script:
        act(world)
        world.run(then_s)
    world.run(0.3)
    world.live.stop()
    world.run(0.05)
    return world


RARELY_SLOW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@RARELY_SLOW
@given(SCRIPTS, st.sampled_from((500, 5_000, 40_000, 120_000)), st.lists(st.integers(0, 200_000), max_size=3))
def test_every_note_ends_and_none_comes_late_or_in_a_bunch(
    script: list[tuple[Action, float]], decode_us: int, preempted: list[int]
) -> None:
    world = played(script, decode_us, preempted)
    assert not world.sounding
    kinds = Counter(status & 0xF0 for _, _, status, _, _ in world.sent)
    assert kinds[0x90] == kinds[0x80], "as many ends as strikes"
    strikes = [(at_us, due_us) for at_us, due_us, status, _, _ in world.sent if status & 0xF0 == 0x90]
    # What was pushed in time was late only while the consumer did not look, which is once a tick.
    assert all(at_us - due_us <= LATE_US + max(preempted, default=0) + TICK_US for at_us, due_us in strikes)
    slack_us = LATE_US + max(preempted, default=0) + TICK_US
    for first, (at_us, _) in enumerate(strikes):
        together = sum(later_us - at_us < 100_000 for later_us, _ in strikes[first:])
        assert together <= (100_000 + slack_us) / STEP_US + 2, "more strikes than the music has"


@RARELY_SLOW
@given(SCRIPTS, st.sampled_from((500, 5_000)))
def test_no_note_outlives_what_the_player_gave_it_by_more_than_the_time_lost(
    script: list[tuple[Action, float]], decode_us: int
) -> None:
    world = played(script, decode_us, [])
    # A rollback may forget an end and the double then holds the key anew; a stall holds it as long again.
    assert world.longest_us <= MAX_NOTE_S * 1e6 * 2 + STALL_US + 200_000


@RARELY_SLOW
@given(st.lists(st.tuples(st.floats(0.0, 0.4), st.sampled_from((D_MINOR_7, G_7, C_MAJOR_7))), max_size=10))
def test_what_sounds_is_what_the_stream_remembers(changes: list[tuple[float, tuple[int, ...]]]) -> None:
    """Exact rollback: what the model takes for its past is what was heard, strike for strike."""
    world = World(decode_us=lambda: 2_000)
    world.press(*C_MAJOR_7)
    world.run(0.3)
    for then_s, keys in changes:
        chord(keys)(world)
        world.run(then_s)
    world.run(0.5)
    session: FakeSession = world.sessions[0]
    ahead = world.live._ahead
    now_s = ahead.stream_s(world.now_us)
    heard = [pitch for _, pitch in world.onsets()]
    remembered = [event.pitch for event in session.history if event.kind == "on" and event.time_s <= now_s - 0.005]
    assert heard[: len(remembered)] == remembered
    assert len(heard) - len(remembered) <= 1
