"""Laws of encode() and decode(), for both variants."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vocabulary import LAYOUT, STEP_S
from tests.support.native_variants import (
    assert_equal_arrays,
    compiled,
    each_variant,
    needs_compiled,
    performance,
    python,
)

ON, OFF, SHIFT, VEL = LAYOUT.note_on, LAYOUT.note_off, LAYOUT.time_shift, LAYOUT.velocity


def shift(steps: int) -> int:
    return SHIFT + steps - 1


@st.composite
def legal_notes(draw: st.DrawFn) -> list[tuple[float, float, int, int]]:
    """Notes a piano can play: on each pitch one after the other, a key up at least a step before it is struck again."""
    notes = []
    for pitch in draw(st.lists(st.integers(0, 127), unique=True, max_size=8)):
        time_s = 0.0
        for wait_s, length_s in draw(st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 2.5)), max_size=8)):
            onset_s = time_s + wait_s
            notes.append((onset_s, onset_s + length_s, pitch, draw(st.integers(1, 127))))
            time_s = onset_s + max(length_s, STEP_S) + 2 * STEP_S
    return draw(st.permutations(notes))


def columns(notes: list[tuple[float, float, int, int]]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*notes, strict=True))) if notes else ([], [], [], [])


@each_variant
@given(notes=legal_notes())
def test_a_legal_performance_comes_back(lib: Any, notes: list[tuple[float, float, int, int]]) -> None:
    onset, offset, pitch, velocity, _, _ = lib.decode(LAYOUT, lib.encode(LAYOUT, *columns(notes)))
    expected = sorted(notes, key=lambda note: (np.rint(note[0] / STEP_S), note[2]))
    assert pitch.tolist() == [note[2] for note in expected]
    for i, (onset_s, offset_s, _, loudness) in enumerate(expected):
        assert abs(onset[i] * STEP_S - onset_s) <= STEP_S / 2 + 1e-9
        assert abs(offset[i] * STEP_S - max(offset_s, onset[i] * STEP_S + STEP_S)) <= STEP_S / 2 + 1e-9
        assert abs(int(velocity[i]) - loudness) <= 2


@each_variant
@given(ids=st.lists(st.integers(0, LAYOUT.num_ids - 1), max_size=200))
def test_any_token_sequence_decodes_to_notes_that_encode_and_decode_to_themselves(lib: Any, ids: list[int]) -> None:
    once = lib.decode(LAYOUT, np.array(ids, dtype=np.uint16))
    onset, offset, pitch, velocity, pedal, down = once
    assert (offset > onset).all()
    again = lib.decode(
        LAYOUT, lib.encode(LAYOUT, onset * STEP_S, offset * STEP_S, pitch, velocity, pedal * STEP_S, down)
    )
    assert_equal_arrays(once, again)


@each_variant
@pytest.mark.parametrize(
    ("notes", "tokens"),
    [
        pytest.param([], [], id="no notes, no tokens"),
        pytest.param(
            [(0, 0.5, 60, 64)], [VEL + 16, ON + 60, shift(50), OFF + 60], id="velocity, on, wait, off"
        ),
        pytest.param(
            [(2.5, 2.6, 60, 64)], [shift(100), shift(100), shift(50), VEL + 16, ON + 60, shift(10), OFF + 60],
            id="a long wait is full shifts, then the remainder",
        ),
        pytest.param(
            [(1.0, 2.0, 60, 1)], [shift(100), VEL, ON + 60, shift(100), OFF + 60], id="no empty remainder"
        ),
        pytest.param(
            [(0, 0.1, 64, 64), (0, 0.1, 60, 67), (0, 0.1, 62, 68)],
            [VEL + 16, ON + 60, VEL + 17, ON + 62, VEL + 16, ON + 64, shift(10), OFF + 60, OFF + 62, OFF + 64],
            id="by pitch, velocity only when its bin changes",
        ),
        pytest.param([(0, 0, 60, 64)], [VEL + 16, ON + 60, shift(1), OFF + 60], id="at least one step"),
        pytest.param([(0.5, 0.2, 60, 64)], [shift(50), VEL + 16, ON + 60, shift(1), OFF + 60], id="even backwards"),
        pytest.param(
            [(0, 1.0, 60, 64), (0.5, 0.8, 60, 64)],
            [VEL + 16, ON + 60, shift(50), OFF + 60, ON + 60, shift(30), OFF + 60],
            id="a re-struck pitch ends the earlier note",
        ),
        pytest.param(
            [(0, 1.0, 60, 64), (0.004, 0.5, 60, 99)], [VEL + 24, ON + 60, shift(100), OFF + 60],
            id="one pitch twice in a step is one note: louder, longer",
        ),
        pytest.param(
            [(0, 0.1, 70, 64), (0.1, 0.2, 50, 64)],
            [VEL + 16, ON + 70, shift(10), OFF + 70, ON + 50, shift(10), OFF + 50],
            id="inside a step ends come first",
        ),
        pytest.param(
            [(0.005, 0.015, 60, 64), (0.025, 0.035, 62, 64)],
            [VEL + 16, ON + 60, shift(2), OFF + 60, ON + 62, shift(2), OFF + 62],
            id="half a step rounds to even",
        ),
    ],
)  # fmt: skip
def test_notes_become_these_tokens(lib: Any, notes: list[tuple[float, float, int, int]], tokens: list[int]) -> None:
    encoded = lib.encode(LAYOUT, *columns(notes))
    assert encoded.dtype == np.uint16
    assert encoded.tolist() == tokens


@each_variant
@pytest.mark.parametrize(
    ("tokens", "notes"),
    [
        pytest.param([ON + 60, shift(5), OFF + 60], [(0, 5, 60, 66)], id="the middle bin before any velocity"),
        pytest.param([VEL, ON + 60, shift(5)], [(0, 5, 60, 2)], id="an unended note ends at the last step"),
        pytest.param([ON + 60], [(0, 1, 60, 66)], id="but lasts a step"),
        pytest.param([OFF + 60, shift(3)], [], id="an end without a note is ignored"),
        pytest.param([ON + 60, shift(5), ON + 60, shift(5)], [(0, 5, 60, 66), (5, 10, 60, 66)], id="re-strike"),
        pytest.param([VEL, ON + 60, VEL + 31, ON + 60, shift(2)], [(0, 2, 60, 126)], id="merged within its step"),
        pytest.param([ON + 60, OFF + 60, ON + 60, shift(4)], [(0, 4, 60, 66)], id="even when ended in between"),
        pytest.param([390, 388, ON + 60, 399, shift(1), 389], [(0, 1, 60, 66)], id="PAD BOS EOS say nothing"),
    ],
)
def test_tokens_become_these_notes(lib: Any, tokens: list[int], notes: list[tuple[int, int, int, int]]) -> None:
    onset, offset, pitch, velocity, _, _ = lib.decode(LAYOUT, tokens)
    assert list(zip(onset, offset, pitch, velocity, strict=True)) == notes


@each_variant
def test_pedal_tokens_come_first_in_a_step_and_only_where_the_pedal_changes(lib: Any) -> None:
    notes = ([0.0], [0.1], [60], [64])
    tokens = lib.encode(LAYOUT, *notes, [0.3, 0.0, 0.1, 0.2, 0.1], [False, True, False, True, False])
    down, up = LAYOUT.pedal_on, LAYOUT.pedal_off
    assert tokens.tolist() == [down, VEL + 16, ON + 60, shift(10), up, OFF + 60, shift(10), down, shift(10), up]
    _, _, _, _, step, state = lib.decode(LAYOUT, tokens)
    assert (step.tolist(), state.tolist()) == ([0, 10, 20, 30], [True, False, True, False])
    assert not set(lib.encode(LAYOUT, *notes).tolist()) & {down, up}


@each_variant
def test_the_grid_does_not_drift_over_an_hour(lib: Any) -> None:
    onset_s = np.arange(0.0, 3600.0, 0.333)
    tokens = lib.encode(LAYOUT, onset_s, onset_s + 0.1, np.full(len(onset_s), 60), np.full(len(onset_s), 64))
    onset = lib.decode(LAYOUT, tokens)[0]
    assert np.abs(onset * STEP_S - onset_s).max() <= STEP_S / 2 + 1e-9


@each_variant
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-0.1], [1], [60], [64]), r"onset -0\.1 s lies outside 0\.\.1e\+06 s"),
        (([0], [float("nan")], [60], [64]), r"offset nan s lies outside"),
        (([0], [2e6], [60], [64]), r"offset 2e\+06 s lies outside"),
        (([0], [1], [128], [64]), r"pitch 128 lies outside 0\.\.127"),
        (([0], [1], [-1], [64]), r"pitch -1 lies outside 0\.\.127"),
        (([0], [1], [60], [0]), r"velocity 0 lies outside 1\.\.127"),
        (([0, 1], [1], [60], [64]), "differ in length"),
        (([0], [1], [60], [64], [0.1]), "pass both or neither"),
        (([0], [1], [60], [64], [0.1], [True, False]), "pass one state a time"),
    ],
)
def test_bad_notes_are_refused_with_the_remedy(lib: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lib.encode(LAYOUT, *arguments)


@each_variant
@pytest.mark.parametrize("token", [LAYOUT.num_ids, 65535, -1])
def test_unknown_ids_are_refused(lib: Any, token: int) -> None:
    with pytest.raises(ValueError, match=rf"token {token} lies outside 0\.\.399"):
        lib.decode(LAYOUT, [60, token])


@needs_compiled
@pytest.mark.parametrize("seed", range(20))
def test_both_variants_agree_on_a_performance(seed: int) -> None:
    with_pedal = performance(seed)
    without = {name: values for name, values in with_pedal.items() if not name.startswith("pedal")}
    for notes in (with_pedal, without):
        tokens = compiled.encode(LAYOUT, **notes)
        np.testing.assert_array_equal(tokens, python.encode(LAYOUT, **notes))
        assert_equal_arrays(compiled.decode(LAYOUT, tokens), python.decode(LAYOUT, tokens))


@needs_compiled
@given(
    notes=st.lists(
        st.tuples(st.floats(0, 5), st.floats(0, 6), st.integers(58, 62), st.integers(1, 127)), max_size=60
    ),
    pedal=st.lists(st.tuples(st.floats(0, 6), st.booleans()), max_size=20),
    ids=st.lists(st.one_of(st.integers(0, 399), st.sampled_from([60, 188, 256, 391, 392])), max_size=100),
)  # fmt: skip
def test_both_variants_agree_on_anything(notes: Any, pedal: Any, ids: Any) -> None:
    pedal_columns = ([s for s, _ in pedal], [down for _, down in pedal])
    a, b = (lib.encode(LAYOUT, *columns(notes), *pedal_columns) for lib in (compiled, python))
    np.testing.assert_array_equal(a, b)
    assert_equal_arrays(compiled.decode(LAYOUT, ids), python.decode(LAYOUT, ids))


@needs_compiled
def test_both_variants_agree_on_recordings() -> None:
    """SIDEMAN_DATA names a folder of MIDI files; without it there is nothing to compare."""
    folder = os.environ.get("SIDEMAN_DATA")
    if not folder:
        pytest.skip("SIDEMAN_DATA names no folder of MIDI files")
    symusic = pytest.importorskip("symusic")
    for path in itertools.islice(sorted(Path(folder).rglob("*.mid")), 0, None, 50):
        try:
            score = symusic.Score(path, ttype="second")
        except RuntimeError:
            continue  # some are broken on purpose
        for notes in (track.notes.numpy() for track in score.tracks[:2]):
            keep = (notes["velocity"] > 0) & (notes["time"] >= 0)
            onset = notes["time"][keep].astype(np.float64)
            arguments = (onset, onset + notes["duration"][keep], notes["pitch"][keep], notes["velocity"][keep])
            tokens = compiled.encode(LAYOUT, *arguments)
            np.testing.assert_array_equal(tokens, python.encode(LAYOUT, *arguments))
            assert_equal_arrays(compiled.decode(LAYOUT, tokens), python.decode(LAYOUT, tokens))
