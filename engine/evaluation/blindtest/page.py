"""A blind test as one HTML file: pairs with their sound, buttons, and the answers as a file to send back.

The page asks the net for nothing (its policy forbids it), and knows of the contestants nothing but the key's hash.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from engine.atomic import write_whole
from engine.evaluation.blindtest.judging.answers import FORMAT
from engine.output.html_page import text

__all__ = ["QUESTION", "write_page"]

QUESTION = "Which is the pianist?"
_TEMPLATE = Path(__file__).with_name("page.html")


def write_page(path: Path, sealed: str, pairs: Sequence[tuple[bytes, bytes]], mime: str, title: str) -> None:
    """pairs: the files that are heard as A and as B. Writes the page whole or not at all.

    sealed: the key's hash. A clip that is heard in several pairs stands in the page once.
    """
    clips: dict[bytes, int] = {}
    heard = [[clips.setdefault(sound, len(clips)) for sound in pair] for pair in pairs]
    data = {
        "format": FORMAT,
        "test": sealed,
        "question": QUESTION,
        "pairs": heard,
        "clips": [f"data:{mime};base64,{base64.b64encode(sound).decode()}" for sound in clips],
    }
    # Within a script element only "</" could end it, and base64 and our own words hold none; a title might.
    script = json.dumps(data).replace("</", "<\\/")
    filled = _TEMPLATE.read_text(encoding="utf-8").replace("{{title}}", text(title)).replace("{{test}}", script)
    write_whole(path, filled)
