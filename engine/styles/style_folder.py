"""A style's folder: a low-rank adapter of the base's attention in PEFT's form, with a page of facts beside it.

    adapter_config.json        rank, alpha, target projections: plain PEFT (Hu et al. 2021, "LoRA") reads it
    adapter_model.safetensors  base_model.model.MODULE.lora_A.weight (rank, in), .lora_B.weight (out, rank), float16
    style.yaml                 name, sources with licences, the base's sha256, typical values, measured gain

A style comes from strangers. It is read as numbers and words alone: no pickle, no module named by a file is imported,
nothing outside the three files is opened, and numbers that no adapter has are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from engine.atomic import atomic_write, check_folder
from engine.errors import CheckpointError, ConfigError
from engine.model.config import MAX_ALPHA, MAX_RANK, ModelConfig, QloraConfig
from engine.model.config_file import YAML_ERRORS
from engine.model.shapes import parameter_shapes
from engine.styles.style import F32, Style, check_name, shown

__all__ = ["STYLE_FILES", "check_fits", "load_style", "save_style"]

CONFIG_FILE, TENSORS_FILE, FACTS_FILE = "adapter_config.json", "adapter_model.safetensors", "style.yaml"
STYLE_FILES = (CONFIG_FILE, TENSORS_FILE, FACTS_FILE)
PREFIX, A_SUFFIX, B_SUFFIX = "base_model.model.", ".lora_A.weight", ".lora_B.weight"  # PEFT's names

MAX_TEXT_BYTES = 65_536
MAX_TENSOR_BYTES = 64 << 20
HEADER_BYTES = 1 << 20  # of it at most are names and sizes
MAX_VALUE = 1e3  # weights of an adapter lie below 1
MAX_CONTROLS, MAX_QUANTITY = 64, 1e4  # typical values

# What PEFT writes beside rank, alpha and targets, and the values with which an adapter is what we compute.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "bias": ("none",),
    "inference_mode": (True, False),
    "init_lora_weights": (True,),
    "megatron_core": ("megatron.core",),  # PEFT's default; acts only with a megatron_config
    "qalora_group_size": (16,),  # likewise with use_qalora
    "task_type": (None, "FEATURE_EXTRACTION"),
}
_FREE = (
    "peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "base_model_name_or_path", "peft_version",
    "revision",
)  # fmt: skip


def check_fits(model: ModelConfig, qlora: QloraConfig) -> None:
    """ConfigError unless the file of such a style on such a base is one that load_style reads."""
    targets = tuple(f".{target}.weight" for target in qlora.target_modules)
    shapes = (shape for name, shape in parameter_shapes(model).items() if name.endswith(targets))
    bytes_a_rank = np.dtype(np.float16).itemsize * sum(map(sum, shapes))
    most = (MAX_TENSOR_BYTES - HEADER_BYTES) // bytes_a_rank
    if qlora.rank > most:
        raise ConfigError(
            f"--lora-rank {qlora.rank}: on a base of this size that makes a style larger than "
            f"{MAX_TENSOR_BYTES >> 20} MB, which could not be loaded: give at most {most}"
        )


def load_style(folder: str | Path) -> Style:
    """Reads a style folder. CheckpointError, in one line: missing, broken, or not a style that can be trusted."""
    folder = Path(folder)
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such style folder: give one that `sideman finetune -o` wrote")
    for name in STYLE_FILES:
        if not (folder / name).is_file():
            pickles = sorted(path.name for path in folder.glob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl"))
            if name == TENSORS_FILE and pickles:
                raise CheckpointError(
                    f"{folder}: {shown(pickles[0])} is a pickle, which can run code, and is not read: "
                    "ask for adapter_model.safetensors"
                )
            raise CheckpointError(f"{folder}: no {name}: give a folder that `sideman finetune -o` wrote")
    name, base, facts = _read_facts(folder / FACTS_FILE)
    rank, alpha, targets = _read_config(folder / CONFIG_FILE)
    return Style(name, base, rank, alpha, targets, _read_tensors(folder / TENSORS_FILE, rank), facts)


def save_style(path: str | Path, style: Style) -> None:
    """Writes the folder beside `path`, then renames. SidemanError: it cannot be written or holds something else."""
    check_folder(path, STYLE_FILES)
    config = {
        "peft_type": "LORA",
        "r": style.rank,
        "lora_alpha": style.alpha,
        "lora_dropout": 0.0,
        "target_modules": list(style.targets),
        "bias": "none",
        "inference_mode": True,
        "base_model_name_or_path": None,  # PEFT would look it up on a hub; style.yaml names the base
    }
    base = {"sha256": style.base_sha256, **{k: v for k, v in style.facts.get("base", {}).items() if k != "sha256"}}
    facts = {"name": style.name, "base": base, **{k: v for k, v in style.facts.items() if k != "base"}}
    tensors = {}
    for module, (a, b) in style.tensors.items():
        tensors[f"{PREFIX}{module}{A_SUFFIX}"] = a.astype(np.float16)
        tensors[f"{PREFIX}{module}{B_SUFFIX}"] = b.astype(np.float16)
    with atomic_write(path) as folder:
        folder.mkdir()
        (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        (folder / FACTS_FILE).write_text(yaml.safe_dump(facts, sort_keys=False, allow_unicode=True), encoding="utf-8")
        save_file(tensors, folder / TENSORS_FILE, metadata={"format": "pt"})  # PEFT asks for it
        (folder / TENSORS_FILE).chmod(0o644)


def _read_facts(path: Path) -> tuple[str, str, dict[str, Any]]:
    """style.yaml -> name, base's sha256, everything else."""
    text = _text(path)
    try:
        # An alias could stand for an alias of aliases: a page that fills the memory once somebody prints it.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError("it has aliases")
        data = yaml.safe_load(text)
    except YAML_ERRORS as error:
        raise CheckpointError(f"{path}: broken YAML ({error}): copy the style again") from None
    base = data.get("base") if isinstance(data, dict) else None
    sha256 = base.get("sha256") if isinstance(base, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise CheckpointError(f"{path}: names no style: write `name: NAME` into it, or copy the style again")
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise CheckpointError(f"{path}: does not say which base it needs (base: sha256): copy the style again")
    controls = data.setdefault("controls", {})
    if not isinstance(controls, dict) or len(controls) > MAX_CONTROLS or not all(map(_is_typical, controls.items())):
        raise CheckpointError(f"{path}: its controls are no names with a word or a number each: copy the style again")
    return check_name(data["name"]), sha256, {key: value for key, value in data.items() if key != "name"}


def _is_typical(row: tuple[object, object]) -> bool:
    """Whether a control's name and value are what one may be."""
    name, value = row
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_QUANTITY
    return isinstance(name, str) and (number or (isinstance(value, str) and len(value) <= 40))


def _read_config(path: Path) -> tuple[int, float, tuple[str, ...]]:
    """adapter_config.json -> rank, alpha, targets; everything that would make it another kind of adapter is refused."""
    try:
        data = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: broken JSON ({error}): copy the style again") from None
    if not isinstance(data, dict) or data.get("peft_type") != "LORA":
        raise CheckpointError(f"{path}: is not a LoRA adapter: only those are styles")
    for key, value in data.items():
        if key not in _FREE and value not in _NEUTRAL.get(key, ()) and value not in (None, False, {}, []):
            raise CheckpointError(f"{path}: {shown(key)} {shown(value)} is nothing that a style may ask for")
    rank, alpha, targets = data.get("r"), data.get("lora_alpha"), data.get("target_modules")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 1 <= rank <= MAX_RANK:
        raise CheckpointError(f"{path}: r {shown(rank)} is no rank of 1..{MAX_RANK}")
    if not isinstance(alpha, int | float) or isinstance(alpha, bool) or not 0 < alpha <= MAX_ALPHA:
        raise CheckpointError(f"{path}: lora_alpha {shown(alpha)} is no number above 0 and up to {MAX_ALPHA}")
    known = QloraConfig.target_modules
    if not isinstance(targets, list) or not targets or not all(target in known for target in targets):
        raise CheckpointError(f"{path}: target_modules {shown(targets)}: a style changes only {', '.join(known)}")
    return rank, float(alpha), tuple(target for target in known if target in targets)


def _read_tensors(path: Path, rank: int) -> dict[str, tuple[F32, F32]]:
    """adapter_model.safetensors -> module -> A, B. Shapes against the base are adapter_of's to check."""
    try:
        if path.stat().st_size > MAX_TENSOR_BYTES:
            raise CheckpointError(f"{path}: is larger than {MAX_TENSOR_BYTES >> 20} MB: no style is")
        stored = load(path.read_bytes())
    # safetensors names a number format that numpy lacks by a KeyError or an AttributeError
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise CheckpointError(f"{path}: not weights that can be read ({error}): copy the style again") from None
    halves: Mapping[str, dict[str, F32]] = {A_SUFFIX: {}, B_SUFFIX: {}}
    for name, tensor in stored.items():
        suffix = next((end for end in halves if name.endswith(end)), None)
        if suffix is None or not name.startswith(PREFIX):
            raise CheckpointError(f"{path}: {shown(name)} is no matrix of a LoRA: copy the style again")
        if tensor.ndim != 2 or tensor.dtype not in (np.float16, np.float32) or rank not in tensor.shape:
            raise CheckpointError(f"{path}: {shown(name)} is {tensor.dtype} {tensor.shape}, no matrix of rank {rank}")
        if not (np.abs(tensor) <= MAX_VALUE).all():  # false for NaN, too
            raise CheckpointError(f"{path}: {shown(name)} holds numbers that are no weights: copy the style again")
        halves[suffix][name.removeprefix(PREFIX).removesuffix(suffix)] = tensor.astype(np.float32)
    first, second = halves[A_SUFFIX], halves[B_SUFFIX]
    for module in first.keys() ^ second.keys():
        raise CheckpointError(f"{path}: {shown(module)} has only one of its two matrices: copy the style again")
    if not first:
        raise CheckpointError(f"{path}: holds no matrix: copy the style again")
    return {module: (first[module], second[module]) for module in sorted(first)}


def _text(path: Path) -> str:
    """Reads a small file's text. CheckpointError if it is not text."""
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise CheckpointError(f"{path}: is larger than {MAX_TEXT_BYTES >> 10} KB: copy the style again")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: cannot be read as UTF-8 text ({error}): copy the style again") from None
