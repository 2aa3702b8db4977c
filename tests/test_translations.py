"""The Korean pages keep in step with the English ones: same headings, commands, pictures, and no figure of their own.

Words are free: a translation is not word for word. What a reader types, clicks or compares is the same in both.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAIRS = [("README.md", "README.ko.md"), ("docs/FL_STUDIO.md", "docs/FL_STUDIO.ko.md")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))


def levels(page: str) -> list[int]:
    return [len(mark) for mark in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]


def blocks(page: str) -> list[tuple[str, list[str]]]:
    """Language and lines of each fenced block, comments left out: they are translated."""
    found = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    return [(kind, [re.sub(r"\s+# .*$", "", line) for line in body.splitlines()]) for kind, body in found if kind]


def said(page: str) -> set[str]:
    """Words in code style, a line's end counting as a space."""
    return {" ".join(words.split()) for words in CODE.findall(prose(page))}


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_headings_are_of_the_same_levels_in_the_same_order(english: str, korean: str) -> None:
    assert levels(korean) == levels(english)


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_commands_to_type_are_the_same(english: str, korean: str) -> None:
    assert blocks(korean) == blocks(english)


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_what_is_named_in_code_is_the_same(english: str, korean: str) -> None:
    assert said(korean) <= said(english), sorted(said(korean) - said(english))
    commands = {words for words in said(english) if words.startswith(("sideman", "midi", "--", "apt"))}
    measured = said_in_section(english, "## Measured")
    assert not (missing := commands - measured - said(korean)), sorted(missing)


def said_in_section(page: str, heading: str) -> set[str]:
    """What one section alone says in code style: the Korean README leaves the table of figures to the English one."""
    section = prose(page).partition(heading)[2].partition("\n## ")[0]
    return {" ".join(words.split()) for words in CODE.findall(section)}


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_pictures_stand_in_the_same_order_and_links_lead_somewhere(english: str, korean: str) -> None:
    pictures = [[t for t in LINK.findall(prose(page)) if t.endswith((".svg", ".png"))] for page in (english, korean)]
    assert pictures[0] == pictures[1]
    headings = re.findall(r"^#+ (.+)$", prose(korean), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in LINK.findall(prose(korean)):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (ROOT / korean).parent.joinpath(target.partition("#")[0]).exists(), target


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_no_figure_stands_in_a_translation_alone(english: str, korean: str) -> None:
    known = set(NUMBER.findall(prose(english)))
    assert not (alone := set(NUMBER.findall(prose(korean))) - known), sorted(alone)


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_each_page_leads_to_the_other(english: str, korean: str) -> None:
    assert Path(korean).name in LINK.findall((ROOT / english).read_text(encoding="utf-8"))
    assert Path(english).name in LINK.findall((ROOT / korean).read_text(encoding="utf-8"))
