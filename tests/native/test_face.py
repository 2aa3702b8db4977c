"""The face of native: what it exports, how it picks a variant, and that both variants have the stub's signatures."""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import native
from engine.inference.asked_stream import SAMPLER_NAMES
from engine.inference.stream_rules import stream_rules
from engine.vocabulary import LAYOUT
from osc_protocol.table.parameters import BY_NAME
from tests.support.native_variants import compiled, needs_compiled

ROOT = Path(native.__file__).parent.parent
STUB = ast.parse((ROOT / "native" / "_core.pyi").read_text())
TWINS = {
    "encode": "tokenizer", "decode": "tokenizer", "Sampler": "sampler", "Scheduler": "scheduler", "MidiRing": "ring",
    "philox4x32": "philox", "now_us": "clock", "kernel": "kernel", "kernels": "kernel",
}  # fmt: skip


def test_the_exported_names_are_these() -> None:
    assert sorted(native.__all__) == [
        "Decoder", "Layout", "MidiEvent", "MidiRing", "Sampler", "SamplerParams", "Scheduler", "Steering",
        "Stream", "StreamRules", "Theme", "VARIANT", "decode", "encode", "kernel", "kernels", "now_us", "philox4x32",
        "plugin_file", "read_bandwidth",
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
    ("wish", "message"), [("require", "native._core was not built"), ("fast", "set it to auto, require or off")]
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
    # engine/inference/decoders/numpy_decoder.
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


BEGINNINGS = {  # of a type as pybind11 has it -> of the same as the stub may have it
    "int": ("int",), "typing.SupportsInt": ("int",), "typing.SupportsFloat": ("float",), "float": ("float",),
    "bool": ("bool",), "str": ("str",), "bytes": ("bytes",), "dict": ("dict",), "list": ("list",), "tuple": ("tuple",),
    "collections.abc.Sequence": ("Sequence",), "typing.Annotated": ("npt.NDArray", "npt.ArrayLike"),
    "numpy.typing.NDArray": ("npt.NDArray",), "object": ("npt.ArrayLike",), "None": ("None",), "native.": ("",),
}  # fmt: skip


@needs_compiled
@pytest.mark.parametrize("name", [
    f"{node.name}.{method.name}" if isinstance(node, ast.ClassDef) else node.name
    for node in STUB.body if isinstance(node, ast.ClassDef | ast.FunctionDef)
    for method in (node.body if isinstance(node, ast.ClassDef) else [node]) if isinstance(method, ast.FunctionDef)
])  # fmt: skip
def test_the_extension_has_the_stubs_types(name: str) -> None:
    """stubtest cannot read pybind11's signatures; they stand in the first line of each docstring."""
    owner, _, method = name.partition(".")
    nodes: dict[str, Any] = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    stub = nodes[owner]
    built = getattr(importlib.import_module("native._core"), owner)
    if method:
        stub = next(node for node in stub.body if isinstance(node, ast.FunctionDef) and node.name == method)
        built = inspect.getattr_static(built, method)
    line = str(getattr(built, "fget", built).__doc__).splitlines()[0]
    said = ast.parse(f"def {'f' if line.startswith('(') else ''}{line}: ...").body[0]
    assert isinstance(said, ast.FunctionDef)
    names = ["self" if argument.arg == "arg0" else argument.arg for argument in said.args.args]
    assert names == [argument.arg for argument in stub.args.args]
    assert list(map(ast.unparse, said.args.defaults)) == list(map(ast.unparse, stub.args.defaults))
    for theirs, ours in zip([*said.args.args, said], [*stub.args.args, stub], strict=True):
        annotations = [node.annotation if isinstance(node, ast.arg) else node.returns for node in (theirs, ours)]
        if annotations[1] is None:
            assert isinstance(ours, ast.arg)
            assert ours.arg == "self"
            continue
        built_type, stub_type = (ast.unparse(annotation) if annotation else "" for annotation in annotations)
        allowed = next(allowed for beginning, allowed in BEGINNINGS.items() if built_type.startswith(beginning))
        assert stub_type.startswith(allowed), f"{name}: the stub says {stub_type}, the extension {built_type}"
        assert built_type.endswith("| None") == stub_type.endswith("| None")


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
        ({"beat_bins": 0, "leaning": ()}, "beat_bins 0: a beat and a bar have a bin"),
        ({"bar_bins": 0}, "bar_bins 0: a beat and a bar have a bin"),
        ({"release": math.nan}, "a number that is none"),
        ({"phrase_grace_s": math.inf}, "a number that is none"),
        ({"leaning": (math.nan,) * 24}, "a number that is none"),
        ({"ending_edges_s": (1.0, math.inf)}, "a number that is none"),
        ({"steering": native.Steering(most=math.nan)}, "a number that is none"),
        ({"steering": native.Steering(offsets=(0.0,) * 4)}, "one a target, five"),
        ({"steering": native.Steering(window_steps=-1)}, "its window lies outside"),
        ({"steering": native.Steering(bass_below=129)}, "its bass outside"),
        ({"steering": native.Steering(octave=0.0)}, "divide by"),
        ({"theme": native.Theme(strike=-math.inf)}, "a number that is none"),
        ({"theme": native.Theme(temperature=0.0)}, "divide by"),
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


def test_the_sampler_starts_as_the_parameter_table_says_and_takes_all_of_its_ranges() -> None:
    default = native.SamplerParams()
    for name in SAMPLER_NAMES:
        row = BY_NAME[name]
        assert getattr(default, name) == row.default, name
        for value in (row.low, row.high):
            replace(default, **{name: value})
