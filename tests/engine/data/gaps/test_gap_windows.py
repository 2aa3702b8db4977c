"""A window of a gap is what a fill is told, token for token, under the same beats, bars and chords; what it is to learn
is the gap alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.data.gaps.places import MOST_BARS, Place, find_place, gap_at
from engine.data.gaps.windows import chords_around, gap_window
from engine.data.practice import practice_piece
from engine.data.reading.entry import tokenise
from engine.data.shards.augmentation import Augmentation
from engine.data.shards.shards import PieceArrays
from engine.data.window_sampler import WindowSampler
from engine.data.windows import Window, collate
from engine.inference.fill.foresight import Foresight
from engine.inference.fill.gap import Gap
from engine.inference.stream import Stream
from engine.model.chord_memory import ChordMemory
from engine.model.config_file import load_config
from engine.model.controls import UNKNOWN
from engine.model.shapes import CHORD_CLIP, CHORDS_AHEAD
from engine.notes import make_notes
from engine.tokens import encode_notes
from engine.vocabulary import BOS, NO_CHORD, NUM_EVENT_IDS, PAD, SEAM, STEP_S

CONTROLS = load_config("next_base").model.controls
ENDING = [control.name for control in CONTROLS].index("ending")
BEAT, BAR = 50, 200  # steps
LONG = 4096  # tokens: no window is cut off


class Listener:
    """A decoder that says nothing and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    @property
    def length(self) -> int:
        return len(self.told)

    def step(self, token: int, beat: int, bar: int, ids: Any, rows: Any, levels: Any) -> np.ndarray:
        self.told.append((token, beat, bar, dict(zip(rows.tolist(), ids.tolist(), strict=True)), levels[ENDING]))
        return np.zeros((2, NUM_EVENT_IDS), dtype=np.float32)

    def rollback(self, tokens: int) -> None:
        del self.told[len(self.told) - tokens :]


def piece(seed: int = 0, beats: bool = True) -> PieceArrays:
    """Makes a piece of 60 s at 120 bpm whose bars differ: notes off the grid, some held over bar lines, many chords."""
    rng = np.random.default_rng(seed)
    rows = [(0.0, 0.3, 60, 64)]
    for at in np.arange(0.25, 60, 0.125):
        onset_s = float(at) + 0.01 * int(rng.integers(0, 8))
        rows.append(
            (
                onset_s,
                onset_s + float(rng.choice([0.1, 0.3, 2.2])),
                int(rng.integers(40, 80)),
                int(rng.integers(20, 120)),
            )
        )
    tokens, _ = encode_notes(make_notes(*zip(*rows, strict=True)))
    lines = np.arange(0, 7000, BEAT, dtype=np.float64) if beats else np.zeros(0)
    steps = np.concatenate([[0], np.arange(7, 5900, 90)])
    ids = np.concatenate([[NO_CHORD], rng.integers(NO_CHORD, NO_CHORD + 289, len(steps) - 1)])
    return PieceArrays(
        np.concatenate([[BOS], tokens]).astype(np.uint16), ids, steps, lines, np.arange(len(lines)) % 4, 0
    )  # fmt: skip


def heard(one: PieceArrays, gap: Gap, ahead: Foresight, learnt: bool = True) -> list[tuple[Any, ...]]:
    """What a decoder is told where a fill hears the gap, and the gap is then played as it was."""
    memory, listener = ChordMemory(), Listener()
    chords = chords_around(one, 0, 9999)
    memory.replace(ahead.chords(gap, chords), 0.0)
    stream = Stream(listener, 1, 2000, CONTROLS)  # type: ignore[arg-type]
    stream.set_chords(*memory.track(), 0)
    stream.set_beat(120.0 if len(one.beat_steps) else None, 4, ahead.shift * STEP_S)
    ahead.tell(stream, gap, learnt)
    stream.feed(ahead.inside(gap))
    stream.logits()
    return listener.told


@pytest.mark.parametrize("learnt", [True, False])
@pytest.mark.parametrize("beats", [True, False])
@pytest.mark.parametrize(
    ("begin", "end"), [(2000, 2200), (1600, 2400), (2000, 2130), (5200, 5600), (0, 400), (200, 400)]
)
def test_a_window_is_what_a_fill_is_told_and_then_the_gap(begin: int, end: int, beats: bool, learnt: bool) -> None:
    one = piece(beats=beats)
    found = gap_at(one, Place(begin, end, BAR))
    assert found is not None
    gap, ahead = found
    theirs, window = heard(one, gap, ahead, learnt), gap_window(one, gap, ahead, LONG, learnt=learnt).window
    count = len(theirs)
    assert 0 <= len(window["tokens"]) - count <= 3, "no more than the last wait up to the gap's end"
    for column, name in enumerate(("tokens", "beat", "bar")):
        assert [row[column] for row in theirs] == window[name][:count].tolist(), name
    assert len({*window["bar"].tolist()}) == (4 if beats else 1)
    at, ids = window["chord_now"], window["chords"]
    for row, now in zip(theirs, at, strict=False):
        for offset in range(CHORDS_AHEAD):  # farther ones share an embedding
            if now + offset < len(ids) and CHORD_CLIP + offset in row[3]:
                assert row[3][CHORD_CLIP + offset] == ids[now + offset]
        assert row[3][CHORD_CLIP - 1] == ids[now - 1] if now else True


@pytest.mark.parametrize("begin", [2000, 0])
def test_only_the_gap_is_to_be_learnt_and_its_end_is_told_as_to_a_fill(begin: int) -> None:
    one, end = piece(), begin + 400
    found = gap_at(one, Place(begin, end, BAR))
    assert found is not None
    cut = gap_window(one, *found, LONG)
    window = cut.window
    given = window["given"]
    first = int(given.argmin())
    assert given[:first].all()
    assert not given[first:].any()
    _, targets = collate([window], len(window["beat"]))
    assert (targets[0] != PAD).sum() == len(given) - first
    strikes = window["tokens"][first:] < 128
    assert strikes.sum() == len(found[0].removed)
    assert all(begin <= place <= end for place in cut.places[first - 1 :].tolist()[1:])
    assert np.flatnonzero(window["tokens"] == SEAM).size == 1
    told = [row[4] for row in heard(one, *found)]
    ending = CONTROLS[ENDING]
    levels = np.where(np.isnan(cut.left_s), UNKNOWN, np.searchsorted(ending.edges, cut.left_s, side="right"))
    assert told == levels[: len(told)].tolist()
    assert levels[first - 2] == UNKNOWN
    assert levels[-1] == 0


def test_a_window_that_is_too_long_loses_its_start() -> None:
    one = piece()
    found = gap_at(one, Place(2000, 2400, BAR))
    assert found is not None
    whole, short = (gap_window(one, *found, length) for length in (LONG, 60))
    for name in ("tokens", "given", "beat", "bar", "chord_now"):
        assert short.window[name].tolist() == whole.window[name][-len(short.window[name]) :].tolist()
    assert len(short.window["beat"]) == 60
    assert short.places.tolist() == whole.places[-60:].tolist()


def test_a_gap_is_one_to_four_bars_or_seconds_where_no_beat_is_known() -> None:
    rng, one, free = np.random.default_rng(0), piece(), piece(beats=False)
    lengths = set()
    for _ in range(200):
        place = find_place(one, rng)
        if place is not None:
            assert place.begin % BAR == 0
            lengths.add((place.end - place.begin) / BAR)
        place = find_place(free, rng)
        assert place is not None
        assert BAR / 2 <= place.end - place.begin <= MOST_BARS * BAR
    assert lengths == {1, 2, 3, 4}


def test_in_another_tempo_and_loudness_the_gap_is_the_same_music() -> None:
    one = piece()
    plain, slow = (gap_at(one, Place(2000, 2400, BAR), *varied) for varied in ((1.0, 1.0), (1.1, 0.8)))
    assert plain is not None
    assert slow is not None
    assert (slow[0].begin, slow[0].end) == (2200, 2640)
    assert [note.pitch for note in slow[0].removed] == [note.pitch for note in plain[0].removed]
    assert all(
        abs(other.step - 1.1 * note.step) <= 1 and other.velocity <= note.velocity
        for note, other in zip(plain[0].removed, slow[0].removed, strict=True)
    )
    bars = [gap_window(one, *found, LONG, stretch).window["bar"] for found, stretch in ((plain, 1.0), (slow, 1.1))]
    assert {*bars[0].tolist()} == {*bars[1].tolist()} == {0, 1, 2, 3}


def sampled(pieces: list[PieceArrays], number: int = 60, length: int = 1024) -> list[Window]:
    sampler = WindowSampler(pieces, length, 1, 0, Augmentation(12, (0.9, 1.0, 1.1), 0.1), controls=CONTROLS)
    rng = np.random.default_rng(3)
    return [sampler.gap_window(rng, sampler.pick(rng)) for _ in range(number)]


def test_gaps_are_varied_as_other_windows_and_know_their_end() -> None:
    windows = sampled([piece(), tokenise(practice_piece(5_000_000, 0, 2), 0)])
    gaps = [window for window in windows if SEAM in window["tokens"]]
    assert len(gaps) > 40, "most windows are gaps"
    assert 0.05 < np.mean([(window["beat"] == 24).all() for window in gaps]) < 0.45
    assert any((window["chords"] == NO_CHORD).all() for window in gaps)
    for window in gaps:
        assert window["levels"].shape == (len(window["beat"]), len(CONTROLS))
        first = int(window["given"].argmin())
        assert (np.diff(window["levels"][max(first - 1, 0) :, ENDING]) <= 0).all()
        assert (window["levels"][: max(first - 1, 0), ENDING] == UNKNOWN).all()
    firsts = {tuple(window["tokens"][:40].tolist()) for window in gaps}
    assert len(firsts) == len(gaps)


def test_where_a_window_is_too_short_for_the_right_side_it_is_no_gap() -> None:
    windows = sampled([piece()], 40, length=150)
    assert 0 < sum(SEAM in window["tokens"] for window in windows) < len(windows)
    assert all(len(window["beat"]) <= 150 for window in windows)


def test_a_piece_without_room_for_a_gap_gives_other_windows() -> None:
    tokens, _ = encode_notes(make_notes([0.0, 0.3, 0.5, 0.8], [0.2, 0.4, 0.6, 0.9], [60, 62, 64, 65], [64] * 4))
    short = PieceArrays(tokens, np.array([NO_CHORD]), np.array([0]), np.zeros(0), np.zeros(0), 0)
    for window in sampled([short], 5):
        assert SEAM not in window["tokens"]
        assert not window["given"].any()
