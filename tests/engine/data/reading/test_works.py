"""Performances of one work find each other whatever was done to them; different works do not."""

from __future__ import annotations

import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from engine.data.reading.works import Sketches, join_works, same_work_pairs, sketch_of, take_of
from engine.midi_io.read import read_performance
from engine.notes import Notes, make_notes


def tune(seed: int, length: int = 400) -> Notes:
    """A wandering upper line over bass notes: nothing in it repeats."""
    rng = np.random.default_rng(seed)
    onset_s = np.cumsum(rng.choice([0.25, 0.5, 0.5, 1.0], length))
    pitch = 72 + np.clip(np.cumsum(rng.integers(-4, 5, length)) % 24 - 12, -12, 12)
    low = slice(None, None, 4)
    return make_notes(
        np.concatenate([onset_s, onset_s[low]]),
        np.concatenate([onset_s, onset_s[low]]) + 0.3,
        np.concatenate([pitch, pitch[low] - 24]),
        np.full(length + len(onset_s[low]), 70),
    )


def changed(notes: Notes, seed: int, semitones: int = 0, tempo: float = 1.0, wrong: float = 0.0) -> Notes:
    """Another performance: free in time, with some notes wrong, and ornaments."""
    rng = np.random.default_rng(seed)
    order = np.unique(notes["onset_s"], return_inverse=True)[1]
    rubato = np.cumsum(np.diff(np.unique(notes["onset_s"]), prepend=0.0) * rng.uniform(0.7, 1.3, order.max() + 1))
    onset_s = rubato[order] * tempo + rng.uniform(0, 0.02, len(notes))
    pitch = notes["pitch"].astype(int) + semitones
    pitch[rng.random(len(notes)) < wrong] += 1
    return make_notes(onset_s, onset_s + 0.2, pitch, rng.integers(30, 100, len(notes)))


@pytest.mark.parametrize(
    ("semitones", "tempo", "wrong"), [(0, 1.0, 0.0), (5, 1.0, 0.0), (0, 0.6, 0.0), (-7, 1.4, 0.0), (2, 1.1, 0.04)]
)
def test_another_performance_in_any_key_and_tempo_is_the_same_work(semitones: int, tempo: float, wrong: float) -> None:
    pieces = [tune(0), tune(1), changed(tune(0), 9, semitones, tempo, wrong), tune(2)]
    assert same_work_pairs([sketch_of(notes) for notes in pieces]) == [(0, 2)]


def test_a_part_is_found_in_the_whole() -> None:
    whole = tune(0, 1200)
    assert same_work_pairs([sketch_of(notes) for notes in (whole, changed(whole[400:800], 3, 2))]) == [(0, 1)]


def test_many_performances_of_one_work_become_one() -> None:
    sketches = [sketch_of(changed(tune(0), i, i % 7)) for i in range(40)] + [sketch_of(tune(i)) for i in range(1, 10)]
    pairs = same_work_pairs(sketches)
    assert len(pairs) < 40 * 39 / 4  # neighbours, not each with each
    assert join_works(49, pairs) == [0] * 40 + list(range(40, 49))


@pytest.mark.parametrize("pitches", [[60] * 300, list(range(40, 90)) * 6, [60, 64, 67, 72, 67, 64] * 50])
def test_scales_arpeggios_and_repeated_notes_are_nobody_s(pitches: list[int]) -> None:
    onset_s = np.arange(len(pitches)) * 0.2
    sketch = sketch_of(make_notes(onset_s, onset_s + 0.1, pitches, np.full(len(pitches), 60)))
    assert same_work_pairs([sketch, sketch]) == []


@pytest.mark.parametrize("count", [0, 1, 8, 9, 12])
def test_the_shortest_pieces_have_a_sketch_too(count: int) -> None:
    sketch = sketch_of(tune(0)[:count])
    assert len(sketch.hashes) == len(sketch.places) == len(sketch.pitches)
    assert same_work_pairs([sketch, sketch]) == []


def test_no_files_are_no_pairs() -> None:
    assert same_work_pairs([]) == []
    assert join_works(0, []) == []


def test_works_join_across_groups() -> None:
    assert join_works(7, [[5, 3], [2], [3, 6], [0, 1]]) == [0, 0, 2, 3, 4, 3, 3]


@pytest.mark.skipif("SIDEMAN_DATA" not in os.environ, reason="needs the real corpora: set SIDEMAN_DATA")
def test_on_real_performances_what_is_joined_is_one_work() -> None:
    """Precision and recall of pairs on the piano rolls of works that the index names by few files."""
    data = Path(os.environ["SIDEMAN_DATA"])
    rows = [json.loads(line) for line in (data / "INDEX.jsonl").read_text("utf-8").splitlines()]
    rolls = [row for row in rows if row["path"].startswith(("train/pianolatron", "train/piano_midi_de"))]
    sketches = [sketch_of(read_performance(data / row["path"]).notes) for row in rolls]
    found = same_work_pairs(sketches)
    works = [row["work_cluster"] for row in rolls]
    right = sum(works[i] == works[j] for i, j in found)
    assert right / len(found) > 0.93  # of the others most are works that the index has missed
    size = {work: works.count(work) for work in works}
    pairs = [(i, j) for i, j in combinations(range(len(works)), 2) if works[i] == works[j] and size[works[i]] <= 3]
    roots = join_works(len(works), found)
    # The rest are movements of one opus: one work to the index, different music.
    assert sum(roots[i] == roots[j] for i, j in pairs) / len(pairs) > 0.6


def test_sketches_come_back_from_the_disk_in_any_order() -> None:
    kept, own = Sketches(), [sketch_of(tune(i, 20 + 60 * i)) for i in range(5)]
    for sketch in own:
        kept.append(sketch)
    order = [3, 0, 4, 1, 2]
    for expected in (own, [own[i] for i in order]):
        assert len(kept) == 5
        for one, other in zip(expected, kept, strict=True):
            for column, other_column in zip(one, other, strict=True):
                np.testing.assert_array_equal(column, other_column)
                assert column.dtype == other_column.dtype
        kept.arrange(order)
    kept.close()


def test_a_large_corpus_is_compared_range_by_range_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    sketches = [sketch_of(changed(tune(i % 5), i, i % 3)) for i in range(15)]
    whole = same_work_pairs(sketches)
    monkeypatch.setattr("engine.data.reading.works.AT_ONCE", 100)
    assert same_work_pairs(sketches) == whole


@pytest.mark.parametrize(
    ("name", "take"),
    [
        ("evans_take3_clip01.mid", "evans_take3"), ("Evans take3 - Clip 12.mid", "evans take3"),
        ("a/solo.part2.mid", "a/solo"), ("a/clip_07.mid", "a"), ("clip_07.mid", None), ("night_30-60s.mid", "night"),
        ("night_12.5s_20.0s.midi", "night"), ("012345_3.mid", "012345"), ("alb_esp1.mid", None),
        ("bach_846.mid", None), ("Opus_10_3.mid", None), ("001/001.mid", None), ("counterpart.mid", None),
        ("BeethovenLv_Sonata_No_1_1st_Movement_Allegro_LVB_Sonate_02no1_1_0089.mid", None), ("2024.mid", None),
    ],
)  # fmt: skip
def test_a_name_says_which_take_a_clip_is_of(name: str, take: str | None) -> None:
    assert take_of(name) == take
