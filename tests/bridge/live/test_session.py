"""The live session on a virtual clock: scripted players, knobs and stalls against the real scheduler."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from bridge.errors import ModeError
from bridge.live.modes.chart_chords import chords_from
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.observer import Observer
from bridge.live.playing.timeline import StreamTimeline
from engine.beats.warp import GRID
from engine.chords import Chord, parse_chart, parse_chord
from engine.errors import CheckpointError
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from osc_protocol.table.parameters import Setting, Value
from tests.support.live.fake_session import MAX_NOTE_S, FakeSession
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, G_7, TICK_US, World


def test_before_the_first_chord_there_is_silence() -> None:
    world = World()
    world.run(2.0)
    assert world.sent == []


def test_the_solo_starts_within_80_ms_of_the_chord() -> None:
    world = World(decode_us=lambda: 500)  # of the small steps that look for the first note
    world.run(0.3)
    pressed_us = world.now_us
    world.press(*D_MINOR_7)
    world.run(1.0)
    assert world.onsets()[0][0] - pressed_us <= 80_000  # 40 ms of them for the fingers to land together


def test_after_a_chord_change_only_the_new_chord_is_struck() -> None:
    world = World()
    world.press(*D_MINOR_7)
    world.run(2.0)
    world.release(*D_MINOR_7)
    world.press(*G_7)
    changed_us = world.now_us
    world.run(2.0)
    new = [pitch for at_us, pitch in world.onsets(changed_us + 100_000)]
    assert len(new) >= 5
    assert {pitch % 12 for pitch in new} <= set(parse_chord("G7").pitch_classes())


def test_a_knob_acts_on_the_next_note_not_on_the_next_look_ahead() -> None:
    world = World()
    world.turn("look_ahead_ms", 4000)
    world.press(*C_MAJOR_7)
    world.run(2.0)
    world.turn("temperature", 0.1)  # the double then plays the root alone
    turned_us = world.now_us
    world.run(2.0)
    new = [pitch for at_us, pitch in world.onsets(turned_us + 100_000)]
    assert len(new) >= 3
    assert {pitch % 12 for pitch in new} == {0}


def test_a_burst_of_knob_moves_makes_new_music_at_most_20_times_a_second() -> None:
    world = World()
    world.press(*C_MAJOR_7)
    world.run(1.0)
    rolled_back: list[float] = []
    session = world.sessions[0]
    rollback = session.rollback
    session.rollback = lambda to_s: (rolled_back.append(to_s), rollback(to_s))[1]  # type: ignore[method-assign]
    began_us = world.now_us
    for move in range(200):
        world.turn("temperature", 0.1 + move / 200)
        world.run(0.005)
    seconds = (world.now_us - began_us) / 1e6
    assert 10 * seconds <= len(rolled_back) <= 20 * seconds + 1
    world.run(0.1)
    assert session.params["temperature"] == pytest.approx(0.1 + 199 / 200)


def test_a_refused_parameter_is_reported_and_the_music_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(setting: Setting) -> None:
        raise CheckpointError(f"there is no style {setting.value}")

    world = World()
    world.press(*C_MAJOR_7)
    world.run(1.0)
    monkeypatch.setattr(world.sessions[0], "set_params", refuse)
    world.turn("style", "stride")
    world.run(1.0)
    assert [text for what, text in world.said if what == "error"] == ["style: there is no style stride"]
    assert world.onsets(world.now_us - 500_000)
    assert list(world.live.refused) == [("style", "stride", "")]


def test_what_a_fresh_stream_refuses_is_in_force_no_longer_and_the_music_goes_on() -> None:
    gone: set[str] = set()

    class Styled(FakeSession):
        def set_params(self, *settings: Setting, **values: Value) -> None:
            if gone & {str(setting.value) for setting in settings}:
                raise CheckpointError("style klezmer: its file has gone")
            super().set_params(*settings, **values)

    world = World(make_session=Styled)
    world.turn("style", "klezmer")
    world.run(0.5)
    gone.add("klezmer")
    world.live.set_seed(7)
    world.press(*C_MAJOR_7)
    world.run(1.0)
    assert [text for what, text in world.said if what == "error"] == ["style klezmer: its file has gone"]
    assert list(world.live.refused) == [("style", "klezmer", "")]
    assert world.onsets(world.now_us - 500_000)


def test_the_sideman_rests_after_release_and_comes_back_with_the_next_chord() -> None:
    world = World()
    world.press(*D_MINOR_7)
    world.run(2.0)
    world.release(*D_MINOR_7)
    world.run(1.4)
    assert world.onsets(world.now_us - 500_000), "1.4 s after the last key it still plays"
    world.run(0.2)
    rested_us = world.now_us
    assert not world.sounding
    assert world.sessions[0].sounding() == []  # the stream knows it too
    world.run(3.0)
    assert not world.onsets(rested_us)
    world.press(*D_MINOR_7)
    world.run(0.5)
    assert world.onsets(rested_us)
    assert [what for what, _ in world.said] == ["chord", "rest", "chord"]


@pytest.mark.parametrize("command", ["stop", "panic"])
def test_stop_and_panic_silence_at_once(command: str) -> None:
    world = World()
    world.press(*D_MINOR_7)
    world.run(2.0)
    getattr(world.live, command)()
    world.run(0.004)
    stopped_us = world.now_us
    assert not world.sounding
    world.run(2.0)
    assert not world.onsets(stopped_us)
    ends = {(status & 0x0F) for _, _, status, data1, _ in world.sent if status & 0xF0 == 0xB0 and data1 == 123}
    assert ends == (set(range(16)) if command == "panic" else set())


def test_panic_lets_go_of_a_key_whose_end_was_lost() -> None:
    """Else mode continue would wait for its end, and never answer again."""
    world = World(decode_us=lambda: 300)
    world.turn("mode", "continue")
    world.run(0.2)
    world.press(40)
    world.live.midi_in(bytes((0xB0, 64, 127)))
    world.run(0.5)
    world.live.panic()
    world.run(1.0)
    for pitch in (60, 64, 67):
        world.press(pitch)
        world.run(0.2)
        world.release(pitch)
        world.run(0.1)
    world.run(2.0)
    assert [what for what, _ in world.said] == ["playing"]


def test_keys_that_are_played_while_it_is_stopped_are_not_kept_for_ever() -> None:
    world = World(decode_us=lambda: 300)
    world.live.stop()
    for number in range(1000):
        world.press(60 + number % 12)
        world.live.step()
        world.advance(50_000)
        world.release(60 + number % 12)
        world.live.step()
        world.advance(50_000)
    assert len(world.live._modes._keep_clear._lately) < 100


def test_a_named_chord_holds_until_keys_take_over() -> None:
    world = World()
    world.live.set_chord(parse_chord("Cmaj7"))
    world.run(4.0)
    assert world.onsets(world.now_us - 500_000)
    world.press(*G_7)
    world.run(0.2)
    assert [text for what, text in world.said if what == "chord"] == ["Cmaj7", "G7"]
    world.live.set_chord(None)
    world.run(0.05)
    assert not world.sounding


def test_a_chart_is_played_in_time_and_round_and_round() -> None:
    world = World()
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart("C | F"))  # two seconds a bar
    world.run(12.0)
    start_us = world.sent[0][1] - round(world.sessions[0].history[0].time_s * 1e6)  # of the stream, which starts at 0
    assert len(world.onsets()) > 30
    for _, due_us, status, pitch, _ in world.sent:
        if status & 0xF0 == 0x90:
            bar = (due_us - start_us) // 2_000_000 % 2
            assert pitch % 12 in ({0, 4, 7}, {5, 9, 0})[bar]
    assert world.sessions[0].tempo == (120.0, 4, 0.0)


def test_a_tempo_change_moves_no_beat() -> None:
    world = World()
    world.live.set_chart(parse_chart("C | F | G | C"))
    world.run(3.0)
    world.live.set_tempo(60.0)
    world.run(1.0)
    session = world.sessions[0]
    bpm, beats_per_bar, origin_s = session.tempo
    assert (bpm, beats_per_bar) == (60.0, 4)
    changed_s = next(onset_s for onset_s, chord in session.chords if onset_s > 2.5)
    assert origin_s <= changed_s < origin_s + 4.0  # the bar line before, at the new tempo
    assert changed_s / 2.0 % 1.0 * 4.0 == pytest.approx((changed_s - origin_s), abs=0.02)  # the same place in the bar


@pytest.mark.parametrize("make", [FakeSession, lambda seed: Session(load_checkpoint(), seed=seed)])
def test_a_chart_of_one_chord_goes_on_for_minutes(make: Callable[[int], Improviser]) -> None:
    sessions: list[Improviser] = []
    world = World(make_session=lambda seed: sessions.append(make(seed)) or sessions[-1])  # type: ignore[func-returns-value]
    named: list[list[tuple[float, Chord | None]]] = []
    set_chords = sessions[0].set_chords
    sessions[0].set_chords = lambda chords, from_s=0.0: (named.append(list(chords)), set_chords(chords, from_s))[1]  # type: ignore[method-assign]
    world.live.set_chart(parse_chart("C"))
    world.run(70.0)
    assert [chord for chords in named for _, chord in chords] == [parse_chord("C")], "named once"
    assert len(named) >= 3
    assert world.onsets(world.now_us - 10_000_000)


def test_following_keys_after_a_chart_has_no_beat_but_the_one_asked_for() -> None:
    world = World()
    world.live.set_chart(parse_chart("C | F"))
    world.run(1.0)
    assert world.sessions[0].tempo[0] == 120.0
    world.turn("mode", "follow")
    world.press(*G_7)
    world.run(1.0)
    assert world.sessions[0].tempo[0] is None


def test_a_tempo_set_while_keys_are_followed_holds_for_the_chart_afterwards() -> None:
    world = World()
    world.live.set_chart(parse_chart("C | F"))
    world.turn("mode", "follow")
    world.press(*G_7)
    world.run(0.5)
    world.live.set_tempo(90.0)
    world.turn("mode", "changes")
    world.run(0.5)
    assert world.sessions[0].tempo[0] == 90.0


@pytest.mark.parametrize("turned_s", [0.0, 3.3])
def test_quantised_music_strikes_on_the_beat_grid_of_its_chart(turned_s: float) -> None:
    world = World()
    world.live.set_tempo(120.0)
    if not turned_s:
        world.turn("quantise", 1.0)
    world.live.set_chart(parse_chart("C | F"))
    if turned_s:
        world.run(turned_s)
        world.turn("quantise", 1.0)
    world.run(0.3)
    since_us = world.now_us
    world.run(6.0)
    origin_us = world.live._ahead.wall_us(0.0)
    dues_us = [due_us for at, due_us, status, _, _ in world.sent if status & 0xF0 == 0x90 and at >= since_us]
    assert len(dues_us) > 10
    for due_us in dues_us:
        phase = (due_us - origin_us) / 500_000 % 1.0
        assert min(abs(phase - point) for point in GRID) < 1e-3


def test_swing_without_a_beat_says_so_and_the_music_goes_on() -> None:
    world = World()
    world.turn("swing", 2 / 3)
    world.press(*C_MAJOR_7)
    world.run(1.0)
    assert ("feel", "quantise and swing wait for a beat: set a tempo") in world.said
    assert world.onsets(world.now_us - 500_000)


def test_changes_needs_a_chart() -> None:
    with pytest.raises(ModeError, match="needs a chord chart"):
        World().turn("mode", "changes")


def test_the_same_seed_and_playing_give_the_same_take() -> None:
    def take(seed: int) -> list[tuple[int, int]]:
        world = World()
        world.live.set_seed(seed)
        world.run(0.1)
        world.press(*D_MINOR_7)
        world.run(2.0)
        return world.onsets()

    assert take(5) == take(5) != take(6)


def test_a_stall_skips_ahead_and_never_bunches_notes() -> None:
    world = World()
    world.press(*D_MINOR_7)
    world.run(2.0)
    world.advance(5_000_000)  # the session thread is not scheduled for five seconds
    stalled_us = world.now_us
    world.run(2.0)
    resumed = world.onsets(stalled_us)
    assert resumed
    for at_us, due_us, status, _, _ in world.sent:
        if status & 0xF0 == 0x90 and at_us >= stalled_us:
            assert at_us - due_us <= 30_000 + TICK_US
    assert len(resumed) < 40  # of two seconds, not of seven


def test_late_notes_are_skipped_with_their_ends_and_counted() -> None:
    world = World(decode_us=lambda: 3_000)
    world.press(*D_MINOR_7)
    world.run(1.0)
    world.turn("look_ahead_ms", 50)
    world.run(1.5)
    world.advance(200_000)  # less than a stall
    world.run(1.0)
    assert world.live.skipped > 0
    assert world.longest_us <= MAX_NOTE_S * 1e6 + 300_000


@pytest.mark.parametrize("block", range(10))
def test_no_script_of_chords_knobs_and_stops_leaves_a_stuck_note(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        draw = random.Random(seed)
        slow = draw.choice((1_000, 10_000, 60_000))
        world = World(
            decode_us=lambda draw=draw, slow=slow: draw.randrange(200, slow),  # type: ignore[misc]
            preempted_us=lambda draw=draw: draw.randrange(80_000) if draw.random() < 0.01 else 0,  # type: ignore[misc]
        )
        world.turn("look_ahead_ms", draw.choice((50, 300, 1000, 4000)))
        if seed % 2:
            world.live.set_tempo(draw.uniform(40, 240))
        chords = (D_MINOR_7, G_7, C_MAJOR_7)
        held: tuple[int, ...] = ()
        for _ in range(12):
            action = draw.randrange(10)
            if action < 4:
                world.release(*held)
                held = draw.choice(chords)
                world.press(*held)
            elif action < 7:
                for _ in range(draw.randrange(1, 5)):
                    world.turn("temperature", draw.uniform(0.1, 2.0))
                if seed % 2:
                    name, low, high = draw.choice((("quantise", 0, 1), ("swing", 0.5, 0.75), ("humanise", 0, 1)))
                    world.turn(name, draw.uniform(low, high))
            elif action == 7:
                world.live.set_chart(parse_chart("Dm7 G7 | Cmaj7"))
            elif action == 8:
                world.turn("mode", "follow")
                world.release(*held)
                held = ()
            else:
                draw.choice((world.live.stop, world.live.play, world.live.panic, partial(world.live.set_seed, seed)))()
                world.live.play()
            world.run(draw.choice((0.005, 0.05, 0.2)))
            # Rolled-back endings and slow decodes may stretch a note; nothing may hold it on.
            latest = max((world.now_us - onset_us for onset_us in world.sounding.values()), default=0)
            assert max(latest, world.longest_us) <= (MAX_NOTE_S + 0.6) * 1e6, (seed, world.longest_us)
        world.live.stop()
        world.run(0.05)
        assert not world.sounding, seed


def test_the_shipped_base_rolls_back_and_ends_its_notes_as_the_double_does() -> None:
    checkpoint = load_checkpoint()
    chart = parse_chart("Dm7 G7 | Cmaj7")
    for seed in range(4):
        draw = random.Random(seed)
        world = World(
            make_session=lambda seed: Session(checkpoint, seed=seed),
            preempted_us=lambda draw=draw: draw.randrange(80_000) if draw.random() < 0.01 else 0,  # type: ignore[misc]
        )
        held: tuple[int, ...] = ()
        for turn in range(16):
            world.release(*held)
            held = draw.choice((D_MINOR_7, G_7, C_MAJOR_7))
            world.press(*held)
            world.turn("temperature", draw.uniform(0.5, 1.5))
            world.turn("velocity", draw.uniform(0.5, 1.5))
            if turn == 6:
                world.live.set_chart(chart)
            if turn == 10:
                world.live.set_tempo(140.0)
            if turn == 13:
                world.turn("mode", "follow")
            world.run(draw.choice((0.05, 0.3, 0.8)))
        world.run(4.0)  # a note that was forgotten on the way would sound on through all of it
        latest_us = max((world.now_us - onset_us for onset_us in world.sounding.values()), default=0)
        assert max(latest_us, world.longest_us) <= 4_000_000, seed
        world.live.stop()
        world.run(0.05)
        assert not world.sounding, seed
        assert len(world.onsets()) > 5


def test_chords_of_a_chart_start_at_the_moment_asked_and_are_named_once() -> None:
    chart = parse_chart("C | C | F G")
    clock = StreamTimeline(120.0, origin_s=1.0)
    named = [(onset_s, chord.name if chord else None) for onset_s, chord in chords_from(chart, clock, 2.0, 9.0)]
    assert named == [(2.0, "C"), (5.0, "F"), (6.0, "G"), (7.0, "C")]


def test_whether_it_may_play_is_told_when_that_changes_whoever_changed_it() -> None:
    class Told(Observer):
        def __init__(self) -> None:
            self.enabled_now: list[bool] = []

        def enabled(self, enabled: bool) -> None:
            self.enabled_now.append(enabled)

    told = Told()
    world = World(decode_us=lambda: 500, observer=told)
    world.live.panic()  # in follow the keys say when it plays
    world.run(0.1)
    world.live.stop()
    world.run(0.1)
    world.live.set_chart(parse_chart("C | F"))
    world.live.set_tempo(240.0)
    world.live.play()
    world.run(0.5)
    world.live.end_in(1)
    world.run(6.0)  # home, and at rest
    assert told.enabled_now == [False, True, False]


@pytest.mark.parametrize("tempo_bpm", [None, 120.0])
def test_every_rest_is_told_once_with_its_time_whether_there_is_a_beat_or_none(tempo_bpm: float | None) -> None:
    class Told(Observer):
        def __init__(self) -> None:
            self.rests_us: list[int] = []

        def rested(self, time_us: int) -> None:
            self.rests_us.append(time_us)

    told = Told()
    world = World(decode_us=lambda: 500, observer=told)
    if tempo_bpm is not None:
        world.live.set_tempo(tempo_bpm)
    world.run(1.0)
    assert told.rests_us == []
    for number in (1, 2):
        world.press(*D_MINOR_7)
        world.run(3.0)
        world.live.stop()
        world.release(*D_MINOR_7)
        stopped_us = world.now_us
        world.run(1.0)
        assert len(told.rests_us) == number
        assert stopped_us <= told.rests_us[-1] <= stopped_us + 500_000
        world.live.play()
        world.run(0.1)
