"""Writes entries into the controller map's file and takes them out; the rest of it means what it did, less comments."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.controllers.map import parse_cc_map, read_user_file
from bridge.errors import CcMapError
from engine.atomic import write_whole
from osc_protocol.table.parameters import BY_NAME

__all__ = ["Kept", "forget", "write_entry"]

_HEADER: Final = (
    "# Controllers of Sideman; `sideman learn NAME` writes here. docs/osc.md says what an entry may hold.\n"
)


Kept = Callable[[Path], object]
"""Hears where the map lies now as it was, with the comments that writing has cost it."""


def write_entry(path: Path, name: str, entry: dict[str, Any], on_kept: Kept = lambda path: None) -> list[str]:
    """Writes the entry into the map at `path`; returns what lost this controller to it. CcMapError.

    What was said of its pick-up still holds.
    """
    content = read_user_file(path) if path.exists() else {}
    before = _names(content)
    entries = {key: dict(_section(content, key)) for key in ("controls", "buttons")}
    own = _key(name)
    former = entries[own].pop(name, None)
    if isinstance(former, dict) and "pick_up" in former:
        entry = {**entry, "pick_up": former["pick_up"]}
    for key, others in entries.items():
        for other in others:
            if _clash((own, name, entry), (key, other, others[other]), content.get("channel", "all")):
                others[other] = False
    entries[own][name] = entry
    content = {**content, **{key: section for key, section in entries.items() if section}}
    _write(path, content, on_kept)
    return sorted(before - _names(content))


def forget(path: Path, name: str, on_kept: Kept = lambda path: None) -> bool:
    """Takes the entry of `name` out of the map; returns whether there was one. CcMapError for a broken map."""
    content = read_user_file(path) if path.exists() else {}
    parse_cc_map(content, str(path))
    section = dict(_section(content, _key(name)))
    if section.pop(name, None) is None:
        return False
    _write(path, {**content, _key(name): section}, on_kept)
    return True


def _key(name: str) -> str:
    return "controls" if name in BY_NAME else "buttons"


def _section(content: dict[str, object], key: str) -> dict[str, Any]:
    section = content.get(key) or {}
    assert isinstance(section, dict)  # the map was parsed before
    return section


def _names(content: dict[str, object]) -> set[str]:
    cc_map = parse_cc_map(content)
    return {control.name for control in cc_map.controls} | {button.name for button in cc_map.buttons}


def _clash(one: tuple[str, str, Any], other: tuple[str, str, Any], channel: object) -> bool:
    content: dict[str, dict[str, Any]] = {"controls": {}, "buttons": {}}
    for key, name, entry in (other, one):
        content[key][name] = entry
    try:
        parse_cc_map({**content, "channel": channel})
    except CcMapError:
        return True
    return False


def _write(path: Path, content: dict[str, object], on_kept: Kept) -> None:
    parse_cc_map(content, str(path))
    try:
        if path.exists() and "#" in path.read_text(encoding="utf-8-sig").replace(_HEADER, ""):
            kept = path.with_name(f"{path.name}.old")
            shutil.copyfile(path, kept)
            on_kept(kept)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, allow_unicode=True)
        write_whole(path, _HEADER + text)
    except OSError as error:
        raise CcMapError(f"{path} cannot be written: {error.strerror}") from error
