"""The report of prepared data: everything refused is on it, nothing on it needs the net, and half a page is none."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
import native
from bridge.commands.study import prepare as prepare_command
from engine.data.report.facts import estimate_key, gather
from engine.data.report.page import BEAT_SOURCES, CHORD_SOURCES, length_text
from engine.data.report.report import REPORT, write_report
from engine.data.shards.augmentation import Augmentation
from engine.data.shards.shard_writer import save_shard
from engine.data.shards.shards import SPLITS, PieceArrays, Shard
from engine.errors import DataError, SidemanError
from engine.vocabulary import LAYOUT, STEP_S
from tests.support.study_corpus import random_piece, song

AUGMENTATION = Augmentation(keys=12, tempo_stretch=(0.9, 1.0, 1.1), velocity_jitter=0.1)
VOID = {"meta", "img", "br"}
HOSTILE = [
    "<script>alert(1)</script>.mid",
    "\"onload='x'&amp;.mid",
    "夢\u202egpj\x1b[31m\ud800.mid",
    "$x^2$ \\frac{.mid",
    "</td></table>.mid",
]


class Page(HTMLParser):
    """Tags with their attributes, the text of table cells, and whether every tag is closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._open):
            self.cells[-1] += data
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def write_data(folder: Path, pieces: dict[str, list[PieceArrays]], rows: list[dict[str, object]]) -> Path:
    """A prepared folder of these pieces and manifest rows."""
    folder.mkdir()
    for split in SPLITS:
        save_shard(folder / f"{split}.safetensors", Shard(pieces.get(split, []), ["one", "<b>two</b>"], AUGMENTATION))
    lines = [json.dumps(row) + "\n" for row in rows]
    (folder / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def song_piece(seed: int) -> PieceArrays:
    """The song as prepare keeps it: a chord a bar, beats in four."""
    notes = song(seed)
    ids = native.encode(LAYOUT, notes["onset_s"], notes["offset_s"], notes["pitch"], notes["velocity"])
    chords = np.array([400, *([401, 401 + 24 * 9 + 11, 401 + 24 * 2 + 11, 401 + 24 * 7 + 9] * 4)])
    steps = np.array([0, 1, *range(200, 3200, 200)])
    beats = np.arange(0, 3200, 50.0)
    return PieceArrays(
        np.array([389, *ids, 390], dtype=np.uint16), chords, steps, beats, np.arange(len(beats)) % 4, seed % 2
    )


def row_of(piece: PieceArrays, split: str, **more: object) -> dict[str, object]:
    known = {"path": "a.mid", "collection": "one", "licence": "CC0", "split": split, "tokens": len(piece.tokens)}
    return {**known, "seconds": 3.0, "notes": 70, "chord_source": "recognised", "beat_source": "none", **more}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve songs over a turnaround with beats, and refusals of hostile names."""
    pieces = [song_piece(seed) for seed in range(12)]
    rows = [row_of(piece, "train" if i < 10 else "test", work=str(i)) for i, piece in enumerate(pieces)]
    for name in HOSTILE:
        rows.append({"path": name, "collection": "one", "licence": "?", "refused": f"odd <i> name ({name})"})
    rows.insert(3, {"path": "broken & <b>.mid", "refused": "broken MIDI file (it ends in mid-air)"})
    folder = tmp_path_factory.mktemp("report")
    return write_data(folder / "out", {"train": pieces[:10], "test": pieces[10:]}, rows)


@pytest.fixture(scope="module")
def written(data: Path) -> Path:
    return write_report(data, data.parent / "page.html", title="ten <songs>", command="sideman prepare in -o out")


def test_every_refused_file_is_on_the_page_escaped(written: Path) -> None:
    page, raw = Page(written), written.read_text(encoding="utf-8")
    assert "<script" not in raw
    assert "alert(1)</" not in raw
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", raw)
    for name in ("broken & <b>.mid", HOSTILE[0], HOSTILE[1], "夢\\u202egpj\\x1b[31m\\ud800.mid", *HOSTILE[3:]):
        assert page.cells.count(name) == 1, name
    assert sum(cell.startswith("odd <i> name") for cell in page.cells) == len(HOSTILE)


def test_a_page_is_whole_html_that_asks_the_net_for_nothing(written: Path) -> None:
    page, raw = Page(written), written.read_text(encoding="utf-8")
    assert raw.startswith("<!DOCTYPE html>")
    assert page.all("html") == [{"lang": "en"}]
    bare = re.sub(r"data:image/png;base64,[\w+/=]*", "", raw)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", bare)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in page.all("img"))
    assert len(raw) < 3_000_000


def test_every_picture_says_in_words_what_it_shows_and_every_table_has_heads(written: Path) -> None:
    page = Page(written)
    assert all(len(image["alt"] or "") > 20 for image in page.all("img"))
    assert all(int(image["width"] or 0) > 0 and int(image["height"] or 0) > 0 for image in page.all("img"))
    tables = [name for name, _ in page.tags if name in ("table", "caption", "thead")]
    assert tables == ["table", "caption", "thead"] * 4
    assert {head["scope"] for head in page.all("th")} == {"col", "row"}
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_page_has_words_for_every_source_that_prepare_has_words_for() -> None:
    assert sorted(CHORD_SOURCES) == sorted(prepare_command._CHORDS)
    assert sorted(BEAT_SOURCES) == sorted(prepare_command._BEATS)


def test_the_head_names_title_date_and_command(written: Path) -> None:
    words = Page(written).words
    assert "Training data: ten <songs>" in words
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d", words)
    assert "sideman prepare in -o out" in words


def test_the_counts_are_those_of_the_folder(data: Path, written: Path) -> None:
    page, facts = Page(written), gather(data)
    assert (facts.total.pieces, facts.refused_count) == (12, 1 + len(HOSTILE))
    assert int(facts.pitch.sum()) == facts.total.notes == 12 * 16 * 9
    assert facts.total.seconds == pytest.approx(12 * 32, rel=0.02)
    assert int(facts.keys.sum()) == int(facts.lengths.sum()) == 12
    assert f"{facts.total.notes:,}" in page.words
    assert "6 files were refused: odd <i> name (5)" in page.words
    assert "from 10 pieces, each in 12 keys and at 3 tempos: 360 samples. Loudness varies by up to 10%." in page.words


@pytest.mark.parametrize("count", [1, 4, 25])
def test_ten_pieces_are_drawn_or_as_many_as_there_are(tmp_path: Path, count: int) -> None:
    pieces = [random_piece(seed, 200 + seed) for seed in range(count)]
    rows = [row_of(piece, "train", path=f"piece{i}.mid") for i, piece in enumerate(pieces)]
    page = Page(write_report(write_data(tmp_path / "data", {"train": pieces}, rows)))
    assert sum("Piano roll" in (image["alt"] or "") for image in page.all("img")) == min(10, count)
    assert len(set(re.findall(r"piece\d+\.mid", page.words))) == min(10, count)


def test_the_seed_draws_the_pieces(tmp_path: Path) -> None:
    pieces = [random_piece(seed, 200 + seed) for seed in range(40)]
    data = write_data(tmp_path / "data", {"train": pieces[:30], "test": pieces[30:]}, [])
    drawn = [[(e.split, e.number) for e in gather(data, seed).examples] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {example.split for example in gather(data, 0, examples=40).examples} == {"train", "test"}


def test_a_row_that_does_not_fit_its_piece_lends_it_no_name(tmp_path: Path) -> None:
    pieces = [random_piece(0, 200), random_piece(1, 201)]
    rows = [row_of(pieces[1], "train", path="wrong.mid"), row_of(pieces[1], "train", path="right.mid")]
    examples = gather(write_data(tmp_path / "data", {"train": pieces}, rows)).examples
    assert {e.number: e.row.get("path") for e in examples} == {0: None, 1: "right.mid"}


def test_a_bare_manifest_and_pieces_without_beats_or_chords_will_do(tmp_path: Path) -> None:
    silent = PieceArrays(
        np.array([389, 300, 390], dtype=np.uint16), np.array([400]), np.array([0]), np.zeros(0),
        np.zeros(0, dtype=np.int64), 1,
    )  # fmt: skip
    data = write_data(tmp_path / "data", {"train": [silent]}, [{}, {"refused": ""}])
    page = Page(write_report(data, tmp_path / "page.html"))
    assert "Piece 1 of train" in page.words
    assert "<b>two</b>" in page.cells


def test_a_work_on_two_sides_is_said_aloud(tmp_path: Path) -> None:
    pieces = [random_piece(seed) for seed in range(2)]
    sides = dict(zip(("train", "test"), ([piece] for piece in pieces), strict=True))
    for name, works, words in (("torn", "xx", "stands on more than one side"), ("whole", "xy", "2 musical works; all")):
        rows = [row_of(p, side, work=work) for p, side, work in zip(pieces, sides, works, strict=True)]
        assert words in Page(write_report(write_data(tmp_path / name, sides, rows))).words


def test_a_great_heap_of_refusals_keeps_the_page_small(tmp_path: Path) -> None:
    piece = random_piece(0)
    rows: list[dict[str, object]] = [{"path": f"{i}.mid", "refused": f"has {i} notes"} for i in range(30_000)]
    path = write_report(write_data(tmp_path / "data", {"train": [piece]}, [row_of(piece, "train"), *rows]))
    assert path.stat().st_size < 3_000_000
    assert "25,000 more stand in manifest.jsonl" in Page(path).words


@pytest.mark.parametrize(
    ("tonic", "steps", "key"),
    [(0, (0, 2, 4, 5, 7, 9, 11), 0), (7, (0, 2, 4, 5, 7, 9, 11), 7), (9, (0, 2, 3, 5, 7, 8, 11), 21)],
)
def test_a_scale_with_a_long_tonic_chord_is_heard_in_its_key(tonic: int, steps: tuple[int, ...], key: int) -> None:
    weights = np.zeros(12)
    for i, step in enumerate(steps):
        weights[(tonic + step) % 12] = 3 if i in (0, 2, 4) else 1
    assert estimate_key(weights) == key


def test_silence_has_some_key_and_no_warning() -> None:
    assert 0 <= estimate_key(np.zeros(12)) < 24


def test_durations_and_gaps_are_counted_in_their_bins(tmp_path: Path) -> None:
    # Two notes of 50 ms, 100 ms apart, and 0.8 s of silence.
    tokens = np.array([389, 372, 60, 260, 188, 260, 62, 260, 190, 335, 390], dtype=np.uint16)
    piece = PieceArrays(tokens, np.array([400, 401]), np.array([0, 10]), np.zeros(0), np.zeros(0, dtype=np.int64), 0)
    facts = gather(write_data(tmp_path / "data", {"train": [piece]}, []))
    assert facts.total.seconds == pytest.approx(0.95)
    assert Counter(np.flatnonzero(facts.pitch).tolist()) == Counter([60, 62])
    assert (facts.duration.sum(), facts.gap.sum()) == (2, 1)
    assert facts.no_chord_s == pytest.approx(10 * STEP_S)
    assert facts.chord_s[0] == pytest.approx(0.85)


BROKEN = {
    "no folder": (lambda data: data.rename(data.with_name("gone")), "no such folder"),
    "no manifest": (lambda data: (data / "manifest.jsonl").unlink(), "manifest.jsonl: no such file"),
    "torn manifest": (
        lambda data: (data / "manifest.jsonl").write_text('{}\n{"pa'),
        "manifest.jsonl, line 2: not JSON",
    ),
    "a list for a row": (lambda data: (data / "manifest.jsonl").write_text("[]\n"), "line 1: not JSON"),
    "bytes for a row": (lambda data: (data / "manifest.jsonl").write_bytes(b"\xff\n"), "line 1: not JSON"),
    "no shard": (lambda data: (data / "test.safetensors").unlink(), "test.safetensors: no such shard"),
    "torn shard": (lambda data: (data / "train.safetensors").write_bytes(b"x" * 99), "train.safetensors: not a shard"),
    "nothing": (lambda data: save_shard(data / "train.safetensors", Shard([], ["one"])), "holds no pieces"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_one_line_and_leaves_the_old_page(tmp_path: Path, case: str) -> None:
    piece = random_piece(0)
    data = write_data(tmp_path / "data", {"train": [piece]}, [row_of(piece, "train")])
    (tmp_path / "page.html").write_text("the old page")
    harm, message = BROKEN[case]
    harm(data)
    with pytest.raises(DataError) as caught:
        write_report(data, tmp_path / "page.html")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "page.html").read_text() == "the old page"
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_without_matplotlib_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piece = random_piece(0)
    data = write_data(tmp_path / "data", {"train": [piece]}, [row_of(piece, "train")])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SidemanError, match=r"pip install 'sideman\[plot\]'"):
        write_report(data)
    assert not (data / REPORT).exists()


def test_the_page_lies_in_the_folder_unless_told_otherwise(data: Path) -> None:
    path = write_report(data)
    assert path == data / REPORT
    path.unlink()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0"), (0.4, "0 s"), (45, "45 s"), (59.4, "59 s"), (60, "1 min"), (3500, "58 min"), (3600, "1.0 h"),
     (4e6, "1,111.1 h")],
)  # fmt: skip
def test_a_length_is_said_in_the_unit_that_shows_it(seconds: float, said: str) -> None:
    assert length_text(seconds) == said
