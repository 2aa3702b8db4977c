"""The face of native: what it exports, how it picks a variant, and that both variants have the stub's signatures."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import native
from engine.inference.stream import stream_rules
from engine.vocabulary import LAYOUT
from tests.support.native_variants import compiled, needs_compiled

ROOT = Path(native.__file__).parent.parent
STUB = ast.parse((ROOT / "native" / "_core.pyi").read_text())
TWINS = {
    "encode": "tokenizer", "decode": "tokenizer", "Sampler": "sampler", "Scheduler": "scheduler", "MidiRing": "ring",
    "philox4x32": "philox", "now_us": "clock", "kernel": "kernel", "kernels": "kernel",
}  # fmt: skip


def test_the_exported_names_are_these() -> None:
    assert sorted(native.__all__) == [
        "Decoder", "Layout", "MidiEvent", "MidiRing", "Sampler", "SamplerParams", "Scheduler", "Stream", "StreamRules",
        "VARIANT", "decode", "encode", "kernel", "kernels", "now_us", "philox4x32", "read_bandwidth",
    ]  # fmt: skip
    missing = {name for name in native.__all__ if not hasattr(native, name)}
    assert missing == (set() if native.VARIANT == "compiled" else {"Decoder", "Stream", "read_bandwidth"})


def test_nobody_outside_imports_the_extension_itself() -> None:
    for layer in ("engine", "bridge", "osc_protocol", "benchmarks"):
        for path in (ROOT / layer).rglob("*.py"):
            assert not re.search(r"import _core|native\._core", path.read_text(encoding="utf-8")), path


def _variant_under(wish: str, *, with_extension: bool) -> subprocess.CompletedProcess[str]:
    hide = "" if with_extension else (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'native._core' else find(name, *rest)\n"
    )  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", f"{hide}import native; print(native.VARIANT)"],
        env={**os.environ, "SIDEMAN_NATIVE": wish}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "with_extension", "variant"),
    [
        pytest.param("auto", True, "compiled", marks=needs_compiled),
        pytest.param("require", True, "compiled", marks=needs_compiled),
        ("off", True, "python"),
        ("auto", False, "python"),
        ("off", False, "python"),
    ],
)
def test_the_environment_picks_the_variant(wish: str, with_extension: bool, variant: str) -> None:
    result = _variant_under(wish, with_extension=with_extension)
    assert (result.stdout.strip(), result.stderr) == (variant, "")


@pytest.mark.parametrize(
    ("wish", "message"),
    [("require", "native._core was not built"), ("fast", "set it to auto, require or off")],
)
def test_a_wish_that_cannot_be_met_is_an_import_error_with_the_remedy(wish: str, message: str) -> None:
    result = _variant_under(wish, with_extension=False)
    assert result.returncode == 1
    assert "ImportError" in result.stderr
    assert message in result.stderr


def _parameters(function: ast.FunctionDef) -> list[tuple[str, str | None]]:
    defaults: list[Any] = [None] * (len(function.args.args) - len(function.args.defaults)) + function.args.defaults
    return [
        (argument.arg, default and ast.unparse(default))
        for argument, default in zip(function.args.args, defaults, strict=True)
    ]


def _stub_functions() -> list[tuple[str, ast.FunctionDef]]:
    # Without a twin here: read_bandwidth, which measures the machine for a benchmark, and the decoder, whose twin is
    # engine/inference/decoder.
    found = [(node.name, node) for node in STUB.body if isinstance(node, ast.FunctionDef) and node.name in TWINS]
    for node in STUB.body:
        if isinstance(node, ast.ClassDef) and node.name in TWINS:
            found += [(f"{node.name}.{method.name}", method) for method in node.body
                      if isinstance(method, ast.FunctionDef)]  # fmt: skip
    return found


@pytest.mark.parametrize(("name", "stub"), [pytest.param(name, stub, id=name) for name, stub in _stub_functions()])
def test_the_twins_have_the_stubs_signatures(name: str, stub: ast.FunctionDef) -> None:
    owner, *rest = name.split(".")
    twin = getattr(importlib.import_module(f"native.twins.{TWINS[owner]}"), owner)
    for part in rest:
        twin = inspect.getattr_static(twin, part)
    if isinstance(twin, property):
        assert ast.unparse(stub.decorator_list[0]) == "property"
        twin = twin.fget
    signature = inspect.signature(twin)
    assert _parameters(stub) == [
        (parameter.name, None if parameter.default is parameter.empty else repr(parameter.default))
        for parameter in signature.parameters.values()
    ]
    assert signature.return_annotation.replace('"', "'") in (ast.unparse(stub.returns or ast.Constant(None)), "Decoded")


@needs_compiled
def test_the_extension_has_the_stubs_signatures(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    allow = tmp_path / "allow"  # pybind11's metaclass
    classes = ("Decoder", "MidiRing", "Sampler", "Scheduler", "Stream")
    allow.write_text("".join(f"native._core.{name}\n" for name in classes))
    result = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "native._core", "--allowlist", str(allow)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


RULES = stream_rules([])


def test_plain_data_survives_pickling_and_compares_by_value() -> None:
    for value in (LAYOUT, native.SamplerParams(top_k=5), RULES):
        assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"note_off": 100}, "overlap"),
        ({"num_ids": 380}, "overlap or reach beyond num_ids 380"),
        ({"note_on": -1}, "overlap"),
        ({"num_velocities": 30}, "must divide 128"),
        ({"step_ms": 0}, "start at 1"),
        ({"num_ids": 70000}, "must fit uint16"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        native.Layout(**{**vars(LAYOUT), **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chord_clip": -1}, "chord_clip -1 lies outside"),
        ({"phrase_control": 0}, "there are 0 controls"),
        ({"phrase_bars": 0}, "a bar at least"),
        ({"leaning": (1.0,)}, "one a bin of the beat"),
    ],
)
def test_rules_of_a_stream_that_contradict_each_other_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        native.StreamRules(**{**vars(RULES), **change})


@needs_compiled
def test_the_extension_takes_layouts_and_params_of_this_package_alone() -> None:
    with pytest.raises(TypeError, match=r"native\.layout\.Layout"):
        compiled.Sampler(vars(LAYOUT), 0)
    with pytest.raises(TypeError, match=r"native\.sampler_params\.SamplerParams"):
        compiled.Sampler(LAYOUT, 0).set_params({})
