"""Laws of the page's own tables: every word is there in every language, for every row of the parameter table too, and
every chart of the library can be read."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from bridge.panel.charts import read_chart
from bridge.panel.site import FILES
from engine.chords.charts.transpose import transpose_chart
from osc_protocol.table.parameters import AUTO, MAX_TEXT, PARAMETERS, check
from tests.support.page.modules import run_script


@cache
def module(name: str, export: str) -> Any:
    """What a module of the page exports, as node reads it."""
    return run_script(f"return (await load({name!r})).{export};")


def test_every_word_is_there_in_every_language() -> None:
    words = module("words", "WORDS")
    languages = module("words", "LANGUAGES")
    for key, told in words.items():
        assert len(told) == len(languages), key
        assert len({tuple(sorted(re.findall(r"\{\d\}", word))) for word in told}) == 1, f"{key}: other places to fill"
        if not key.startswith("unit."):
            assert all(told), key


def test_every_row_and_choice_of_the_parameter_table_is_called_something_in_korean() -> None:
    rows, choices = module("words", "ROWS"), module("words", "CHOICES")
    for row in PARAMETERS:
        assert [bool(word) for word in rows[row.name]] == [True] * 3, row.name
        for choice in row.choices:
            if choice != AUTO:
                assert choices[row.name][choice], f"{row.name} {choice}"


def test_every_word_that_the_page_asks_for_is_in_the_table() -> None:
    words = module("words", "WORDS")
    for path in [*sorted(FILES.glob("*.js")), FILES / "index.html"]:
        text = path.read_text(encoding="utf-8")
        asked = re.findall(r'\bt\("([^"]+)"', text) + re.findall(r'data-(?:word|title|label)"?[=:] ?"([^"]+)"', text)
        assert set(asked) <= set(words), path.name


def test_the_library_has_twenty_charts_that_the_parser_reads() -> None:
    charts = module("library", "CHARTS")
    assert len(charts) >= 20
    assert len({chart["title"] for chart in charts}) == len(charts)
    for chart in charts:
        read = read_chart(chart["chords"])
        assert "error" not in read, f"{chart['title']}: {read.get('error')}"
        assert 4 <= read["bars"] <= 64
        assert len(chart["chords"]) <= MAX_TEXT
        assert check("groove", chart["groove"]) == chart["groove"]
        for semitones in (-1, 1, 5, 12):
            moved = read_chart(transpose_chart(chart["chords"], semitones))
            assert [span[:2] for span in moved["spans"]] == [span[:2] for span in read["spans"]]


def test_a_chart_moved_there_and_back_is_the_same_music() -> None:
    for chart in module("library", "CHARTS"):
        before = read_chart(chart["chords"])
        after = read_chart(transpose_chart(transpose_chart(chart["chords"], 5), -5))
        tones = [[told["tones"].get(label) for _, _, label in told["spans"]] for told in (before, after)]
        assert tones[0] == tones[1], chart["title"]
