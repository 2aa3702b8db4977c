"""Laws of `sideman evaluate`: a figure for each source with its spread over works, progress, counts that are kept."""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import engine
from bridge import cli
from engine.data.eval_windows import eval_windows
from engine.data.shards.shard_writer import save_shard
from engine.data.shards.shards import load_shard
from engine.errors import SidemanError
from engine.evaluation import ngram
from engine.midi_io.write import write_midi
from engine.model.checkpoint import load_checkpoint
from engine.training.evaluate import load_model, token_nats
from tests.support.study_corpus import song
from tests.support.style_folders import write_base

WORKS = {f"work {number}": "many" for number in range(8)} | {"single": "one"}
TAKES = 2  # of every work


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and data of a source of eight works and of one whose only work is on the test side; two takes of each."""
    folder = tmp_path_factory.mktemp("evaluate")
    (folder / "midi").mkdir()
    rows = []
    for number, (work, source) in enumerate(WORKS.items()):
        for take in range(TAKES):
            path = f"{work} {take}.mid"
            write_midi(folder / "midi" / path, song(10 * number + take, bars=6 + 2 * number), tempo_bpm=120)
            rows.append({"path": path, "source": source, "work_cluster": work})
    (folder / "midi" / "INDEX.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arguments = ["prepare", folder / "midi", "-o", folder / "data", "--workers", 1, "--split", 0.25, 0, 0.75]
    assert cli.main([str(argument) for argument in arguments]) == 0
    write_base(folder / "base")
    return folder


def evaluate(study: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    assert cli.main(["evaluate", str(study / "base"), "--data", str(study / "data"), *options]) == 0
    out, err = capsys.readouterr()
    return out, err


def works_by_hand(study: Path) -> dict[str, dict[str, tuple[float, int]]]:
    """Source -> work -> nats and tokens, each piece scored by itself."""
    manifest = [json.loads(line) for line in (study / "data" / "manifest.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in manifest if row["split"] == "test"]
    pieces = load_shard(study / "data" / "test.safetensors").pieces
    assert len(rows) == len(pieces)
    model = load_model(load_checkpoint(study / "base"))
    found: dict[str, dict[str, tuple[float, int]]] = defaultdict(lambda: defaultdict(lambda: (0.0, 0)))
    for row, piece in zip(rows, pieces, strict=True):
        nats = np.concatenate(list(token_nats(model, eval_windows([piece], model.config.max_seq_len), 1)))
        assert len(nats) == len(piece.tokens) - 1, "every token but the first once"
        for source in ("all", row["collection"]):
            before = found[source][row["work"]]
            found[source][row["work"]] = before[0] + float(nats.sum(dtype=np.float64)), before[1] + len(nats)
    return found


def test_each_source_has_its_figure_with_its_spread_over_works(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(evaluate(study, capsys, "--json")[0])["likelihood"]
    by_hand = works_by_hand(study)
    assert set(rows) == set(by_hand) == {"all", "many", "one"}
    assert len(by_hand["one"]) == 1
    assert len(by_hand["many"]) >= 5
    draw = np.random.default_rng(99)
    for source, works in by_hand.items():
        nats, tokens = np.array(list(works.values())).T
        row = rows[source]
        assert (row["works"], row["tokens"]) == (len(works), tokens.sum()), "takes of one work are one work"
        assert row["nats_per_token"] == pytest.approx(nats.sum() / tokens.sum(), abs=1e-4)
        low, high = row["nats_per_token_low"], row["nats_per_token_high"]
        if len(works) == 1:
            assert (low, high) == (None, None), "one work says nothing of others"
            continue
        drawn = [draw.integers(len(works), size=len(works)) for _ in range(20_000)]
        means = [nats[some].sum() / tokens[some].sum() for some in drawn]
        expected = np.quantile(means, (0.025, 0.975))
        assert low < row["nats_per_token"] < high
        np.testing.assert_allclose((low, high), expected, atol=0.1 * np.ptp(expected))


def test_the_table_says_where_a_source_has_one_work_and_so_no_spread(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = evaluate(study, capsys)[0].splitlines()
    assert "works" in lines[0]
    assert "over works" in lines[0]
    cells = {line.split()[0]: line for line in lines[1:]}
    assert re.search(r"^one +1 .* one work ", cells["one"])
    low, high = map(float, re.findall(r"(\d+\.\d{3})\.\.(\d+\.\d{3})", cells["many"])[0])
    assert low < high


def test_the_shipped_card_gives_every_source_of_several_works_its_spread() -> None:
    card = (Path(engine.__file__).parent / "pretrained" / "base" / "card.md").read_text(encoding="utf-8")
    table = card.partition("## Held-out likelihood")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "works |" in line]
    header, sources = rows[0], rows[1:]
    assert header[:4] == ["held-out works", "tokens", "nats/token", "over works"]
    assert len(sources) >= 5
    for name, _, nats, spread, *_ in sources:
        low, high = map(float, spread.split(".."))
        assert low < float(nats) < high, name
        assert int(re.findall(r"(\d+) works", name)[0]) > 1, name


def test_an_empty_training_side_is_said_in_words(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = study / "no training side"
    data.mkdir()
    shard = load_shard(study / "data" / "test.safetensors")
    save_shard(data / "test.safetensors", shard)
    save_shard(data / "train.safetensors", replace(shard, pieces=[]))
    assert cli.main(["evaluate", str(study / "base"), "--data", str(data)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "the train side is empty: prepare with a larger share" in err


def test_progress_is_shown_and_the_5_gram_is_counted_once(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (study / "data.work" / "5gram.safetensors").unlink(missing_ok=True)
    told = []
    for _ in range(2):
        out, err = evaluate(study, capsys, "--json", "--max-windows", "20")
        told.append(json.loads(out))
        for words in ("5/5 lengths of n-grams", "20/20 windows in", "20/20 windows under wrong chords"):
            assert words in err
        # From now on counting would be an error.
        monkeypatch.setattr(ngram, "_count", None)
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--html", "{folder}/nowhere/page.html"], "nowhere: create it first"),
        (["--html", "{folder}"], "is a folder: give the name of a file"),
        (["--clips", "3"], "clips 3: fewer than 4 say nothing: give --clips 4 or more"),
        (["--clips", "60", "--split", "one"], "excerpts of 24 s, 8 are needed: prepare with a larger share"),
    ],
)
def test_what_the_end_would_refuse_is_refused_before_anything_is_measured(
    options: list[str],
    words: str,
    study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = study / "data"
    if "one" in options:  # a piece
        data, options = tmp_path / "data", options[:2]
        shutil.copytree(study / "data", data)
        shard = load_shard(data / "test.safetensors")
        save_shard(data / "test.safetensors", replace(shard, pieces=shard.pieces[-1:]))
    monkeypatch.setattr("engine.evaluation.ngram.NgramModel", None)  # measuring would be an error
    filled = [option.format(folder=tmp_path) for option in options]
    assert cli.main(["evaluate", str(study / "base"), "--data", str(data), *filled]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_what_was_measured_is_told_though_what_comes_after_fails(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **named: object) -> None:
        raise SidemanError("the disk is full: make room")

    monkeypatch.setattr("engine.evaluation.page.write_page", fails)
    page = ["--html", str(tmp_path / "page.html"), "--max-windows", "5"]
    for options, begins in (([], "collection"), (["--json"], '{"likelihood"')):
        assert cli.main(["evaluate", str(study / "base"), "--data", str(study / "data"), *page, *options]) == 2
        assert capsys.readouterr().out.startswith(begins)
    monkeypatch.setattr("engine.evaluation.judgement.judge", fails)
    monkeypatch.setattr("engine.evaluation.judgement.cut_clips", lambda *args: None)
    assert cli.main(["evaluate", str(study / "base"), "--data", str(study / "data"), "--clips", "4", *page[2:]]) == 2
    assert capsys.readouterr().out.startswith("collection")
