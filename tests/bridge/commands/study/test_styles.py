"""`sideman finetune | styles | export`; styles in generate, play, the session and over OSC; refusals in one line."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.app.remote import check_live
from bridge.cli import main
from bridge.commands.study.styles import gain_too_small
from engine.chords import parse_chart
from engine.errors import CheckpointError
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.solo.improvise import improvise
from engine.styles.library import add_style
from engine.styles.style_folder import save_style
from osc_protocol.table.parameters import Setting, Value, settings
from tests.support.live.world import START_US, World
from tests.support.style_folders import random_style, write_base

CHART = "Dm7 | G7 | Cmaj7 | %"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return write_base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(autouse=True)
def shelf(base: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's styles: stride and latin for `base`, shipped for the base in the package."""
    monkeypatch.setenv("SIDEMAN_STYLES", str(tmp_path / "shelf"))
    for seed, (name, of) in enumerate({"stride": base, "latin": base, "other": load_checkpoint()}.items()):
        save_style(tmp_path / name, random_style(of, name, seed, size=0.05 if name == "other" else 0.3))
        add_style(tmp_path / name)
    return tmp_path / "shelf"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def notes(base: Checkpoint, **params: Value) -> list[tuple[object, ...]]:
    solo = improvise(base, parse_chart(CHART), seed=1, params=settings(**params))
    return [tuple(row) for row in solo.notes.tolist()]


def test_styles_are_listed_told_added_and_removed(
    base: Checkpoint, shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "styles", "list")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} >= {"stride", "latin", "other"}
    code, out, _ = run(capsys, "styles", "list", "--json")
    rows = {row.pop("name"): row for row in json.loads(out)}
    here = {"shipped": False, "error": None}
    assert rows["latin"] == {"folder": str(shelf / "latin"), "for_the_shipped_base": False, **here}
    assert rows["other"] == {"folder": str(shelf / "other"), "for_the_shipped_base": True, **here}
    code, out, _ = run(capsys, "styles", "info", "stride")
    assert code == 0
    assert f"base: sha256 {base.sha256} (not the shipped one)" in out
    code, out, _ = run(capsys, "styles", "info", tmp_path / "other", "--json")
    assert json.loads(out)["for_the_shipped_base"] is True
    code, out, _ = run(capsys, "styles", "add", tmp_path / "stride", "--name", "stride-2", "--checkpoint", base.path)
    assert (code, out) == (0, f"added stride-2: {shelf / 'stride-2'}\n")
    code, out, _ = run(capsys, "styles", "remove", "stride-2", "--json")
    assert json.loads(out) == {"name": "stride-2", "folder": str(shelf / "stride-2")}
    assert not (shelf / "stride-2").exists()


def test_a_style_is_merged_into_a_checkpoint(
    base: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "export", "--merge", "stride", "--base", base.path, "-o", tmp_path / "one", "--bits", 32)
    assert code == 0
    assert out.startswith(f"{tmp_path / 'one'}: stride merged into its base")
    merged = load_checkpoint(tmp_path / "one")
    assert notes(merged) != notes(base)
    code, _, _ = run(capsys, "export", "--merge", tmp_path / "stride", "--base", base.path, "-o", tmp_path / "four")
    assert code == 0
    assert (tmp_path / "four" / "model.safetensors").stat().st_size < (
        base.path / "model.safetensors"
    ).stat().st_size + 99


def test_no_checkpoint_is_replaced_by_a_merged_one_least_of_all_the_base_that_is_read(
    base: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(base.path, tmp_path / "mine")
    before = (tmp_path / "mine" / "model.safetensors").read_bytes()
    for read in (tmp_path / "mine", base.path):
        code, _, err = run(capsys, "export", "--merge", "stride", "--base", read, "-o", tmp_path / "mine")
        assert (code, err.count("\n")) == (2, 1)
        assert "mine: is a checkpoint already: give another -o, or remove it first" in err
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == before


def test_a_file_that_is_too_large_for_the_disk_is_named_with_the_remedy(
    base: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_240, limits[1]))
    try:
        code, _, err = run(capsys, "export", "--merge", "stride", "--base", base.path, "-o", tmp_path / "merged")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (code, err.count("\n")) == (2, 1)
    assert "merged: cannot be written (File too large" in err
    assert not (tmp_path / "merged").exists()


def test_generate_plays_in_a_style(base: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for style in ("", "stride", "stride, latin"):
        output = tmp_path / f"{len(files)}.mid"
        chosen = ["--style", style] if style else []
        code, _, err = run(
            capsys,
            "generate",
            "--checkpoint",
            base.path,
            "--chords",
            CHART,
            "--style-blend",
            0.5,
            "-o",
            output,
            *chosen,
        )
        assert (code, err) == (0, "")
        files.append(output.read_bytes())
    assert len(set(files)) == 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["styles", "info", "nobody"], "no style 'nobody': there are"),
        (["styles", "info", "../stride"], "no such style folder"),
        (["styles", "remove", "../stride"], "is no name for a style"),
        (["styles", "remove", "nobody"], "no style 'nobody' of yours"),
        (["styles", "add", "/dev/null"], "no such style folder"),
        (["styles", "add", "{made}"], "there is a style stride already"),
        (["styles", "add", "{made}", "--name", "a/b"], "is no name for a style"),
        (["styles"], "required: ACTION"),
        (["export", "--merge", "stride", "-o", "{out}"], "style stride was made on another base"),
        (["export", "--merge", "nobody", "-o", "{out}"], "no style 'nobody'"),
        (["export", "--merge", "other", "-o", "{made}"], "which would be lost"),
        (
            ["generate", "--chords", "C", "--style", "stride", "-o", "{out}.mid"],
            "style stride was made on another base",
        ),
        (["generate", "--chords", "C", "--style", "../x", "-o", "{out}.mid"], "is no name for a style"),
        (["generate", "--chords", "C", "--style", "a,b,c", "-o", "{out}.mid"], "3 styles"),
        (["finetune", "--data", "{made}", "--style", "A B", "-o", "{out}"], "is no name for a style"),
        (["finetune", "--data", "/nowhere", "--style", "a", "-o", "{out}"], "no such shard"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{out}/a"], "there is no folder"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "/proc/a"], "/proc/a: cannot be written"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{base}", "--full"], "is a checkpoint already"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{out}", "--full", "--bits", "4"], "leave --bits"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{out}", "--lora-rank", "0"], "--lora-rank 0"),
        (
            ["finetune", "--data", "/nowhere", "--style", "a", "-o", "{out}", "--lora-rank", "300"],
            "300 lies outside 1..256",
        ),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{out}", "--max-minutes", "0"], "--max-minutes 0"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{out}", "--update-tokens", "0"], "--update-tokens 0"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{out}", "--keep-share", "0.1"], "add --keep DATA"),
        (["finetune", "--data", "{made}", "--style", "a", "-o", "{out}", "--base", "/nowhere"], "no config.yaml"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(
    arguments: list[str], text: str, base: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments[0] == "finetune":
        pytest.importorskip("torch")
    filled = [part.format(made=tmp_path / "stride", out=tmp_path / "out", base=base.path) for part in arguments]
    code, _, err = run(capsys, *filled)
    assert code == 2
    assert err.count("\n") == 1
    assert text in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["info", "add", "export", "generate"])
@pytest.mark.parametrize("harm", ["pickle", "cut off", "huge header", "not a number", "other shapes", "other base"])
def test_a_hostile_style_is_one_line_and_exit_2(
    harm: str, command: str, base: Checkpoint, shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the command, nothing in the file is run and nothing is written."""
    mark = tmp_path / "mark"
    folder = shelf / "evil"
    style = random_style(base, "evil")
    first = next(iter(style.tensors))
    if harm == "not a number":
        style.tensors[first][0][0, 0] = np.nan
    if harm == "other shapes":
        style.tensors[first] = (style.tensors[first][0][:, :-1], style.tensors[first][1])
    if harm == "other base":
        style = replace(style, base_sha256="0" * 64)
    save_style(folder, style)
    tensors = folder / "adapter_model.safetensors"
    if harm == "pickle":
        tensors.write_bytes(pickle.dumps(Bomb(mark)))
    if harm == "cut off":
        tensors.write_bytes(tensors.read_bytes()[:-100])
    if harm == "huge header":
        tensors.write_bytes((10**12).to_bytes(8, "little") + tensors.read_bytes()[8:])
    lines = {
        "info": ["styles", "info", folder],
        "add": ["styles", "add", folder, "--name", "copied", "--checkpoint", base.path],
        "export": ["export", "--merge", "evil", "--base", base.path, "-o", tmp_path / "out"],
        "generate": ["generate", "--checkpoint", base.path, "--chords", "C", "--style", "evil", "-o", tmp_path / "out"],
    }
    code, _, err = run(capsys, *lines[command])
    if command == "info" and harm in ("other shapes", "other base"):
        assert (code, err) == (0, "")  # it may be a style of a base that is not here
        return
    assert code == 2
    assert err.count("\n") == 1
    assert not mark.exists()
    assert not (tmp_path / "out").exists()
    assert not (shelf / "copied").exists()


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_a_session_takes_a_style_from_the_next_token_on(base: Checkpoint) -> None:
    """Before the change nothing differs; rolled back and set back, the stream is what it would have been."""
    plain, styled = Session(base, seed=3), Session(base, seed=3)
    assert plain.generate(2.0) == styled.generate(2.0)
    styled.use_style({"stride": 1.0})
    after = styled.generate(4.0)
    assert after != plain.generate(4.0)
    styled.rollback(2.0)
    styled.use_style({})
    plain.rollback(2.0)
    plain.use_style({})
    assert styled.generate(4.0) == plain.generate(4.0)


def test_parameters_and_use_style_are_one(base: Checkpoint) -> None:
    by_call, by_knobs = Session(base, seed=3), Session(base, seed=3)
    by_call.use_style({"stride": 0.75, "latin": 0.25})
    by_knobs.set_params(style="stride, latin")
    by_knobs.set_params(style_blend=0.25)
    assert by_call.generate(3.0) == by_knobs.generate(3.0)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ({"nobody": 1.0}, "no style 'nobody'"),
        ({"other": 1.0}, "made on another base"),
        ({"stride": float("nan")}, r"outside 0\.\.2"),
        ({"stride": 2.5}, r"outside 0\.\.2"),
        ({name: 0.1 for name in "abcde"}, "blend at most 4"),
    ],
)
def test_a_style_that_is_refused_changes_nothing(base: Checkpoint, weights: dict[str, float], text: str) -> None:
    plain, tried = Session(base, seed=3), Session(base, seed=3)
    for session in (plain, tried):
        session.use_style({"latin": 1.0})
    with pytest.raises(CheckpointError, match=text):
        tried.use_style(weights)
    assert tried.generate(2.0) == plain.generate(2.0)


def test_a_style_that_was_made_anew_is_loaded_anew(base: Checkpoint, shelf: Path) -> None:
    """On the shelf by its files, in memory by itself; what is removed while it plays is played on."""
    session, again = Session(base, seed=3), Session(base, seed=3)
    session.use_style({"stride": 1.0, "latin": 0.5})
    shutil.rmtree(shelf / "stride")
    session.use_style({"stride": 1.0, "latin": 0.5})
    save_style(shelf / "stride", random_style(base, "stride", 77))
    for one in (session, again):
        one.use_style({"stride": 1.0, "latin": 0.5})
    assert session.generate(1.0) == again.generate(1.0)
    for seed in (5, 6):
        session.use_style({"mine": 1.0}, {"mine": random_style(base, "mine", seed)})
    again.use_style({"mine": 1.0}, {"mine": random_style(base, "mine", 6)})
    assert session.generate(2.0) == again.generate(2.0)


@pytest.mark.parametrize("rank", [0, 300])
def test_of_two_styles_either_both_are_taken_or_none(base: Checkpoint, rank: int) -> None:
    plain, tried = Session(base, seed=3), Session(base, seed=3)
    good = random_style(base, "good", 5)
    with pytest.raises(CheckpointError, match=f"rank {rank}"):
        tried.use_style({"good": 1.0, "wide": 0.5}, {"good": good, "wide": random_style(base, "wide", rank=rank)})
    for session in (plain, tried):
        session.use_style({"good": 1.0}, {"good": random_style(base, "good", 9)})
    assert tried.generate(2.0) == plain.generate(2.0)


def test_more_styles_than_slots_come_and_go(base: Checkpoint, tmp_path: Path) -> None:
    """Six styles one after the other, then one of them again: it sounds as if it had been the only one."""
    names = ["stride", "latin"]
    for seed in range(4):
        save_style(tmp_path / f"s{seed}", random_style(base, f"s{seed}", 10 + seed))
        names.append(add_style(tmp_path / f"s{seed}").name)
    for last in names:
        restless, calm = Session(base, seed=3), Session(base, seed=3)
        for name in [*names, last]:
            restless.use_style({name: 1.0})
        calm.use_style({last: 1.0})
        assert restless.generate(1.0) == calm.generate(1.0)


def test_osc_hears_at_once_of_a_style_that_is_not_there() -> None:
    check_live(Setting("style", "stride"))
    check_live(Setting("style_blend", 0.5))
    for text in ("nobody", "../stride", "stride, nobody"):
        with pytest.raises(CheckpointError):
            check_live(Setting("style", text))


def test_a_style_chosen_while_it_plays_is_heard_before_the_look_ahead_is_over(base: Checkpoint) -> None:
    """Four seconds are ready when the style comes: what has not sounded is taken back and played in it."""

    def play(style: str) -> World:
        world = World(make_session=lambda seed: Session(base, seed=seed))
        world.turn("look_ahead_ms", 4000)
        world.press(50, 53, 57, 60)
        world.run(2.0)
        if style:
            world.turn("style", style)
        world.run(2.0)
        return world

    plain, styled, refused = (play(style) for style in ("", "stride", "other"))
    turned_us = START_US + 2_000_000
    before = [event for event in plain.sent if event[0] <= turned_us]
    assert before
    assert [event for event in styled.sent if event[0] <= turned_us] == before
    assert [event for event in styled.sent if event[0] <= turned_us + 1_500_000] != [
        event for event in plain.sent if event[0] <= turned_us + 1_500_000
    ]
    assert "style other was made on another base" in dict(refused.said)["error"]
    assert refused.onsets(turned_us)


@pytest.mark.parametrize(
    ("gain", "is_said"), [(0.0, True), (0.0004, True), (-0.02, True), (0.002, False), (0.07, False)]
)
def test_a_style_that_is_its_base_under_another_name_is_said_to_be(gain: float, is_said: bool) -> None:
    """As one is that the machine had no time to teach: one update within a limit of three minutes."""
    said = gain_too_small(gain, updates=1, seconds=504)
    assert bool(said) == is_said
    if is_said:
        assert said.startswith("plays as its base does: its best of 8.4 min, after 1 updates")
        assert "--max-minutes" in said
