"""Whatever the engine can say while it plays is said in Korean, too, with all that stands in it."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bridge.panel.charts import read_chart
from bridge.panel.site import FILES

ROOT: Final = Path(__file__).resolve().parents[3]
SAYING: Final = (
    "bridge/live", "bridge/app/app.py", "bridge/app/remote.py", "bridge/app/surfaces.py", "bridge/app/recordings.py",
    "bridge/midi/live_ports.py", "osc_protocol/table/parameters.py", "engine/chords/charts/chart.py",
    "engine/chords/charts/bar_reader.py", "engine/chords/symbol.py", "engine/chords/scales.py",
)  # fmt: skip
RETURNING: Final = "engine/chords/charts/slips.py"  # what it returns is said by its caller
ERRORS: Final = ("ModeError", "ParameterError", "ChordError", "SidemanError", "BridgeError")
NOT_HERE: Final = (  # for programs, or before anything is played
    "cannot have",
    "pass a pitch class",
    "is unknown: use one of",
    "which no controller position",
    "--metre",
    "--beats",
    "{}/sideman/play on a first beat",  # the end of a sentence that stands below
)


def korean(texts: list[str]) -> list[str]:
    """The sentences as the page has them in Korean."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed: apt-get install nodejs")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(FILES / "sentences.js", folder)
        Path(folder, "package.json").write_text('{"type": "module"}')
        Path(folder, "ask.js").write_text(
            "import { inKorean } from './sentences.js'; import { readFileSync } from 'node:fs';"
            "console.log(JSON.stringify(JSON.parse(readFileSync('texts.json', 'utf8')).map(inKorean)));"
        )
        Path(folder, "texts.json").write_text(json.dumps(texts))
        done = subprocess.run(["node", "ask.js"], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return list(json.loads(done.stdout))


def literal(node: ast.expr) -> str | None:
    """A text as it is written, with {} for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def said() -> Iterator[str]:
    """Every sentence that is reported or raised where the music plays."""
    for name in SAYING:
        path = ROOT / name
        for file in [path] if path.suffix else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in ("report", "_report") and len(node.args) == 2 and literal(node.args[0]) != "asked":
                    yield from filter(None, [literal(node.args[1])])
                elif called in ERRORS and node.args:
                    yield from filter(None, [literal(node.args[0])])
                elif called in ("_no", "refuse", "_error") and node.args:
                    yield from filter(None, [literal(node.args[-1])])
    for node in ast.walk(ast.parse((ROOT / RETURNING).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from filter(None, [literal(node.value)])


def with_places_filled(text: str) -> str:
    """Q0q, Q1q, ... for what differs."""
    parts = text.split("{}")
    return "".join(part + (f"Q{number}q" if number < len(parts) - 1 else "") for number, part in enumerate(parts))


def test_every_sentence_that_the_source_has_is_known_in_korean() -> None:
    sentences = {text for text in said() if re.search("[a-z] [a-z]", text) and not any(n in text for n in NOT_HERE)}
    assert len(sentences) > 45
    filled = sorted(map(with_places_filled, sentences))
    unknown = [
        text
        for text, told in zip(filled, korean(filled), strict=True)
        if not re.search("[가-힣]", told) or not all(place in told for place in re.findall(r"Q\d+q", text))
    ]
    assert unknown == []


@pytest.mark.parametrize(
    "chart",
    [
        "Dm7 | X7",
        "% | C",
        "|: C",
        "D.S. | C",
        "[Dm7]",
        "Dm7 |: |: C :| :|",
        "5/3 C",
        "x3",
        "C | maj 7 | F",
        "C maj 7 | F",
        "C | 2. F G",
        "Verse | C",
        "{A} C | F",
        "C | hello",
        "Key: C\n| F | G |",
        "A\n| C | F |",
        "C 7 | F",
        "Csuss",
    ],
)
def test_the_parsers_hints_are_said_in_korean(chart: str) -> None:
    (told,) = korean([read_chart(chart)["error"]])
    assert re.search("[가-힣]", told)
    assert not re.search("[a-z]{3,} [a-z]{2,} [a-z]{2,}", re.sub(r"'[^']*'|`[^`]*`", "", told)), told


def test_bars_within_a_sentence_are_bars_in_korean_and_the_unknown_stays_as_it_is() -> None:
    told = korean(["bars 3-4: variation 2, bar 3 made where it comes", "16 bars at 132 bpm", "Cmaj7", "hello there"])
    assert told == ["마디 3-4: 변주 2, 마디 3은 다음에 올 때 새로 만듦", "132 bpm으로 16마디", "Cmaj7", "hello there"]
    (waits,) = korean([CLOCK_WAITS])
    assert "96" in waits
    assert "클록" in waits


CLOCK_WAITS: Final = (
    "the clock ticks at 96 bpm and has not been started: start it there, or send /sideman/play on a first beat"
)
