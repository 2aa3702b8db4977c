"""Windows show the model what it will see live, and score every target once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from engine.beats.phase import beat_bins
from engine.data.eval_windows import cut_eval_windows, eval_windows
from engine.data.shards.augmentation import Augmentation, keys, transpose_chords
from engine.data.shards.shard_writer import save_shard
from engine.data.shards.shards import PieceArrays, Shard, load_shard, token_steps
from engine.data.window_sampler import WindowSampler
from engine.data.windows import collate, cut_window
from engine.errors import DataError
from engine.model.perceiver import Inputs
from engine.vocabulary import BOS, NO_CHORD, PAD
from tests.support.study_corpus import random_piece

LENGTH = 64


@pytest.mark.parametrize("start", [0, 1, 57, 200, 298])
def test_chords_and_beats_are_those_of_the_moment_after_each_token(start: int) -> None:
    piece = random_piece(4)
    window = cut_window(piece, start, LENGTH)
    now = 0
    for token in piece.tokens[:start]:
        now += int(token) - 255 if 256 <= token < 356 else 0
    for position, token in enumerate(piece.tokens[start : start + LENGTH][: len(window["beat"])]):
        now += int(token) - 255 if 256 <= token < 356 else 0
        sounding = [i for i, onset in enumerate(piece.chord_steps) if onset <= now][-1]
        assert window["chords"][window["chord_now"][position]] == piece.chord_ids[sounding]
        beat, bar = beat_bins([now], piece.beat_steps, piece.beat_in_bar)
        assert (window["beat"][position], window["bar"][position]) == (beat[0], bar[0])
    np.testing.assert_array_equal(window["tokens"], piece.tokens[start : start + LENGTH + 1])
    assert len(window["tokens"]) == len(window["beat"]) + 1


def test_fifty_five_chords_before_and_eight_after_are_in_reach() -> None:
    piece = random_piece(0, 2000)
    piece = replace(piece, chord_steps=np.arange(len(piece.chord_steps)) * 50)  # one every half second
    steps = token_steps(piece.tokens)
    window = cut_window(piece, 1000, 50)
    first, last = steps[1000] // 50, steps[1049] // 50
    np.testing.assert_array_equal(window["chords"], piece.chord_ids[first - 55 : last + 9])
    assert window["chord_now"][0] == 55


@pytest.mark.parametrize("length", [1, 2, 7, 63, 64, 298, 299, 300])
@pytest.mark.parametrize("lengths", [[2], [300], [65, 66, 3], [299, 129, 64]])
def test_every_target_is_scored_once(length: int, lengths: list[int]) -> None:
    pieces = [random_piece(i, n) for i, n in enumerate(lengths)]
    seen = [np.zeros(len(piece.tokens), dtype=int) for piece in pieces]
    windows = eval_windows(pieces, length)
    for window, contents in zip(windows, cut_eval_windows(windows, length), strict=True):
        at = next(i for i, piece in enumerate(pieces) if piece is window.piece)
        seen[at][window.targets] += 1
        scored = contents["tokens"][1:][window.first : window.stop]
        np.testing.assert_array_equal(scored, window.piece.tokens[window.targets])
        if window.start:
            assert window.first >= length // 2  # of past
    for counts in seen:
        assert counts[0] == 0
        assert (counts[1:] == 1).all()


def test_a_sample_of_windows_is_spread_over_all_pieces() -> None:
    pieces = [random_piece(i, 500) for i in range(6)]
    sample = eval_windows(pieces, LENGTH, max_windows=12)
    assert len(sample) == 12
    assert {id(window.piece) for window in sample} == {id(piece) for piece in pieces}
    assert len(eval_windows(pieces, LENGTH, max_windows=10_000)) == len(eval_windows(pieces, LENGTH))


def test_padding_is_never_a_target() -> None:
    piece = random_piece(0, 20)
    inputs, targets = collate([cut_window(piece, 0, LENGTH)], LENGTH)
    assert (targets[0, 19:] == PAD).all()
    assert (targets[0, :19] != PAD).all()
    assert inputs.tokens.shape == inputs.beat.shape == inputs.bar.shape == inputs.chord_now.shape == (1, LENGTH)
    assert (inputs.beat[0, 19:] == 24).all()
    assert (inputs.bar[0, 19:] == 8).all()
    assert (inputs.chord_now < inputs.num_chords[:, None]).all()


def batches(seed: int, numbers: range, augment: int = 12) -> list[tuple[torch.Tensor, ...]]:
    sampler = WindowSampler([random_piece(i) for i in range(3)], LENGTH, 4, seed, augment)
    return [(*tensors(inputs), targets) for inputs, targets in map(sampler.batch, numbers)]


def tensors(inputs: Inputs) -> list[torch.Tensor]:
    """What a batch holds; without controls it has no levels."""
    return [value for value in vars(inputs).values() if value is not None]


def same(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_batch_depends_on_seed_and_number_alone() -> None:
    there, back = batches(7, range(5)), batches(7, range(4, -1, -1))
    assert all(same(a, b) for a, b in zip(there, reversed(back), strict=True))
    assert not same(there[0], there[1])
    assert not same(there[0], batches(8, range(1))[0])


def draw_many(piece: PieceArrays, count: int, augment: int = 12, length: int = LENGTH) -> list[dict[str, np.ndarray]]:
    sampler = WindowSampler([piece], length, 1, 0, augment)
    rng = np.random.default_rng(0)
    return [sampler.window(rng, sampler.pick(rng)) for _ in range(count)]


def shifts_of(piece: PieceArrays, window: dict[str, np.ndarray]) -> set[int]:
    """Semitones by which some cut of the piece would be this window."""
    body = window["tokens"][1:]
    places = np.lib.stride_tricks.sliding_window_view(piece.tokens.astype(np.int64), len(body))
    fixed = body >= 256
    found = set()
    for place in places:
        if (place[fixed] == body[fixed]).all() and len(moves := set((body - place)[~fixed])) == 1:
            found |= moves
    return found


def keeps_time(piece: PieceArrays) -> PieceArrays:
    """Without a beat no window strays from it."""
    return replace(piece, beat_steps=np.zeros(0), beat_in_bar=np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize("augment", [1, 4, 12])
def test_training_hears_a_piece_in_the_keys_asked_for_with_its_chords(augment: int) -> None:
    piece = keeps_time(random_piece(1, 200))
    heard = set()
    for window in draw_many(piece, 150, augment):
        (semitones,) = shifts_of(piece, window)
        heard.add(semitones)
        if len(window["chords"]) > 1:
            own = set(transpose_chords(piece.chord_ids, semitones))
            assert set(window["chords"]) <= own
    assert heard == set(keys(augment))


def test_at_the_edge_of_the_keyboard_a_piece_keeps_its_key() -> None:
    tokens = np.array([389, *[370, 127, 300, 255] * 40, *[370, 0, 300, 128] * 40, 390], dtype=np.uint16)
    piece = keeps_time(replace(random_piece(1), tokens=tokens))
    for window in draw_many(piece, 20, length=321):
        assert set(window["tokens"]) <= set(tokens)


def test_a_cold_start_begins_with_a_velocity() -> None:
    piece = random_piece(2, 2000)
    cold = [
        w for w in draw_many(piece, 300) if w["tokens"][0] == BOS and not np.array_equal(w["tokens"], piece.tokens[:65])
    ]
    assert 40 < len(cold) < 120  # a quarter
    assert all(356 <= window["tokens"][1] < 388 for window in cold)


def test_chords_beats_and_the_future_are_hidden_as_often_as_stated() -> None:
    windows = draw_many(random_piece(2, 2000), 1500)
    no_chords = np.mean([len(w["chords"]) == 1 and w["chords"][0] == NO_CHORD for w in windows])
    no_beat = np.mean([(w["beat"] == 24).all() and (w["bar"] == 8).all() for w in windows])
    blind = np.mean([int(w["chords_ahead"]) == 0 for w in windows])
    np.testing.assert_allclose([no_chords, no_beat, blind], [0.12, 0.25, 0.5], atol=0.04)
    assert {int(w["chords_ahead"]) for w in windows} == set(range(9))


def test_what_is_astray_is_no_target_and_half_the_windows_with_a_beat_stray() -> None:
    piece = random_piece(2, 2000)
    strays = 0
    for window in draw_many(piece, 300):
        _, targets = collate([window], LENGTH)
        hidden = np.flatnonzero(targets[0, : len(window["beat"])].numpy() == PAD)
        assert hidden.tolist() == np.flatnonzero(window["given"][1:]).tolist()
        strays += bool(window["given"].any())
        assert not (window["given"].any() and (window["beat"] == 24).all())
    assert 300 * 0.75 * 0.3 < strays < 300 * 0.75 * 0.6
    assert not any(window["given"].any() for window in draw_many(keeps_time(piece), 50))


def test_pieces_too_short_to_teach_are_left_out() -> None:
    with pytest.raises(DataError, match="no piece"):
        WindowSampler([random_piece(0, 8)], LENGTH, 1, 0)


def test_a_mapped_shard_gives_the_batches_of_its_pieces(tmp_path: Path) -> None:
    pieces = [random_piece(i, 700) for i in range(3)]
    save_shard(tmp_path / "x", Shard(pieces, ["a"]))
    settings = Augmentation(12, (0.9, 1.0, 1.1), 0.1)
    one, other = (WindowSampler(p, LENGTH, 4, 1, settings) for p in (pieces, load_shard(tmp_path / "x").pieces))
    for number in range(8):
        (inputs, targets), (others, other_targets) = one.batch(number), other.batch(number)
        assert same((*tensors(inputs), targets), (*tensors(others), other_targets))


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
def test_beats_and_chords_of_a_stretched_window_move_with_its_notes(factor: float) -> None:
    piece = random_piece(4, 3000)
    steps = token_steps(piece.tokens)
    onsets = steps[(piece.tokens < 128)]
    # A chord on every onset and a beat on every fourth: they must stay there.
    moments = np.unique(onsets)
    piece = replace(
        piece,
        beat_steps=moments[::4].astype(float),
        beat_in_bar=np.arange(len(moments[::4])) % 4,
        chord_ids=np.concatenate([[400], 401 + np.arange(len(moments)) % 200]),
        chord_steps=np.concatenate([[0], moments]),
    )
    sampler = WindowSampler([piece], LENGTH, 1, 0, Augmentation(1, (factor,)))
    for start in (0, 1, 500, 2000):
        window = sampler._varied(piece, start, False, np.random.default_rng(0)).window
        plain = cut_window(piece, start, 3 * LENGTH)
        assert len(window["beat"]) == LENGTH
        notes = window["tokens"][:-1] < 128
        count = int(notes.sum())
        expected = np.flatnonzero(plain["tokens"][:-1] < 128)[:count]
        sounding = plain["chords"][plain["chord_now"][expected]]
        here = window["chords"][window["chord_now"][notes]]
        # Where two onsets lie a step apart, the later one may be pushed past the next label.
        assert (here == sounding).mean() > 0.9
        assert (window["bar"][notes] == plain["bar"][expected]).mean() > 0.9


def test_a_stretched_window_is_as_long_as_any(tmp_path: Path) -> None:
    piece = random_piece(1, 2000)
    for factor in (0.5, 0.9, 1.1, 2.0):
        sampler = WindowSampler([piece], LENGTH, 1, 0, Augmentation(12, (factor,), 0.3))
        rng = np.random.default_rng(3)
        lengths = {len(sampler.window(rng, piece)["tokens"]) for _ in range(100)}
        assert lengths <= set(range(LENGTH // 3, LENGTH + 2))
        window = sampler._varied(piece, 0, False, rng).window
        assert len(window["tokens"]) == LENGTH + 1


def test_a_stretched_cold_start_begins_with_a_velocity() -> None:
    sampler = WindowSampler([random_piece(2, 2000)], LENGTH, 1, 0, Augmentation(1, (1.5, 2.0), 0.2))
    chances = [np.random.default_rng(i) for i in range(300)]
    windows = [sampler.window(rng, sampler.pick(rng)) for rng in chances]
    cold = [w for w in windows if w["tokens"][0] == BOS and w["tokens"][1] != 389]
    assert len(cold) > 40
    assert all(356 <= window["tokens"][1] < 388 for window in cold)


def test_a_collection_of_twice_the_weight_is_drawn_twice_as_often() -> None:
    pieces = [replace(random_piece(i, 400), collection=i % 3) for i in range(6)]
    names = ["rolls", "scores", "jazz"]

    def shares(weights: dict[str, float] | None) -> np.ndarray:
        sampler = WindowSampler(pieces, LENGTH, 1, 0, 1, weights, names)
        counts = np.zeros(3)
        for number in range(600):
            rng = np.random.default_rng((0, number))
            total = sampler.cumulative[-1]
            point = rng.integers(total) if sampler.cumulative.dtype == np.int64 else rng.random() * total
            counts[pieces[int(np.searchsorted(sampler.cumulative, point, side="right"))].collection] += 1
        return counts / 600

    np.testing.assert_allclose(shares(None), [1 / 3, 1 / 3, 1 / 3], atol=0.07)
    np.testing.assert_allclose(shares({"jazz": 2.0}), [0.25, 0.25, 0.5], atol=0.07)
    np.testing.assert_allclose(shares({"rolls": 0.0}), [0, 0.5, 0.5], atol=0.07)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"jaz": 2.0}, "weights name 'jaz', which the data does not hold: its collections are rolls, jazz"),
        ({"jazz": -1.0}, "the weight of 'jazz' is -1.0"),
        ({"jazz": float("nan")}, "the weight of 'jazz' is nan"),
        ({"jazz": 0.0, "rolls": 0.0}, "leave no collection"),
    ],
)
def test_wrong_weights_are_refused(weights: dict[str, float], words: str) -> None:
    shard = Shard([random_piece(0), random_piece(1, collection=1)], ["rolls", "jazz"])
    with pytest.raises(DataError, match=words):
        WindowSampler.of(shard, LENGTH, 1, 0, weights)
