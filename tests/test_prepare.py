"""A folder of MIDI becomes shards, whole or not at all, and every loss is reported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import native
from engine.chords import parse_chord
from engine.data.corpus import Piece, Source, find_sources, read_piece
from engine.data.prepare import prepare, split_of, tokenise
from engine.data.shards import SPLITS, load_shard
from engine.errors import DataError, SidemanError
from engine.midi_io import write_midi
from engine.vocabulary import BOS, EOS, LAYOUT
from tests.study_corpus import song, write_corpus

ROOT = Path(__file__).parents[1]


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
    prepare(corpus, tmp_path / "one", workers=1)
    in_parallel("", corpus, tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert sorted(files_of(tmp_path / "one")) == ["manifest.jsonl", *sorted(f"{s}.safetensors" for s in SPLITS)]


def in_parallel(patch: str, in_dir: Path, out: Path) -> str:
    """prepare() by two workers in a process of their own, since a test process with threads may not fork."""
    code = f"""
import os, sys
from pathlib import Path
import engine.data.prepare as module
{patch}
if __name__ == "__main__":
    try:
        module.prepare(Path(sys.argv[1]), Path(sys.argv[2]), workers=2)
    except Exception as error:
        print(type(error).__name__, error)
"""
    command = [sys.executable, "-c", code, str(in_dir), str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the patch reaches the workers by fork")
def test_a_file_that_crashes_its_reader_is_narrowed_down(corpus: Path, tmp_path: Path) -> None:
    said = in_parallel("module.read_piece = lambda source: os._exit(1)", corpus, tmp_path / "out")
    assert said.startswith("DataError a file between song0.mid and song7.mid crashed its reader: take it out")
    assert not any(tmp_path.iterdir())


def test_a_file_that_fails_in_a_way_nobody_foresaw_is_reported_and_skipped(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(source: Source) -> Piece:
        if source.name == "song3.mid":
            raise ZeroDivisionError("odd")
        return read_piece(source)

    monkeypatch.setattr("engine.data.prepare.read_piece", read)
    report = prepare(corpus, tmp_path / "out", workers=1)
    assert report.refused == [("song3.mid", "cannot be read (ZeroDivisionError: odd)")]
    assert sum(report.pieces.values()) == 7


@pytest.mark.parametrize("augment", [1, 12])
def test_the_report_counts_what_the_shards_hold(corpus: Path, tmp_path: Path, augment: int) -> None:
    report = prepare(corpus, tmp_path / "out", augment=augment, workers=1)
    shards = {name: load_shard(tmp_path / "out" / f"{name}.safetensors") for name in SPLITS}
    assert report.pieces == {name: len(shard.pieces) for name, shard in shards.items()}
    assert report.tokens == {name: sum(len(p.tokens) for p in shard.pieces) for name, shard in shards.items()}
    assert {shard.augment for shard in shards.values()} == {augment}
    assert report.training_samples == report.pieces["train"] * augment
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == [f"song{i}.mid" for i in range(8)]
    assert all(row["chord_source"] == "recognised" and row["beat_source"] == "tempo map" for row in rows)


def test_every_bad_file_is_reported_with_its_reason_and_skipped(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "midi", files=2)
    good = (folder / "song0.mid").read_bytes()
    bad = {
        "empty.mid": (b"", "no MThd header"),
        "text.MIDI": (b"hello, I am a text that calls itself MIDI", "no MThd header"),
        "cut.mid": (good[: len(good) // 2], "broken MIDI file"),
        "header.mid": (good[:14], "no pitched notes"),
        "line\nbreak.mid": (b"MThd", "no MThd header"),
    }
    for name, (data, _) in bad.items():
        (folder / name).write_bytes(data)
    (folder / os.fsdecode(b"no utf-8 \xff.mid")).write_bytes(b"MThd")
    write_midi(folder / "short.mid", song(0)[:15], tempo_bpm=120)
    (folder / "labelled.mid").write_bytes(good)
    (folder / "labelled.json").write_text('{"chords": 3}')
    (folder / "notes.json").write_text("none of ours")
    (folder / "song1.json").write_text('{"somebody": "else\'s"}')  # no labels: the file is used
    (folder / "folder.mid").mkdir()
    (folder / "gone.mid").symlink_to(tmp_path / "nowhere")
    report = prepare(folder, tmp_path / "out", split=(1, 0, 0), workers=1)
    reasons = dict(report.refused)
    for name, (_, words) in bad.items():
        assert words in reasons.pop(name.replace("\n", " "))
    assert "fewer than 16 notes (15)" in reasons.pop("short.mid")
    assert "OpenEWLD" in reasons.pop("labelled.mid")
    assert list(reasons) == [r"no utf-8 \udcff.mid"]
    assert report.pieces == {"train": 2, "valid": 0, "test": 0}
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert sum("refused" in row for row in rows) == len(report.refused) == 8


@pytest.mark.parametrize(
    "split", [(0.5, 0.5, 0.5), (0, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.1, 0.1), (0.8, 0.1, 0.05)]
)
def test_a_split_must_add_up(corpus: Path, tmp_path: Path, split: tuple[float, float, float]) -> None:
    with pytest.raises(DataError, match=r"--split .*add up to 1"):
        prepare(corpus, tmp_path / "out", split=split)


@pytest.mark.parametrize("augment", [0, 13, -1])
def test_there_are_one_to_twelve_keys(corpus: Path, tmp_path: Path, augment: int) -> None:
    with pytest.raises(DataError, match=f"--augment {augment}: give the number of keys"):
        prepare(corpus, tmp_path / "out", augment=augment)


def test_a_work_stays_on_its_side_when_the_folder_grows_and_copies_of_it_follow(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "midi")
    prepare(tmp_path / "midi", tmp_path / "before", split=(0.5, 0.25, 0.25), workers=1)
    for i in range(8):
        shutil.copy(tmp_path / "midi" / f"song{i}.mid", tmp_path / "midi" / f"copy of {i}.mid")
    prepare(tmp_path / "midi", tmp_path / "after", split=(0.5, 0.25, 0.25), workers=1)
    before, after = (
        {
            row["path"]: row["split"]
            for row in map(json.loads, (tmp_path / n / "manifest.jsonl").read_text().splitlines())
        }
        for n in ("before", "after")
    )
    assert before.items() <= after.items()
    assert all(after[f"copy of {i}.mid"] == after[f"song{i}.mid"] for i in range(8))
    assert len(set(before.values())) > 1


def test_shares_of_the_split_are_those_asked_for() -> None:
    sides = [split_of(str(i), (0.8, 0.1, 0.1)) for i in range(5000)]
    assert [abs(sides.count(name) / 5000 - share) < 0.02 for name, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True)]
    assert {split_of(str(i), (1.0, 0.0, 0.0)) for i in range(500)} == {"train"}


def test_an_index_names_works_and_leaves_files_out(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "midi", files=4)
    rows = [{"path": f"song{i}.mid", "source": "mine", "licence": "CC0", "work_cluster": "one"} for i in range(3)]
    (folder / "INDEX.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    sources = find_sources(folder)
    assert [(s.name, s.collection, s.licence, s.work) for s in sources] == [
        (f"song{i}.mid", "mine", "CC0", "one") for i in range(3)
    ]


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"file": "song0.mid"}', '{"path": 3}'])
def test_a_broken_index_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_corpus(tmp_path / "midi", files=1)
    (folder / "INDEX.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"INDEX\.jsonl: not lines of JSON with a path"):
        find_sources(folder)


def test_folders_without_anything_usable_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "midi").mkdir()
    with pytest.raises(DataError, match=r"holds no \.mid or \.midi file"):
        prepare(tmp_path / "midi", tmp_path / "out")
    (tmp_path / "midi" / "x.mid").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"no usable file .*1 refused; x\.mid: not a MIDI file"):
        prepare(tmp_path / "midi", tmp_path / "out", workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["midi"]


def test_nothing_but_old_data_is_replaced(corpus: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "out", workers=1)
    prepare(corpus, tmp_path / "out", workers=1, augment=1)
    assert load_shard(tmp_path / "out" / "train.safetensors").augment == 1
    shutil.copytree(corpus, tmp_path / "midi")
    before = files_of(tmp_path / "midi")
    with pytest.raises(SidemanError, match=r"holds 'song0\.mid', which would be lost"):
        prepare(tmp_path / "midi", tmp_path / "midi")
    assert files_of(tmp_path / "midi") == before


def test_an_interrupted_run_leaves_the_old_data_whole(corpus: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "out", workers=1)
    before = files_of(tmp_path)

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(corpus, tmp_path / "out", augment=1, workers=1, progress=interrupt)
    assert files_of(tmp_path) == before


def test_recognised_chords_are_those_that_were_played(corpus: Path) -> None:
    piece = read_piece(find_sources(corpus)[0])
    roots = {chord.root for _, chord in piece.chords if chord is not None}
    expected = [parse_chord(name) for name in ("C", "A", "D", "G")]
    assert {chord.root for chord in expected if chord is not None} <= roots
