"""Finds styles by name: in the user's own folder, then among those that ship with the package."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.atomic import make_folder
from engine.errors import CheckpointError, SidemanError
from engine.model.checkpoint import Checkpoint
from engine.styles.style import Style, adapter_of, check_name
from engine.styles.style_folder import STYLE_FILES, load_style, save_style
from engine.user_folders import user_place

__all__ = [
    "Shelved",
    "add_style",
    "find_style",
    "list_styles",
    "parse_styles",
    "remove_style",
    "shipped_styles",
    "style_mark",
    "style_weights",
    "user_styles",
]

MAX_BLENDED = 2  # that the style parameter can name


@dataclass(frozen=True)
class Shelved:
    """A style folder that list_styles found: a good one with its base, or another with the reason why it is none."""

    name: str
    folder: Path
    shipped: bool
    base_sha256: str | None
    error: str | None


def shipped_styles() -> Path:
    """Returns the folder of the styles in the package."""
    return Path(__file__).parents[1] / "pretrained" / "styles"


def user_styles() -> Path:
    """Returns the user's folder of styles, or the one in SIDEMAN_STYLES. It need not exist yet."""
    return user_place("SIDEMAN_STYLES", "styles", "data")


def find_style(name: str) -> Style:
    """Loads the style of a name. CheckpointError: there is none (the error lists those there are), or it is broken."""
    check_name(name)
    for place in (user_styles(), shipped_styles()):
        if (place / name).is_dir():
            return load_style(place / name)
    there = sorted({item.name for item in list_styles() if item.error is None})
    known = f"there are {', '.join(there)}" if there else "make one with sideman finetune"
    raise CheckpointError(f"no style {name!r}: {known}; sideman styles add FOLDER takes in another")


def style_mark(name: str) -> tuple[object, ...] | None:
    """Returns what tells the style that find_style would load from older ones of its name; None: there is none."""
    check_name(name)
    for place in (user_styles(), shipped_styles()):
        if (place / name).is_dir():
            files = [place / name / file for file in STYLE_FILES]
            return place, *(file.stat().st_mtime_ns if file.is_file() else None for file in files)
    return None


def list_styles() -> list[Shelved]:
    """Lists every style by name, broken ones too; the user's own hides a shipped one of the same name."""
    found: dict[str, Shelved] = {}
    for place, shipped in ((user_styles(), False), (shipped_styles(), True)):
        if not place.is_dir():
            continue
        for folder in sorted(item for item in place.iterdir() if item.is_dir() and not item.name.startswith(".")):
            if folder.name not in found:
                found[folder.name] = _look_at(folder, shipped)
    return [found[name] for name in sorted(found)]


def add_style(folder: Path, name: str | None = None, bases: Sequence[Checkpoint] = ()) -> Path:
    """Copies a style into the user's folder, under its own name or another; returns where it lies.

    What is copied is what was read and checked, not the folder's other contents. bases: it must be for one of these and
    fit it; without any that is not asked. CheckpointError: it is no style, it is for none of the bases, the name is no
    name or already taken. SidemanError: the user's folder cannot be written.
    """
    style = load_style(folder)
    name = check_name(style.name if name is None else name)
    shipped = (shipped_styles() / name).exists()
    if shipped or (user_styles() / name).exists():
        remedy = "" if shipped else f", or sideman styles remove {name} first"
        raise CheckpointError(f"there is a style {name} already: give another name by --name{remedy}")
    if bases:  # refused here rather than when it is to be played
        adapter_of(style, next((base for base in bases if base.sha256 == style.base_sha256), bases[0]))
    target = user_styles() / name
    make_folder(target.parent, "set SIDEMAN_STYLES")
    save_style(
        target, Style(name, style.base_sha256, style.rank, style.alpha, style.targets, style.tensors, style.facts)
    )
    return target


def remove_style(name: str) -> Path:
    """Deletes a style of the user's folder; returns where it lay. CheckpointError: there is none, or it is shipped."""
    check_name(name)
    folder = user_styles() / name
    if folder.is_symlink() or not folder.is_dir():
        if (shipped_styles() / name).is_dir():
            raise CheckpointError(f"style {name} ships with Sideman: only styles that you added can be removed")
        raise CheckpointError(f"no style {name!r} of yours in {user_styles()}: sideman styles list shows what is there")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise SidemanError(f"{folder}: cannot be removed ({error.strerror}): look at its permissions") from None
    return folder


def parse_styles(text: str) -> list[str]:
    """Splits the style parameter into names: "" -> none, "ragtime" -> one, "ragtime, klezmer" -> two to blend."""
    names = [check_name(part.strip()) for part in text.split(",")] if text.strip() else []
    if len(names) > MAX_BLENDED:
        raise CheckpointError(f"{len(names)} styles: name one, or two to blend with style_blend")
    return names


def style_weights(text: str, blend: float) -> Mapping[str, float]:
    """Returns the weights for style and style_blend: from the first style (0) to the second, or to the base (1)."""
    names = parse_styles(text)
    weights: dict[str, float] = {}
    for name, weight in zip(names, (1.0 - blend, blend), strict=False):
        weights[name] = weights.get(name, 0.0) + weight
    return weights


def _look_at(folder: Path, shipped: bool) -> Shelved:
    try:
        check_name(folder.name)
        return Shelved(folder.name, folder, shipped, load_style(folder).base_sha256, None)
    except SidemanError as error:
        return Shelved(folder.name, folder, shipped, None, " ".join(str(error).split()))
