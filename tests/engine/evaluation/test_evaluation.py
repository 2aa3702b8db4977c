"""Laws of what an evaluation measures, and one evaluation from end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("matplotlib")

from engine.chords import Chord
from engine.data.shards.shards import Shard
from engine.errors import DataError
from engine.evaluation.continuations import continue_with_model, continue_with_ngrams
from engine.evaluation.distances import overlap_and_kl
from engine.evaluation.excerpts import Meter, cut_excerpts, within
from engine.evaluation.features import HISTOGRAMS, figures, groove, histograms, on_the_beat, restrikes
from engine.evaluation.judgement import PLAYED, ROWS, judge
from engine.evaluation.memorisation import Memorisation
from engine.evaluation.ngram import NgramModel
from engine.evaluation.page import write_page
from engine.notes import Notes, make_notes
from engine.training.evaluate import with_wrong_chords
from tests.support.study_corpus import random_piece
from tests.support.tiny_model import make_checkpoint, make_model

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def shard() -> Shard:
    return Shard([random_piece(n, 900) for n in range(4)], ["files"])


@pytest.fixture(scope="module")
def ngrams(shard: Shard) -> NgramModel:
    return NgramModel([piece.tokens for piece in shard.pieces], order=3)


def line(pitches: list[int], step_s: float = 0.5, length_s: float = 0.4) -> Notes:
    onset_s = np.arange(len(pitches)) * step_s
    return make_notes(onset_s, onset_s + length_s, pitches, np.full(len(pitches), 64))


def test_a_set_is_like_itself_and_unlike_another() -> None:
    a, b, far = RNG.normal(size=(40, 12)), RNG.normal(size=(40, 12)), RNG.normal(3.0, 1.0, size=(40, 12))
    alike, strange = overlap_and_kl(a, b), overlap_and_kl(a, far)
    assert alike[0] > 0.8 > 0.3 > strange[0]
    assert alike[1] < 0.2 < strange[1]


def test_a_set_of_equal_pieces_has_a_distance_all_the_same() -> None:
    same = np.ones((5, 3))
    assert overlap_and_kl(same, same) == (1.0, 0.0)
    overlap, kl = overlap_and_kl(same, 2 * same)
    assert overlap < 0.1
    assert np.isfinite(kl)


def test_a_transposed_copy_is_found_with_its_length() -> None:
    piece = RNG.integers(40, 80, 300)
    other = line([1, 30, *(piece[100:140] + 5), 90, 2, 99])
    known = Memorisation([RNG.integers(40, 80, 300), piece])
    unknown = line(list(RNG.integers(40, 80, 60)))
    assert known.longest_match([unknown, other]) == 40
    assert known.longest_match([unknown]) < 8
    assert known.known_shares([other, unknown]) == [pytest.approx(29 / 34), 0.0]


@pytest.mark.parametrize("pitches", [[], [60], [60, 62, 64]])
def test_few_notes_hold_no_run_of_twelve(pitches: list[int]) -> None:
    known = Memorisation([np.array([60, 62, 64, 65])])
    assert known.known_shares([line(pitches)]) == [0.0]
    assert known.longest_match([line(pitches)]) == max(1, len(pitches))


def test_equal_bars_are_in_a_groove_and_random_ones_less() -> None:
    meter = Meter(120.0, 4, 0.0)
    steady = np.arange(0.0, 16.0, 0.5)
    assert groove(steady, 16.0, meter) == 1.0
    assert groove(RNG.uniform(0, 16, 64), 16.0, meter) < 0.8
    assert np.isnan(groove(steady, 3.0, meter))


def test_notes_on_the_beat_are_told_from_those_between() -> None:
    meter = Meter(120.0, 4, 0.25)
    beats = 0.25 + np.arange(16) * 0.5
    assert on_the_beat(beats + 0.04, meter) == on_the_beat(beats - 0.04, meter) == 1.0
    assert on_the_beat(beats + 0.25, meter) == 0.0


def test_figures_of_a_plain_line() -> None:
    notes = line([60, 60, 64, 67], step_s=0.25, length_s=0.2)
    told = figures(notes, 2.0, [(0.0, Chord(0, "")), (0.5, Chord(2, "m"))], None)
    assert restrikes(notes) == told["restrikes"] == 0.25
    assert told["chord tones"] == pytest.approx(0.5)  # E and G are no tones of D minor
    assert told["pitch-class entropy"] == pytest.approx(1.5)
    assert told["notes/s"] == 2.0
    assert told["longest rest s"] == 1.25
    assert np.isnan(told["groove"])


def test_histograms_are_shares_and_silence_has_none() -> None:
    for name, shares in histograms(line([60, 64, 67, 72]), 2.0).items():
        assert shares.sum() == pytest.approx(1.0), name
    empty = histograms(line([]), 2.0)
    assert set(empty) == set(HISTOGRAMS)
    assert empty["polyphony"][0] == 1.0
    assert all(not shares.any() for name, shares in empty.items() if name != "polyphony")


def test_excerpts_are_whole_and_lie_where_they_say(shard: Shard) -> None:
    excerpts = cut_excerpts(shard, 10, 4.0, 2.0)
    assert len(excerpts) == 10
    for excerpt in excerpts:
        assert excerpt.lead["onset_s"].min() >= -2.0
        assert excerpt.lead["offset_s"].max() <= 0.0
        assert excerpt.notes["onset_s"].min() >= 0.0
        assert excerpt.notes["offset_s"].max() <= 4.0
        assert excerpt.chords[0][0] == 0.0
    assert [e.notes.tolist() for e in excerpts] == [e.notes.tolist() for e in cut_excerpts(shard, 10, 4.0, 2.0)]


def test_an_ngram_distribution_is_what_its_surprise_is_taken_from(shard: Shard, ngrams: NgramModel) -> None:
    tokens = shard.pieces[0].tokens[:200]
    nats = ngrams.nats(tokens)
    for at in (1, 2, 3, 50, 150):
        distribution = ngrams.distribution([int(token) for token in tokens[:at]])
        assert distribution.sum() == pytest.approx(1.0)
        assert -np.log(distribution[tokens[at]]) == pytest.approx(nats[at - 1])


def test_continuations_stay_within_their_time_and_come_again(shard: Shard, ngrams: NgramModel) -> None:
    excerpt = cut_excerpts(shard, 1, 4.0, 2.0)[0]
    checkpoint = make_checkpoint(make_model())
    for play in (lambda: continue_with_model(checkpoint, excerpt, 3), lambda: continue_with_ngrams(ngrams, excerpt, 3)):
        notes = play()
        assert len(notes)
        assert notes["onset_s"].min() >= 0.0
        assert notes["offset_s"].max() <= 4.0 + 1e-9
        assert notes.tolist() == play().tolist()


def test_within_cuts_at_both_ends() -> None:
    cut = within(line([60, 62, 64, 65], step_s=1.0, length_s=1.5), 1.0, 3.0)
    assert cut["pitch"].tolist() == [62, 64]
    assert cut["onset_s"].tolist() == [0.0, 1.0]
    assert cut["offset_s"].tolist() == [1.5, 2.0]


def test_wrong_chords_are_the_same_chords_in_another_order(shard: Shard) -> None:
    for piece, wrong in zip(shard.pieces, with_wrong_chords(shard).pieces, strict=True):
        assert wrong.chord_ids[0] == piece.chord_ids[0]
        assert sorted(wrong.chord_ids) == sorted(piece.chord_ids)
        assert wrong.tokens is piece.tokens


def test_an_evaluation_from_end_to_end(shard: Shard, ngrams: NgramModel, tmp_path: Path) -> None:
    checkpoint = make_checkpoint(make_model())
    told: list[int] = []
    music = judge(checkpoint, ngrams, shard, shard, clips=4, progress=told.append)
    assert told == list(range(1, 4 * PLAYED + 1))
    assert list(music.rows) == list(ROWS)
    measures = [set(row) for row in music.rows.values()]
    assert all(measure == measures[0] for measure in measures)
    assert music.rows["real music"]["longest copy"] > 12  # the same shard is its own training music
    likelihood = {"all": {"tokens": 100, "nats_per_token": 2.5}}
    write_page(tmp_path / "page.html", checkpoint, likelihood, music, command="sideman evaluate")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<img ") == len(HISTOGRAMS)
    assert page.endswith("</html>\n")
    assert "http" not in page.replace("http-equiv", "")
    for row in ROWS:
        assert row in page
    with pytest.raises(DataError, match="excerpts"):
        judge(checkpoint, ngrams, shard, Shard(shard.pieces[:1], ["files"]), clips=4)
