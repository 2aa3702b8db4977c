"""Whatever the engine can say while it plays is said in Korean, too, with all that stands in it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bridge.panel.charts import read_chart
from tests.support.page.modules import run_script

ROOT: Final = Path(__file__).resolve().parents[3]
SAYING: Final = (
    "bridge/live", "bridge/controllers", "bridge/panel/hub.py", "bridge/app/app.py", "bridge/app/remote.py",
    "bridge/app/surfaces.py", "bridge/app/recordings.py", "bridge/midi/live_ports.py",
    "osc_protocol/table/parameters.py", "engine/chords/charts/chart.py",
    "engine/chords/charts/bar_reader.py", "engine/chords/symbol.py", "engine/chords/scales.py",
)  # fmt: skip
RETURNING: Final = "engine/chords/charts/slips.py"  # what it returns is said by its caller
REPORTING: Final = ("report", "_report", "_say")  # (what, text)
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
    told = run_script(f"const {{ inKorean }} = await load('sentences'); return {json.dumps(texts)}.map(inKorean);")
    return list(told)


def literal(node: ast.expr) -> str | None:
    """A text as it is written, with {} for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def calls() -> Iterator[tuple[str, list[ast.expr]]]:
    """What is called with which arguments, if any, where the music plays."""
    for name in SAYING:
        path = ROOT / name
        for file in [path] if path.suffix else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    yield called, node.args


def said() -> Iterator[str]:
    """Every sentence that is reported or raised where the music plays."""
    for called, arguments in calls():
        if called in REPORTING and len(arguments) == 2 and literal(arguments[0]) != "asked":
            yield from filter(None, [literal(arguments[1])])
        elif called in ERRORS:
            yield from filter(None, [literal(arguments[0])])
        elif called in ("_no", "refuse", "_error", "_on_trouble"):
            yield from filter(None, [literal(arguments[-1])])
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


def test_every_sentence_is_told_by_its_own_row() -> None:
    """However few words another row has, and whatever stands in its places."""
    rows = run_script("return (await load('sentences')).SENTENCES;")
    filled = [[re.sub(r"\{(\d)\}", r"Q\1q", text) for text in row] for row in rows]
    assert korean([english for english, _ in filled]) == [told for _, told in filled]


def test_the_log_has_a_word_for_every_kind_of_report() -> None:
    words = run_script("return (await load('words')).WORDS;")
    kinds = {literal(given[0]) for called, given in calls() if called in REPORTING and len(given) == 2}
    kinds -= {None, "asked"}
    assert {"chord", "note", "error", "stored", "captured", "controllers"} <= kinds
    assert [kind for kind in sorted(filter(None, kinds)) if f"log.{kind}" not in words] == []


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
