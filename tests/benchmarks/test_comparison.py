"""Laws of the four contestants: streams equal full passes, chords and rolls are kept, adapters begin as nothing."""

from __future__ import annotations

import argparse
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch

from benchmarks import bench_comparison
from benchmarks.common.process import peak_mb
from benchmarks.comparison import moonbeam, plain, scg
from benchmarks.comparison.adapters import adapter_bytes, in_nf4, with_lora
from benchmarks.comparison.layers import draw
from benchmarks.comparison.learning import learn
from benchmarks.comparison.music import ASKED, CLIP_S, chord_share, note_arrays, note_windows
from benchmarks.comparison.published import PUBLISHED, training_cost
from benchmarks.comparison.table import TITLES, rows
from engine.data.shards.shards import Shard
from engine.notes import make_notes
from tests.support.study_corpus import random_piece

SHARD = Shard([random_piece(n, 1200) for n in range(3)], ["files"])


def stirred(model: torch.nn.Module) -> torch.nn.Module:
    """Every matrix random: fresh blocks are the identity, and would equal anything."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.08)
    return model.eval()


@torch.no_grad()
def test_the_plain_decoder_streams_what_it_computes_at_once() -> None:
    model = stirred(plain.Plain())
    ids = torch.randint(0, 388, (1, 40))
    cache: list[tuple[torch.Tensor, torch.Tensor]] = []
    streamed = torch.cat([model(ids[:, i : i + 1], cache, i) for i in range(40)], dim=1)
    assert torch.allclose(streamed, model(ids), atol=1e-4)


@torch.no_grad()
def test_moonbeam_streams_what_it_computes_at_once() -> None:
    model = stirred(moonbeam.Moonbeam())
    inputs, _ = moonbeam.fields_of(note_windows(SHARD.pieces, 24, 1, np.random.default_rng(0)))
    cache: list[tuple[torch.Tensor, torch.Tensor]] = []
    streamed = [model({name: x[:, i : i + 1] for name, x in inputs.items()}, cache) for i in range(24)]
    assert torch.allclose(torch.cat(streamed, dim=1), model(inputs), atol=1e-4)


@torch.no_grad()
def test_moonbeam_attends_to_differences_of_onset_alone() -> None:
    model = stirred(moonbeam.Moonbeam())
    block = model.blocks[0].attn
    x, rate = torch.randn(1, 5, moonbeam.DIM), torch.rand(16)
    onset = torch.tensor([0.0, 3, 7, 7, 20])
    angles = [(onset + shift)[None, None, :, None] * rate for shift in (0.0, 100.0)]
    assert torch.allclose(block(x, angles[0]), block(x, angles[1]), atol=1e-4)


def test_chords_stand_before_the_first_event_under_them_and_are_never_asked_for() -> None:
    tokens, targets = np.arange(300, 306), np.arange(301, 307)
    ids, wanted = plain.interleaved(tokens, targets, np.array([400, 400, 410, 410, 420, 420]))
    assert ids[:9].tolist() == [300, 400, 301, 302, 410, 303, 304, 420, 305]
    assert wanted[:9].tolist() == [plain.IGNORED, 301, 302, plain.IGNORED, 303, 304, plain.IGNORED, 305, 306]
    assert (wanted[9:] == plain.IGNORED).all()


def test_note_windows_are_a_piece_in_another_key() -> None:
    piece = note_arrays(SHARD.pieces[0])
    window = note_windows(SHARD.pieces[:1], len(piece.onset), 1, np.random.default_rng(3))
    assert (np.diff(window["onset"][0]) == np.diff(piece.onset)).all()
    assert len(set((window["pitch"][0] - piece.pitch).tolist())) == 1


def test_a_roll_comes_back_as_its_notes() -> None:
    roll = torch.full((2, scg.KEYS, scg.FRAMES), -1.0)
    roll[0, 39, 10], roll[1, 39, 10:15] = 0.5, 1.0
    roll[0, 39, 20], roll[1, 39, 20:22] = 0.9, 1.0
    notes = scg.notes_of_roll(roll)
    assert notes["pitch"].tolist() == [60, 60]
    assert notes["onset_s"] == pytest.approx([0.8, 1.6])
    assert notes["offset_s"] == pytest.approx([1.2, 1.76])


def test_taking_noise_away_ends_at_what_is_foreseen() -> None:
    end, x = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 4, 4)
    mean, deviation = scg._step(end, x, scg.kept(torch.tensor(0.1)), torch.tensor(1.0))
    assert torch.allclose(mean, end, atol=1e-5)
    assert float(deviation) == 0.0
    levels = scg.kept(torch.linspace(0, 1, 50))
    assert (levels.diff() < 0).all()


def test_an_adapter_says_nothing_at_first_and_nf4_is_rounded_once() -> None:
    model = stirred(plain.Plain())
    size = in_nf4(model)
    ids = torch.randint(0, 388, (1, 20))
    before = model(ids).detach()
    assert in_nf4(model) == size < 2 * sum(p.numel() for p in model.parameters())
    assert torch.allclose(model(ids), before, atol=1e-5)
    wrapped = with_lora(model)
    assert torch.allclose(wrapped.base_model.model(ids), before, atol=1e-5)
    assert adapter_bytes(wrapped) == 4 * 6 * 4 * 8 * 2 * plain.DIM


def test_a_budget_is_spent_and_losses_fall() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(OrderedDict(in_proj=torch.nn.Linear(8, 1)))
    x = torch.randn(64, 8)
    y = x.sum(dim=1, keepdim=True)
    learnt = learn(model, lambda number: ((model(x) - y) ** 2).mean(), 0.05, 0.5)
    assert learnt.cpu_s >= 0.5
    assert learnt.loss < 1.0 < 8.0


def test_drawing_keeps_to_the_likeliest() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.tensor([5.0, 4.9, -3.0, -3.0])
    assert {draw(logits, generator) for _ in range(60)} == {0, 1}


def test_figures_that_are_kept_are_those_of_the_same_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(module: str, arguments: list[str]) -> dict[str, int]:
        ran.append(arguments[0])
        return {"updates": 3}

    def contestant(**changed: object) -> dict[str, dict[str, int]]:
        options = {"data": tmp_path / "data", "style": None, "minutes": 1.0, **changed}
        return bench_comparison.contestant("plain", argparse.Namespace(**options), tmp_path / "work")

    monkeypatch.setattr(bench_comparison, "in_fresh_process", run)
    for _ in range(2):
        assert contestant() == {"plain": {"updates": 3}}
    for changed in ({"minutes": 10.0}, {"data": tmp_path / "other"}, {"style": tmp_path / "style"}):
        with pytest.raises(SystemExit, match=r"train\.json: not of data .*: give another --work, or remove"):
            contestant(**changed)
    assert ran == ["train", "play"]


@pytest.mark.parametrize(("system", "counted"), [("darwin", 300 * 2**20), ("linux", 300 * 2**10)])
def test_a_peak_is_in_the_units_of_the_system(system: str, counted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("resource.getrusage", lambda who: SimpleNamespace(ru_maxrss=counted))
    monkeypatch.setattr(Path, "exists", lambda path: False)  # no /proc
    assert peak_mb() == 300


def test_chord_tones_are_counted_against_the_chart() -> None:
    asked = next(one for one in ASKED if one.name == "pop")  # C | G | Am | F, 2.4 s a bar
    right = make_notes([0.0, 2.4, 4.8, 7.2], [2.4, 4.8, 7.2, 9.6], [60, 67, 69, 65], [80] * 4)
    assert chord_share(right, asked) == pytest.approx(1.0)
    assert chord_share(make_notes([0.0], [2.4], [61], [80]), asked) == 0.0
    assert asked.starts_s[-1] < CLIP_S


def test_a_table_has_a_dash_where_there_is_no_figure() -> None:
    table = {row[0]: row[1:] for row in rows({"plain": {"parameters": 3, "held_out": 2.0}})}
    assert table["parameters"] == ("-", "-", "-", "3")
    assert table["held-out loss, nats a note"] == ("-", "-", "-", "2.00")
    assert all(len(row) == len(TITLES) for row in table.values())
    hours, dollars = training_cost(PUBLISHED["ours"])
    assert 0 < hours < 1
    assert dollars == pytest.approx(2.5 * hours)
