"""Makes the first line of a session log: seed, options, base, styles and parameters."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import native
from bridge.live.options import SessionOptions
from bridge.plain_json import Json
from engine.model.checkpoint import checkpoint_folder
from engine.styles.library import list_styles
from osc_protocol.table.parameters import Value

__all__ = ["base_sha256", "session_header", "style_sha256"]


def session_header(
    options: SessionOptions, values: Mapping[str, Value], checkpoint: Path | None, device: str, *, in_host: bool = False
) -> dict[str, Json]:
    """values: the parameters that the session began with. in_host: its clock is that of a plug-in's host."""
    return {
        "version": metadata.version("sideman"),
        "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "base": base_sha256(checkpoint),
        "styles": {style.name: style_sha256(style.name) for style in list_styles() if style.error is None},
        "options": options.to_json(),
        "in_host": in_host,
        "parameters": dict(values),
        "device": device,
        "native": native.VARIANT,
        "kernel": native.kernel(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def base_sha256(checkpoint: Path | None) -> str:
    """Returns the sha256 of a checkpoint's weights, None: the shipped one's; "" if there are none."""
    return _sha256(checkpoint_folder(checkpoint) / "model.safetensors")


def style_sha256(name: str) -> str:
    """Returns the sha256 of a style's weights; "" if there is no such style."""
    folder = next((style.folder for style in list_styles() if style.name == name), None)
    return "" if folder is None else _sha256(folder / "adapter_model.safetensors")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
