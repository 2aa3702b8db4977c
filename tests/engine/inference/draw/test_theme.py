"""What was played pulls what is played when its place comes again; at 0 nothing does; no way back leaves a trace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.chords import parse_chart
from engine.chords.charts.form import Form, Return
from engine.evaluation.solo_figures import recurrence, solo_figures
from engine.inference.draw.past import PastToken
from engine.inference.draw.theme import THEME, Recalled, ThemeMemory, pull, recall
from engine.inference.session import Session
from engine.inference.stream import Stream
from engine.inference.streams import compiled_stream
from engine.model.checkpoint import load_checkpoint
from engine.notes import NoteEvent
from engine.solo.improvise import Solo, improvise
from engine.vocabulary import NOTE_OFF, NOTE_ON, NUM_SHIFTS, TIME_SHIFT, VELOCITY
from osc_protocol.table.parameters import settings
from tests.engine.inference.decoders.test_native_decoder import PACKED, tame_checkpoint
from tests.support.native_variants import needs_compiled

LOGITS = np.random.default_rng(0).normal(size=400).astype(np.float32)
STRIKES = slice(NOTE_ON, NOTE_ON + 128)
WAITS = slice(TIME_SHIFT, TIME_SHIFT + NUM_SHIFTS)
VELOCITIES = slice(VELOCITY, VELOCITY + 32)
ALL = np.ones(400, dtype=bool)
BPM = 60.0  # a beat is a hundred steps
FORM = Form((Return(4.0, 8.0, 0.0, 2),), 16.0)
A = "Cmaj7 | Am7 | Dm7 | G7 | Em7 | A7 | Dm7 G7 | C6"
AABA = parse_chart(f"{A} | {A} | Gm7 | C7 | Fmaj7 | Fmaj7 | Am7 | D7 | Dm7 | G7 | {A}")


def always(pitch: int, step: int) -> bool:
    return True


def remembering(*played: tuple[float, int, bool]) -> ThemeMemory:
    """A memory of (beat, pitch, whether it is a strike) of tones of the chord."""
    memory = ThemeMemory(100)
    for beat, pitch, is_strike in played:
        memory.add(FORM.at(beat), pitch, is_strike, True)
    return memory


def asked_at(
    beat: float, memory: ThemeMemory, *, past: tuple[PastToken, ...] = (), onsets: dict[int, int] | None = None,
    fits: Callable[[int, int], bool] = always,
) -> Recalled | None:  # fmt: skip
    return recall(memory, FORM.at(beat), BPM, past, onsets or {}, round(beat * 100), fits, ALL, 8)


def struck(pitch: int, step: int) -> PastToken:
    return PastToken(NOTE_ON + pitch, step, 16)


HEAD = remembering((0.0, 60, True), (0.5, 60, False), (0.5, 64, True), (1.0, 64, False))


def test_what_was_struck_at_a_place_is_due_when_it_comes_again_in_its_key() -> None:
    assert asked_at(4.0, HEAD) == Recalled({62}, set(), 50)
    assert asked_at(16.0, HEAD) == Recalled({60}, set(), 50)  # the next round
    assert asked_at(4.0 + 16.5, HEAD) == Recalled({66}, set(), 0)


def test_the_first_time_nothing_is_recalled() -> None:
    assert asked_at(1.5, HEAD) is None
    assert asked_at(9.0, HEAD) is None  # a place of its own


def test_what_was_played_again_is_due_no_more() -> None:
    assert asked_at(4.02, HEAD, past=(struck(62, 401),), onsets={62: 401}) == Recalled(set(), set(), 48)


def test_a_strike_is_recalled_around_its_moment_alone() -> None:
    memory = remembering((1.0, 60, True))
    early, late = THEME.early_steps, THEME.late_steps
    for ahead, due in ((early, True), (early + 1, False), (-late, True), (-late - 1, False)):
        recalled = asked_at(5.0 - ahead / 100, memory)
        assert recalled is not None
        assert (recalled.strikes == {62}) == due


def test_an_end_is_recalled_of_what_sounds_and_was_struck_before_it() -> None:
    assert asked_at(4.5, HEAD, onsets={62: 400}) == Recalled({66}, {62}, 0)
    recalled = asked_at(4.7, HEAD, onsets={62: 400})  # late, but it sounds still
    assert recalled is not None
    assert recalled.ends == {62}
    recalled = asked_at(4.52, HEAD, onsets={62: 451})  # struck anew
    assert recalled is not None
    assert recalled.ends == set()


def test_a_pitch_that_its_chord_has_no_more_is_not_asked_for() -> None:
    recalled = asked_at(4.0, HEAD, fits=lambda pitch, step: pitch != 62)
    assert recalled == Recalled(set(), set(), 50)


def test_without_a_place_all_before_is_forgotten_until_that_is_taken_back() -> None:
    memory = remembering((0.0, 60, True))
    memory.add(None, 60, False, True)
    assert asked_at(4.0, memory) is None
    memory.take_back()
    assert asked_at(4.0, memory) is not None


def test_the_head_comes_back_and_not_its_last_variation() -> None:
    memory = remembering((0.0, 60, True), (4.0, 67, True), (16.0, 70, True))
    assert asked_at(20.0, memory) == Recalled({62}, set(), 0)


def test_at_0_nothing_is_moved_and_what_is_due_rises_with_the_knob() -> None:
    recalled = Recalled({60, 64}, {50}, 20)
    assert np.array_equal(pull(LOGITS, recalled, 0.0, 0.8), LOGITS)
    half, whole = (pull(LOGITS, recalled, strength, 0.8) - LOGITS for strength in (0.5, 1.0))
    np.testing.assert_allclose(whole, 2 * half, rtol=1e-4, atol=1e-5)
    assert whole[NOTE_ON + 60] > 0
    assert abs(whole[NOTE_ON + 64]) < 1e-6  # a chord is struck from below
    assert (np.delete(whole[STRIKES], [60, 64]) < 0).all()
    assert (whole[WAITS] < 0).all()
    assert (whole[VELOCITIES] > 0).all()
    assert whole[NOTE_OFF + 50] > 0


def test_with_nothing_due_the_wait_to_what_comes_next_is_likelier_and_those_beyond_are_rarer() -> None:
    moved = pull(LOGITS, Recalled(set(), set(), 20), 1.0, 0.8) - LOGITS
    assert (moved[STRIKES] < 0).all()
    assert (moved[TIME_SHIFT : TIME_SHIFT + 18] == 0).all()
    assert (moved[TIME_SHIFT + 18 : TIME_SHIFT + 21] > 0).all()
    assert (moved[TIME_SHIFT + 20 + THEME.late_steps : TIME_SHIFT + NUM_SHIFTS] < 0).all()


@needs_compiled
@pytest.mark.parametrize("seed", range(3))
def test_compiled_and_python_follow_the_same_theme_there_and_back(seed: int) -> None:
    """Rounds of 1.6 s, in which half comes back higher: straight on, and with ways back that leave no trace."""
    from engine.inference.decoders.native_decoder import native_decoder

    checkpoint = tame_checkpoint()
    straight, detour = (native_decoder(checkpoint, 301, "exact") for _ in range(2))
    streams = [compiled_stream(straight, seed, 300, PACKED.controls), Stream(detour, seed, 300, PACKED.controls)]
    for stream in streams:
        stream.set_beat(150.0, 4, 0.0)
        stream.set_phrase(0.1)
        stream.set_form([(2.0, 4.0, 0.0, 3)], 4.0)
        stream.set_theme(0.8)
    rng, now, kept = np.random.default_rng(seed), 0, 0
    while now < 3000:
        now += int(rng.integers(1, 120))
        events = streams[0].generate(now)
        streams[1].generate(now + int(rng.integers(0, 60)))
        if rng.random() < 0.3:
            streams[1].set_theme(0.0)  # something else for a while
            streams[1].generate(streams[1].until + 30)
        streams[1].rollback(now)
        streams[1].set_theme(0.8)
        streams[0].set_theme(0.8)
        assert streams[0].sounding() == streams[1].sounding()
        assert streams[0].length == streams[1].length
        kept += len(events)
    assert kept > 40
    np.testing.assert_array_equal(streams[0].logits(), streams[1].logits())


def played(theme: float, seed: int) -> Solo:
    return improvise(load_checkpoint(None), AABA, tempo_bpm=140, seed=seed, params=settings(theme=theme))


def test_a_head_comes_back_the_more_the_knob_is_turned_over_the_same_chords() -> None:
    """The fast form of benchmarks/music/bench_theme."""
    solos = {theme: [played(theme, seed) for seed in range(6)] for theme in (0.0, 0.5, 1.0)}
    again = [np.mean([recurrence(solo.notes, 4 * 240 / 140) for solo in solos[theme]]) for theme in (0.0, 0.5, 1.0)]
    assert again[0] < again[1] < again[2]
    assert again[2] > 0.1
    tones = [np.mean([solo_figures(s.notes, AABA, 140)["chord tones"] for s in solos[theme]]) for theme in (0.0, 1.0)]
    assert tones[1] > tones[0] - 0.03


def test_a_session_rolled_back_follows_its_theme_as_if_it_had_never_gone_on() -> None:
    straight, detour = (Session(load_checkpoint(None), 3) for _ in range(2))
    for session in (straight, detour):
        session.set_params(theme=0.9)
        session.set_tempo(120, 4, 0.0)
        session.set_chords([(0.0, chord) for _, _, chord in AABA.spans[:1]])
        session.set_form(0.0, Form((), 8.0))  # rounds of two bars
    events = straight.generate(14.0)
    again = []
    for until_s in np.arange(1.0, 15.0, 1.0):
        again += detour.generate(float(until_s))
        detour.generate(float(until_s) + 2.5)
        detour.rollback(float(until_s))
    assert again == events
    assert recurrence_of_rounds(events) > 0.5


def recurrence_of_rounds(events: list[NoteEvent]) -> float:
    """The share of strikes of the first round, of 4 s, that are struck in the second at their moment."""
    strikes = {(round(event.time_s, 1), event.pitch) for event in events if event.kind == "on"}
    first = [one for one in strikes if one[0] < 4.0]
    near = [any((round(at_s + 4.0 + off, 1), pitch) in strikes for off in (-0.1, 0, 0.1)) for at_s, pitch in first]
    return float(np.mean(near))
