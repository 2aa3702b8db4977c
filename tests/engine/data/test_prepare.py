"""A folder of MIDI becomes shards, whole or not at all, and every loss is reported."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import native
from engine.chords import parse_chord
from engine.data.practice import practice_pieces
from engine.data.prepare import PRACTICE_SEED, Settings, prepare, work_folder
from engine.data.reading.corpus import find_sources, read_piece
from engine.data.reading.entry import tokenise
from engine.data.shards.augmentation import Augmentation
from engine.data.shards.shards import SPLITS, load_shard
from engine.errors import DataError, SidemanError
from engine.midi_io.write import write_midi
from engine.notes import make_notes
from engine.vocabulary import BOS, EOS, LAYOUT
from tests.support.study_corpus import song, write_corpus

ONE = Settings(workers=1)


def rows_of(data: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (data / "manifest.jsonl").read_text("utf-8").splitlines()]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "midi", files=8)


def test_tokens_decode_to_the_notes_of_the_file_from_the_first_on(corpus: Path) -> None:
    piece = read_piece(find_sources(corpus)[3])
    arrays = tokenise(piece, 0)
    assert (arrays.tokens[0], arrays.tokens[-1]) == (BOS, EOS)
    onset, _, pitch, velocity, _, _ = native.decode(LAYOUT, arrays.tokens[1:-1])
    notes = song(3)
    np.testing.assert_array_equal(pitch, notes["pitch"])
    np.testing.assert_allclose(onset / 100, notes["onset_s"], atol=0.0051)
    assert (np.abs(velocity.astype(int) - notes["velocity"]) <= 2).all()


def test_time_starts_at_the_first_note_for_notes_chords_and_beats(tmp_path: Path) -> None:
    shifted = song(1).copy()
    shifted["onset_s"] += 4.0
    shifted["offset_s"] += 4.0
    for name, notes in (("a", song(1)), ("b", shifted)):
        (tmp_path / name).mkdir()
        write_midi(tmp_path / name / "x.mid", notes, tempo_bpm=120)
    here, late = (tokenise(read_piece(find_sources(tmp_path / name)[0]), 0) for name in "ab")
    np.testing.assert_array_equal(here.tokens, late.tokens)
    np.testing.assert_array_equal(here.chord_ids, late.chord_ids)
    np.testing.assert_array_equal(here.chord_steps, late.chord_steps)
    beats = late.beat_steps >= -0.01
    np.testing.assert_allclose(here.beat_steps[:20], late.beat_steps[beats][:20], atol=0.01)
    np.testing.assert_array_equal(here.beat_in_bar[:20], late.beat_in_bar[beats][:20])


def test_chords_start_with_none_at_zero_and_never_repeat(corpus: Path) -> None:
    for source in find_sources(corpus):
        arrays = tokenise(read_piece(source), 0)
        assert (arrays.chord_ids[0], arrays.chord_steps[0]) == (400, 0)
        assert (np.diff(arrays.chord_ids) != 0).all()
        assert (np.diff(arrays.chord_steps) >= 0).all()
        assert len(arrays.chord_ids) > 4


def test_two_runs_write_the_same_bytes_whatever_the_workers(corpus: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "one", ONE)
    prepare(corpus, tmp_path / "two", replace(ONE, workers=3))
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert sorted(files_of(tmp_path / "one")) == ["manifest.jsonl", *sorted(f"{s}.safetensors" for s in SPLITS)]


@pytest.mark.parametrize("augment", [1, 12])
def test_the_report_counts_what_the_shards_hold(corpus: Path, tmp_path: Path, augment: int) -> None:
    report = prepare(corpus, tmp_path / "out", replace(ONE, augmentation=Augmentation(augment, (0.9, 1.0))))
    shards = {name: load_shard(tmp_path / "out" / f"{name}.safetensors") for name in SPLITS}
    assert report.pieces == {name: len(shard.pieces) for name, shard in shards.items()}
    assert report.tokens == {name: sum(len(p.tokens) for p in shard.pieces) for name, shard in shards.items()}
    assert {shard.augment for shard in shards.values()} == {augment}
    assert report.training_samples == report.pieces["train"] * augment * 2
    assert report.samples == 8 * augment * 2
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == [f"song{i}.mid" for i in range(8)]
    assert all(row["chord_source"] == "recognised" and row["beat_source"] == "tempo map" for row in rows)


def test_what_no_hands_could_have_played_is_refused_with_its_reason(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "midi", files=2)
    rng = np.random.default_rng(0)
    onset_s = np.sort(rng.uniform(0, 0.6, 1807))
    flood = make_notes(onset_s, onset_s + 0.05, rng.integers(21, 109, 1807), np.full(1807, 64))
    write_midi(folder / "flood.mid", flood, tempo_bpm=120)
    calm_s = np.arange(400) * 0.25
    onset_s = np.concatenate([calm_s, calm_s[-1] + 10 + onset_s])
    write_midi(
        folder / "torrent.mid",
        make_notes(onset_s, onset_s + 0.05, rng.integers(21, 109, len(onset_s)), np.full(len(onset_s), 64)),
        tempo_bpm=120,
    )
    onset_s = np.arange(40) * 1.0
    endless = make_notes(onset_s, onset_s + 9.2, 40 + np.arange(40), np.full(40, 64))
    write_midi(folder / "endless.mid", endless, tempo_bpm=120)
    onset_s = np.concatenate([np.arange(40) * 0.5, 1500 + np.arange(40) * 0.5])
    write_midi(
        folder / "pause.mid",
        make_notes(onset_s, onset_s + 0.4, 40 + np.arange(80) % 40, np.full(80, 64)),
        tempo_bpm=120,
    )
    prepare(folder, tmp_path / "data", ONE)
    refused = {row["path"]: row["refused"] for row in rows_of(tmp_path / "data") if row.get("refused")}
    assert refused.keys() == {"flood.mid", "torrent.mid", "endless.mid", "pause.mid"}
    assert "notes within a second at 109.8 s" in str(refused["torrent.mid"])
    assert "is silent for 24.7 min between two notes" in str(refused["pause.mid"])
    assert "more than hands can play" in str(refused["flood.mid"])
    assert "half of its notes last over 9.2 s" in str(refused["endless.mid"])


def test_every_bad_file_is_reported_with_its_reason_and_skipped(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "midi", files=2)
    good = (folder / "song0.mid").read_bytes()
    bad = {
        "empty.mid": (b"", "no MThd header"),
        "text.MIDI": (b"hello, I am a text that calls itself MIDI", "no MThd header"),
        "header.mid": (good[:14], "no pitched notes"),
        "line\nbreak.mid": (b"MThd", "no MThd header"),
    }
    for name, (data, _) in bad.items():
        (folder / name).write_bytes(data)
    (folder / os.fsdecode(b"no utf-8 \xff.mid")).write_bytes(b"MThd")
    write_midi(folder / "short.mid", song(0)[:15], tempo_bpm=120)
    (folder / "labelled.mid").write_bytes(good)
    (folder / "labelled.json").write_text('{"chords": 3, "bpm": 120, "time_signatures": []}')
    (folder / "notes.json").write_text("none of ours")
    (folder / "song1.json").write_text('{"somebody": "else\'s"}')  # no labels: the file is used
    (folder / "folder.mid").mkdir()
    (folder / "gone.mid").symlink_to(tmp_path / "nowhere")
    report = prepare(folder, tmp_path / "out", replace(ONE, split=(1, 0, 0)))
    reasons = dict(report.refused)
    for name, (_, words) in bad.items():
        assert words in reasons.pop(name.replace("\n", " "))
    assert "fewer than 16 notes (15)" in reasons.pop("short.mid")
    assert "OpenEWLD" in reasons.pop("labelled.mid")
    assert list(reasons) == [r"no utf-8 \udcff.mid"]
    assert report.pieces == {"train": 2, "valid": 0, "test": 0}
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert sum("refused" in row for row in rows) == len(report.refused) == 7


@pytest.mark.parametrize(
    "split", [(0.5, 0.5, 0.5), (0, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.1, 0.1), (0.8, 0.1, 0.05)]
)
def test_a_split_must_add_up(corpus: Path, tmp_path: Path, split: tuple[float, float, float]) -> None:
    with pytest.raises(DataError, match=r"--split .*add up to 1"):
        prepare(corpus, tmp_path / "out", Settings(split=split))


def test_an_index_names_works_and_leaves_files_out(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "midi", files=4)
    rows = [{"path": f"song{i}.mid", "source": "mine", "licence": "CC0", "work_cluster": "one"} for i in range(3)]
    (folder / "INDEX.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    sources = find_sources(folder)
    assert [(s.name, s.collection, s.licence, s.work) for s in sources] == [
        (f"song{i}.mid", "mine", "CC0", "one") for i in range(3)
    ]


def test_what_an_index_leaves_out_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Songs that were added later, and lines whose song has gone; of an index beside the folder only its own."""
    folder = write_corpus(tmp_path / "midi", files=5)
    rows = [{"path": f"midi/song{i}.mid"} for i in (0, 1, 2)] + [{"path": "midi/gone.mid"}, {"path": "other/gone.mid"}]
    (tmp_path / "INDEX.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = prepare(folder, tmp_path / "out", ONE)
    reasons = {name: reason.split(":")[0] for name, reason in report.refused}
    assert reasons == {
        "song3.mid": "INDEX.jsonl does not list it",
        "song4.mid": "INDEX.jsonl does not list it",
        "gone.mid": "INDEX.jsonl lists it, but it is not there",
    }
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert {row["path"] for row in rows if "refused" in row} == set(reasons)
    assert sum(report.pieces.values()) == 3


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"file": "song0.mid"}', '{"path": 3}'])
def test_a_broken_index_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_corpus(tmp_path / "midi", files=1)
    (folder / "INDEX.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"INDEX\.jsonl, line 1: not a line of JSON with a path"):
        find_sources(folder)


def test_folders_without_anything_usable_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "midi").mkdir()
    with pytest.raises(DataError, match=r"holds no \.mid or \.midi file"):
        prepare(tmp_path / "midi", tmp_path / "out")
    (tmp_path / "midi" / "x.mid").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"no usable file .*1 refused; x\.mid: not a MIDI file"):
        prepare(tmp_path / "midi", tmp_path / "out", ONE)
    assert [p.name for p in tmp_path.iterdir()] == ["midi"]


def test_nothing_but_old_data_is_replaced(corpus: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "out", ONE)
    prepare(corpus, tmp_path / "out", replace(ONE, augmentation=Augmentation(1)))
    assert load_shard(tmp_path / "out" / "train.safetensors").augment == 1
    shutil.copytree(corpus, tmp_path / "midi")
    before = files_of(tmp_path / "midi")
    with pytest.raises(SidemanError, match=r"holds 'song0\.mid', which would be lost"):
        prepare(tmp_path / "midi", tmp_path / "midi")
    assert files_of(tmp_path / "midi") == before


def test_an_interrupted_run_leaves_the_old_data_whole_and_the_next_one_goes_on(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "midi")
    prepare(tmp_path / "midi", tmp_path / "out", ONE)
    before = files_of(tmp_path / "out")
    for i in range(8):  # all are new
        write_midi(tmp_path / "midi" / f"song{i}.mid", song(100 + i), tempo_bpm=120)

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "midi", tmp_path / "out", ONE, interrupt)
    assert files_of(tmp_path / "out") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["midi", "out", "out.work"]
    report = prepare(tmp_path / "midi", tmp_path / "out", ONE)
    assert 4 <= report.unchanged < 8
    prepare(tmp_path / "midi", tmp_path / "fresh", ONE)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "fresh")


def test_a_second_run_reads_only_what_has_changed(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "midi"
    shutil.copytree(corpus, folder)
    assert prepare(folder, tmp_path / "out", ONE).unchanged == 0
    before = files_of(tmp_path / "out")
    assert prepare(folder, tmp_path / "out", ONE).unchanged == 8
    assert files_of(tmp_path / "out") == before
    write_midi(folder / "song3.mid", song(50), tempo_bpm=120)  # another content
    (folder / "song4.chords").write_text("0.0 Dm7\n4.0 G7\n")  # another label
    (folder / "song5.mid").rename(folder / "renamed.MID")  # the same content
    (folder / "song6.mid").unlink()
    report = prepare(folder, tmp_path / "out", ONE)
    assert report.unchanged == 5
    sources = {row["path"]: row["chord_source"] for row in rows_of(tmp_path / "out")}
    assert sources["song4.mid"] == "chords file"
    assert "song6.mid" not in sources
    assert len([p for p in work_folder(tmp_path / "out").rglob("*") if p.is_file()]) == 7 + 1  # and its mark
    assert prepare(folder, tmp_path / "out", replace(ONE, tracks="all")).unchanged == 0


def test_a_torn_entry_is_read_again(corpus: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "out", ONE)
    before = files_of(tmp_path / "out")
    for i, place in enumerate(p for p in work_folder(tmp_path / "out").rglob("*") if len(p.name) == 40):
        place.write_bytes(place.read_bytes()[: -10 * i or None])
    assert prepare(corpus, tmp_path / "out", ONE).unchanged == 1
    assert files_of(tmp_path / "out") == before


def test_a_foreign_folder_in_the_place_of_the_work_is_left_alone(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "novel.txt").write_text("mine")
    with pytest.raises(SidemanError, match=r"out\.work: is in the way and not ours"):
        prepare(corpus, tmp_path / "out", ONE)
    assert [p.name for p in tmp_path.rglob("*")] == ["out.work", "novel.txt"]


def test_copies_are_refused_by_the_name_of_what_they_copy(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "midi"
    shutil.copytree(corpus, folder)
    shutil.copy(folder / "song0.mid", folder / "song0 (1).mid")
    notes = song(1)
    changed = {"faster": notes.copy(), "higher": notes.copy(), "softer": notes.copy(), "played": notes.copy()}
    for name in ("onset_s", "offset_s"):
        changed["faster"][name] *= 0.8
    changed["higher"]["pitch"] += 3
    changed["softer"]["velocity"] //= 2
    rng = np.random.default_rng(0)
    moved = np.sort(notes["onset_s"] + rng.uniform(0, 0.08, len(notes)))
    changed["played"]["onset_s"] = moved
    changed["played"]["offset_s"] = moved + 0.2
    for name, other in changed.items():
        write_midi(folder / f"x {name}.mid", make_notes(*(other[field] for field in other.dtype.names)), tempo_bpm=120)
    report = prepare(folder, tmp_path / "out", ONE)
    reasons = dict(report.refused)
    assert reasons.pop("song0.mid") == "same notes as song0 (1).mid"  # the first by name is kept
    assert reasons == {f"x {name}.mid": "same notes as song1.mid" for name in ("faster", "higher", "softer")}
    works = {row["path"]: row.get("work") for row in rows_of(tmp_path / "out")}
    assert works["x played.mid"] is not None  # a performance of its own


def test_practice_pieces_are_added_and_split_like_the_others(corpus: Path, tmp_path: Path) -> None:
    report = prepare(corpus, tmp_path / "out", replace(ONE, practice_bars=1500))
    rows = [row for row in rows_of(tmp_path / "out") if row["collection"] == "practice"]
    assert len(rows) == report.practice > 15
    assert {row["licence"] for row in rows} == {"generated"}
    assert {row["split"] for row in rows} == set(SPLITS)
    assert {row["chord_source"] for row in rows} == {"generated"}
    shard = load_shard(tmp_path / "out" / "train.safetensors")
    assert shard.collections == ["files", "practice"]
    assert {piece.collection for piece in shard.pieces} == {0, 1}


def test_practice_pieces_are_whole_performances_unless_the_first_edition_is_asked_for(
    corpus: Path, tmp_path: Path
) -> None:
    for edition, asked in ((2, {}), (1, {"practice_edition": 1})):
        prepare(corpus, tmp_path / str(edition), replace(ONE, practice_bars=150, **asked))
        rows = [row for row in rows_of(tmp_path / str(edition)) if row["collection"] == "practice"]
        pieces = list(practice_pieces(PRACTICE_SEED, 150, edition))
        assert [row["path"] for row in rows] == [piece.source.name for piece in pieces]
        assert [row["notes"] for row in rows] == [len(piece.performance.notes) for piece in pieces]


def test_recognised_chords_are_those_that_were_played(corpus: Path) -> None:
    piece = read_piece(find_sources(corpus)[0])
    roots = {chord.root for _, chord in piece.chords if chord is not None}
    expected = [parse_chord(name) for name in ("C", "A", "D", "G")]
    assert {chord.root for chord in expected if chord is not None} <= roots
