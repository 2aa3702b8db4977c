"""Labels and indices that are broken, somebody else's, or written in words of their own: read, or one line says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli import main
from engine.chords.files.chords_file import parse_chords_file
from engine.chords.files.labels import read_pop909
from engine.data.prepare import Settings, prepare
from engine.data.reading.corpus import find_sources, read_piece
from engine.data.shards.augmentation import Augmentation
from engine.data.shards.manifest import MANIFEST, works_of
from engine.errors import DataError
from engine.midi_io.write import write_midi
from engine.training.card import read_sources
from tests.support.study_corpus import song

SHEET = {
    "bpm": 120,
    "time_signatures": [[0, 4, 4]],
    "chords": [{"root": "C", "figure": "C", "kind": "major", "bass": "C", "beat": 0}],
}
SEPARATORS = ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c")  # line ends to Python, and none of a line of JSON


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    write_midi(tmp_path / "tune.mid", song(0), tempo_bpm=120)
    return tmp_path / "tune.mid"


@pytest.mark.parametrize(
    "content",
    [
        '{"chords": 3}',
        '{"chords": [[0.0, "C"]], "beats_s": [0.0]}',
        '{"bpm": 120, "chords": ["C", "F"]}',
        '{"time_signatures": [], "chords": []}',
        "[1, 2",
        "none of ours",
        "",
    ],
)
def test_json_without_the_keys_of_a_lead_sheet_is_somebody_elses(content: str, tune: Path) -> None:
    tune.with_suffix(".json").write_text(content)
    assert read_piece(find_sources(tune.parent)[0]).chord_source == "recognised"


def test_chords_written_as_json_beside_the_file_are_no_labels_of_it(
    tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chords", str(tune), "--json"]) == 0
    said = capsys.readouterr().out
    tune.with_suffix(".json").write_text(said)
    assert main(["chords", str(tune), "--json"]) == 0
    assert capsys.readouterr().out == said


def with_chord(**changes: object) -> dict[str, object]:
    return {**SHEET, "chords": [{**SHEET["chords"][0], **changes}]}  # type: ignore[index]


BROKEN = {
    "no figure": with_chord(figure=None),
    "a chord at no time": with_chord(beat=None),
    "a chord beyond all time": with_chord(beat=float("inf")),
    "a chord at nowhere": with_chord(beat=float("nan")),
    "a chord a year away": with_chord(beat=1e9),
    "a chord that overflows": with_chord(beat=1e308),
    "an unknown chord": with_chord(figure="C7/9/11?"),
    "chords that are none": {**SHEET, "chords": 3},
    "no tempo": {**SHEET, "bpm": 0},
    "a tempo of words": {**SHEET, "bpm": "allegro"},
    "an endless tempo": {**SHEET, "bpm": float("inf")},
    "a tempo backwards": {**SHEET, "bpm": -120},
    "a tempo beyond music": {**SHEET, "bpm": 1e12},
    "beats of nothing": {**SHEET, "time_signatures": [[0, 4, 2**40]]},
    "metres of words": {**SHEET, "time_signatures": "4/4"},
    "a metre at the end of time": {**SHEET, "time_signatures": [[float("inf"), 4, 4]]},
    "a list": [SHEET],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_lead_sheet_is_named(name: str, tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune.with_suffix(".json").write_text(json.dumps(BROKEN[name]))
    refused(tune, capsys, "tune.json: not an OpenEWLD lead sheet")


def test_a_whole_lead_sheet_is_read(tune: Path) -> None:
    tune.with_suffix(".json").write_text(json.dumps(SHEET))
    piece = read_piece(find_sources(tune.parent)[0])
    assert (piece.chord_source, [str(chord) for _, chord in piece.chords]) == ("annotation", ["C"])


@pytest.mark.parametrize(
    "content", ["[" * 100_000 + '"bpm" "chords" "time_signatures"', '{"bpm": "chords" "time_signatures"']
)
def test_a_torn_lead_sheet_is_named(content: str, tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune.with_suffix(".json").write_text(content)
    refused(tune, capsys, "tune.json: not an OpenEWLD lead sheet")


def refused(tune: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main(["chords", str(tune), "--tracks", "all"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert len(said) < 500


@pytest.mark.parametrize(
    ("chords", "beats", "words"),
    [
        (b"caf\xe9 0 1\n", b"0 1 1\n", "chord_midi.txt: is no UTF-8 text: restore the file"),
        (b"0 4 C:maj\n", b"caf\xe9 0 1\n", "beat_midi.txt: is no UTF-8 text: restore the file"),
        (b"0 inf C:maj\n", b"0 1 1\n", "chord_midi.txt, line 1"),
        (b"0 4 C:maj\nnan 8 G:maj\n", b"0 1 1\n", "chord_midi.txt, line 2"),
        (b"0 4 C:maj\n", b"0 1 1\ninf 2 0\n", "beat_midi.txt, line 2"),
    ],
)
def test_broken_labels_of_a_song_are_named(
    chords: bytes, beats: bytes, words: str, tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tune.parent / "chord_midi.txt").write_bytes(chords)
    (tune.parent / "beat_midi.txt").write_bytes(beats)
    refused(tune, capsys, words)


@pytest.mark.parametrize(
    "text", ["9" * 5000 + ":30 C", "beats " + "9" * 5000 + "\n0 C", "9" * 400 + " C", "1:" + "9" * 99 + " C"]
)
def test_endless_digits_in_a_chart_are_named(text: str, tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune.with_suffix(".chords").write_text(text)
    refused(tune, capsys, "tune.chords, line 1, column")


def row(work: str, **more: object) -> str:
    return json.dumps({"work": work, "split": "train", "collection": work, "licence": "?", "seconds": 3600, **more},
                      ensure_ascii=False) + "\n"  # fmt: skip


@pytest.mark.parametrize("separator", SEPARATORS)
def test_only_a_line_break_ends_a_line(separator: str, tmp_path: Path) -> None:
    work = f"Etude{separator}Op. 10"
    (tmp_path / MANIFEST).write_text(row(work) + row("two"), encoding="utf-8")
    assert works_of(tmp_path, "train") == [work, "two"]
    assert read_sources(tmp_path) == {(work, "?"): (1, 1.0), ("two", "?"): (1, 1.0)}
    assert [str(chord) for _, chord in parse_chords_file(f"# a{separator}b\n0.0 C\n").chords] == ["C"]
    with pytest.raises(DataError, match="line 2"):
        parse_chords_file(f"# a{separator}b\n0.0 Km\n")
    (tmp_path / "chord_midi.txt").write_text(f"0 4{separator}C:maj\n4 8 G:maj\n", encoding="utf-8")
    (tmp_path / "beat_midi.txt").write_text("0 1 1\n", encoding="utf-8")
    assert [str(chord) for _, chord in read_pop909(tmp_path)[0]] == ["C", "G", "None"]


@pytest.mark.parametrize(
    ("work", "written"), [("caf\udce9", r"caf\udce9"), (f"Etude{SEPARATORS[0]}1", "Etude 1"), (7, "7")]
)
def test_a_work_of_any_name_is_prepared(
    work: object, written: str, tune: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tune.parent / "INDEX.jsonl").write_text(json.dumps({"path": tune.name, "work_cluster": work}) + "\n")
    out = tmp_path_factory.mktemp("out") / "data"
    prepare(tune.parent, out, Settings((1, 0, 0), Augmentation(), workers=1))
    assert works_of(out, "train") == [written]


def test_an_index_may_begin_with_a_byte_order_mark(tune: Path) -> None:
    (tune.parent / "INDEX.jsonl").write_text(
        json.dumps({"path": tune.name, "source": "x"}) + "\n", encoding="utf-8-sig"
    )
    assert [source.collection for source in find_sources(tune.parent)] == ["x"]


def test_a_broken_line_of_an_index_is_named_by_its_number(tune: Path) -> None:
    good = json.dumps({"path": tune.name}).encode() + b"\n"
    breaks: list[Callable[[bytes], bytes]] = [
        lambda b: b"{" + b,
        lambda b: b"[]\n",
        lambda b: b'{"source": "x"}\n',
        lambda b: b'{"path": "\xe9"}\n',
    ]
    for broken in breaks:
        (tune.parent / "INDEX.jsonl").write_bytes(good * 2 + b"\n" + broken(good) + good)
        with pytest.raises(DataError, match=r"INDEX.jsonl, line 4: not a line of JSON with a path"):
            find_sources(tune.parent)
