"""Style folders: what is written is read back, what plain PEFT reads, and nothing of a hostile one is believed."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from engine.errors import CheckpointError, SidemanError
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.platform.linux import Linux
from engine.styles.library import (
    add_style,
    find_style,
    list_styles,
    remove_style,
    shipped_styles,
    style_weights,
    user_styles,
)  # fmt: skip
from engine.styles.merge import export_merged
from engine.styles.style import adapter_of, check_name
from engine.styles.style_folder import STYLE_FILES, load_style, save_style
from tests.support.style_folders import random_style, write_base

CONFIG, TENSORS, FACTS = STYLE_FILES


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return write_base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture
def folder(base: Checkpoint, tmp_path: Path) -> Path:
    save_style(tmp_path / "made", random_style(base))
    return tmp_path / "made"


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDEMAN_STYLES", str(tmp_path / "shelf"))
    return tmp_path / "shelf"


def edit_json(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / CONFIG
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


def edit_yaml(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / FACTS
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))

    return edit


def edit_tensors(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        tensors = load_file(folder / TENSORS)
        change(tensors)
        save_file(tensors, folder / TENSORS)

    return edit


def write(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


FIRST = "base_model.model.encode_attn.q_proj.lora_A.weight"
SECOND = "base_model.model.encode_attn.q_proj.lora_B.weight"


def test_what_is_saved_is_loaded(base: Checkpoint, folder: Path) -> None:
    written, read = random_style(base), load_style(folder)
    assert (read.name, read.base_sha256, read.rank, read.alpha) == ("stride", base.sha256, 4, 8.0)
    assert read.targets == written.targets
    assert read.facts["sources"] == [{"licence": "MIT"}]
    assert {module: scale for module, (_, _, scale) in read.lora.items()} == dict.fromkeys(written.tensors, 2.0)
    for module, (a, b) in written.tensors.items():
        np.testing.assert_array_equal(read.tensors[module][0], a)
        np.testing.assert_array_equal(read.tensors[module][1], b)
    assert sorted(path.name for path in folder.iterdir()) == sorted(STYLE_FILES)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (write(TENSORS, b""), "not weights that can be read"),
        (lambda f: (f / TENSORS).write_bytes((f / TENSORS).read_bytes()[:-100]), "not weights that can be read"),
        (lambda f: (f / TENSORS).write_bytes(b"\xff" * 8 + (f / TENSORS).read_bytes()), "not weights that can be read"),
        (edit_tensors(lambda t: t[FIRST].__setitem__((0, 0), np.nan)), "numbers that are no weights"),
        (edit_tensors(lambda t: t[SECOND].__setitem__((0, 0), np.inf)), "numbers that are no weights"),
        (edit_tensors(lambda t: t[SECOND].__setitem__((0, 0), 60_000)), "numbers that are no weights"),
        (edit_tensors(lambda t: t.pop(FIRST)), "only one of its two matrices"),
        (edit_tensors(lambda t: t.clear()), "holds no matrix"),
        (edit_tensors(lambda t: t.update({FIRST: t[FIRST].astype(np.int32)})), "no matrix of rank 4"),
        (edit_tensors(lambda t: t.update({FIRST: t[FIRST][:2]})), "no matrix of rank 4"),
        (edit_tensors(lambda t: t.update({"head.weight": t[FIRST]})), "'head.weight' is no matrix of a LoRA"),
        (write(CONFIG, b"{"), "broken JSON"),
        (write(CONFIG, b"[" * 100_000), "is larger than 64 KB"),
        (write(CONFIG, b"[" * 60_000), "broken JSON"),
        (write(CONFIG, b"\xff\xfe"), "cannot be read as UTF-8"),
        (edit_json(peft_type="PREFIX_TUNING"), "is not a LoRA adapter"),
        (edit_json(trust_remote_code=True), "'trust_remote_code' True is nothing that a style may ask for"),
        (edit_json(auto_mapping={"parent_library": "os", "base_model_class": "system"}), "'auto_mapping'"),
        (edit_json(target_modules=["q_proj", "head"]), "a style changes only q_proj"),
        (edit_json(target_modules=".*"), "a style changes only q_proj"),
        (edit_json(modules_to_save=["head"]), "'modules_to_save'"),
        (edit_json(use_dora=True), "'use_dora'"),
        (edit_json(rank_pattern={"q_proj": 2}), "'rank_pattern'"),
        (edit_json(bias="all"), "'bias'"),
        (edit_json(r=10**9), "is no rank of 1..256"),
        (edit_json(r=True), "is no rank of 1..256"),
        (edit_json(lora_alpha=float("nan")), "is no number above 0"),
        (edit_json(lora_alpha=-1), "is no number above 0"),
        (edit_json(lora_alpha=10_001), "10001 is no number above 0 and up to 10000"),
        (edit_yaml(name="../evil"), "'../evil' is no name for a style"),
        (edit_yaml(name=["x"]), "names no style"),
        (edit_yaml(base="mine"), "does not say which base it needs"),
        (edit_yaml(base={"sha256": "xyz"}), "does not say which base it needs"),
        (write(FACTS, b"a: [" * 10_000), "broken YAML"),
        (write(FACTS, b"!!python/object/apply:os.mkdir [pwned]"), "broken YAML"),
        (write(FACTS, b"\x00"), "broken YAML"),
        (write(FACTS, b"name: stride\nday: 2020-99-99"), "broken YAML"),
        (write(FACTS, b"name: stride\nday: !!timestamp soon"), "broken YAML"),
        (write(FACTS, b"name: stride\nmany: " + b"9" * 9999), "broken YAML"),
        (write(FACTS, b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]"), "it has aliases"),
        (lambda f: (f / FACTS).unlink(), "no style.yaml"),
        (lambda f: (f / CONFIG).unlink(), "no adapter_config.json"),
        (lambda f: (f / TENSORS).unlink(), "no adapter_model.safetensors"),
        (lambda f: (f / TENSORS).rename(f / "adapter_model.bin"), "is a pickle, which can run code"),
    ],
)
def test_a_spoilt_style_is_refused_in_one_line(folder: Path, spoil: Callable[[Path], object], text: str) -> None:
    spoil(folder)
    with pytest.raises(CheckpointError) as caught:
        load_style(folder)
    message = " ".join(str(caught.value).split())
    assert text in message
    assert len(message) < 500


@pytest.mark.parametrize("name", STYLE_FILES)
def test_a_pickle_under_any_name_is_not_run(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
    with pytest.raises(CheckpointError):
        load_style(folder)
    assert not (tmp_path / "mark").exists()


def test_a_style_of_another_base_is_refused_by_name(base: Checkpoint, tmp_path: Path) -> None:
    other = write_base(tmp_path / "other", seed=1)
    with pytest.raises(CheckpointError, match="style stride was made on another base") as caught:
        adapter_of(random_style(other), base)
    assert other.sha256[:12] in str(caught.value)


def test_a_style_of_another_shape_is_refused(base: Checkpoint) -> None:
    style = random_style(base)
    a, b = style.tensors["blocks.1.chord_attn.v_proj"]
    style.tensors["blocks.1.chord_attn.v_proj"] = (a[:, :-1], b)
    with pytest.raises(CheckpointError, match=r"blocks.1.chord_attn.v_proj is \(4, 63\)"):
        adapter_of(style, base)
    del style.tensors["blocks.1.chord_attn.v_proj"]
    with pytest.raises(CheckpointError, match=r"lacks blocks\.1\.chord_attn\.v_proj"):
        adapter_of(style, base)
    style.tensors["blocks.9.chord_attn.v_proj"] = (a, b)
    with pytest.raises(CheckpointError, match=r"lacks|has an unknown"):
        adapter_of(style, base)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "C:x", "A", "ä", "x" * 41, "-x", "con", "com1", "a\n", "a b", "~"],
)
def test_a_name_never_is_a_path(name: str, shelf: Path) -> None:
    for use in (check_name, find_style, remove_style):
        with pytest.raises(CheckpointError, match="is no name for a style"):
            use(name)


def test_a_style_goes_onto_the_shelf_and_off_it(folder: Path, shelf: Path) -> None:
    (folder / "notes.txt").write_text("not copied")
    assert add_style(folder) == shelf / "stride"
    assert sorted(path.name for path in (shelf / "stride").iterdir()) == sorted(STYLE_FILES)
    assert find_style("stride").rank == 4
    assert [(item.name, item.error) for item in list_styles() if not item.shipped] == [("stride", None)]
    with pytest.raises(CheckpointError, match="stride already: give another name by --name, or sideman styles remove"):
        add_style(folder)
    with pytest.raises(CheckpointError, match=r"ragtime already: give another name by --name$"):
        add_style(folder, "ragtime")  # which ships with the package, and cannot be removed
    assert add_style(folder, "stride-2").name == "stride-2"
    assert find_style("stride-2").name == "stride-2"
    assert remove_style("stride") == shelf / "stride"
    with pytest.raises(CheckpointError, match="no style 'stride'"):
        find_style("stride")
    with pytest.raises(CheckpointError, match="no style 'stride' of yours"):
        remove_style("stride")


def test_a_broken_style_is_listed_with_its_reason(folder: Path, shelf: Path) -> None:
    add_style(folder)
    (shelf / "stride" / TENSORS).write_bytes(b"")
    (shelf / "Not A Name").mkdir()
    errors = {item.name: item.error for item in list_styles() if not item.shipped}
    assert "not weights" in (errors["stride"] or "")
    assert "is no name" in (errors["Not A Name"] or "")


def test_a_link_on_the_shelf_is_not_followed_by_remove(folder: Path, shelf: Path) -> None:
    shelf.mkdir()
    (shelf / "linked").symlink_to(folder)
    with pytest.raises(CheckpointError):
        remove_style("linked")
    assert load_style(folder).name == "stride"


def test_a_shelf_that_cannot_be_made_is_one_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIDEMAN_STYLES", str(tmp_path / "file" / "styles"))
    with pytest.raises(SidemanError, match="set SIDEMAN_STYLES"):
        add_style(folder)


def test_the_shelf_lies_where_the_platform_keeps_such_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SIDEMAN_STYLES", raising=False)
    monkeypatch.setattr("engine.platform.system._chosen", Linux({}, lambda: tmp_path))
    assert user_styles() == tmp_path / ".local/share/sideman/styles"
    monkeypatch.setenv("SIDEMAN_STYLES", "/own")
    assert user_styles() == Path("/own")


@pytest.mark.parametrize(
    ("text", "blend", "weights"),
    [
        ("", 0.5, {}),
        ("ragtime", 0.0, {"ragtime": 1.0}),
        ("ragtime", 0.25, {"ragtime": 0.75}),
        ("ragtime, klezmer", 0.25, {"ragtime": 0.75, "klezmer": 0.25}),
        ("ragtime,klezmer", 1.0, {"ragtime": 0.0, "klezmer": 1.0}),
        ("ragtime, ragtime", 0.25, {"ragtime": 1.0}),
    ],
)
def test_the_style_parameter_names_one_style_or_two(text: str, blend: float, weights: dict[str, float]) -> None:
    assert style_weights(text, blend) == weights


@pytest.mark.parametrize("text", ["a,b,c", "a,", "a/b", ","])
def test_a_style_parameter_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        style_weights(text, 0.0)


def test_shipped_styles_fit_the_shipped_base_and_are_small() -> None:
    base = load_checkpoint()
    for folder in sorted(shipped_styles().iterdir()) if shipped_styles().is_dir() else []:
        style = load_style(folder)
        assert style.name == folder.name
        assert adapter_of(style, base)
        assert sum(path.stat().st_size for path in folder.iterdir()) < 2e6
        assert all(source["licence"] != "unknown" for source in style.facts["sources"])


def test_a_merged_base_is_the_base_and_its_style(base: Checkpoint, tmp_path: Path) -> None:
    style = random_style(base)
    sha256 = export_merged(base, style, tmp_path / "merged", bits=32)
    merged = load_checkpoint(tmp_path / "merged")
    assert merged.sha256 == sha256
    for name, value in merged.weights.items():
        expected = base.weights[name]
        if name.removesuffix(".weight") in style.tensors:
            a, b = style.tensors[name.removesuffix(".weight")]
            expected = expected + 2.0 * b @ a
        np.testing.assert_allclose(value, expected, atol=1e-6)
    assert "Merged with the style stride" in (tmp_path / "merged" / "card.md").read_text()
    with pytest.raises(CheckpointError, match="made on another base"):
        adapter_of(style, merged)
