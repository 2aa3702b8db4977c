"""Laws of what the page knows of the session: questions are always answered, clocks kept, rests where they were."""

from __future__ import annotations

import pytest

from tests.support.page.modules import run_script

RIG = """
    const { Live } = await load("live");
    const link = new FakeLink();
    const live = new Live(link);
"""
CHART = """
    const { Signal } = await load("dom");
    const { ChartCard } = await load("chart");
    const { t } = await load("words");
    const moves = [];
    const values = {
      value: () => "changes", changed: new Signal(), refused: new Signal(), longest: 1024,
      command: (address, text) => address === "/sideman/chords" && moves.push(text),
    };
    const card = new ChartCard(box(), live, values);
    const spans = [[0, 4, "C7"]];
    const chart = (text) => ({ text, bars: 1, beatsPerBar: 4, metre: "4/4", spans, sections: [], tones: {} });
    link.hears({ changes: [["chart", chart("C7")]] });
    const sharp = elements.find(({ textContent }) => textContent === "♯");
    const answer = () => link.hears({ id: JSON.parse(link.sent.at(-1)).id, read: { moved: "Db7" } });
"""


@pytest.mark.parametrize("goes", ["link.isOpen = false; asks()", "asks(); link.closed.tell()"])
def test_a_question_to_an_engine_that_is_away_or_goes_away_is_answered_with_nothing(goes: str) -> None:
    told = run_script(f"""{RIG} let asked; const asks = () => {{ asked = live.ask({{ read: "C" }}); }}; {goes};
        return soon(asked);""")
    assert told is None


@pytest.mark.parametrize(
    "before",
    [
        "link.isOpen = false; sharp.hears.click(); await wait(20); link.isOpen = true",
        "sharp.hears.click(); await wait(20); link.closed.tell()",
    ],
    ids=["away", "lost"],
)
def test_a_transposition_that_came_to_nothing_keeps_none_from_the_next(before: str) -> None:
    moves = run_script(f"""{RIG} {CHART} {before}; await wait(20); const early = [...moves];
        link.sent.length = 0; sharp.hears.click(); await wait(20); answer(); await wait(20); return [early, moves];""")
    assert moves == [[], ["Db7"]]


def test_a_chart_that_is_sent_while_the_engine_is_away_says_so_and_stays() -> None:
    told = run_script(f"""{RIG} {CHART} link.isOpen = false; sharp.hears.click(); await wait(20);
        return [card.hint.textContent === t("link.off"), moves];""")
    assert told == [True, []]


def test_the_clock_is_followed_on_a_network_that_has_become_slower_than_its_best() -> None:
    off_ms = run_script(f"""let nowMs = 0;
        Object.defineProperty(globalThis, "performance", {{ value: {{ now: () => nowMs, timeOrigin: 0 }} }});
        {RIG} let drift = 0;
        const pong = (trip) => {{
          const pong = nowMs; nowMs += trip; link.hears({{ pong, now: (pong + trip / 2 + drift) * 1000 }});
        }};
        for (let i = 0; i < 8; i++) pong(2);
        for (let s = 0; s < 3600; s++) {{ nowMs += 1000; drift += 0.05; pong(2.8 + (s % 10) / 10); }}
        return nowMs + drift - live.now() / 1000;""")
    assert abs(off_ms) < 10


def test_a_rest_that_is_told_again_stands_where_it_was_and_ends_no_later_chord() -> None:
    chords = run_script(f"""{RIG} const {{ chordsBetween }} = await load("beats");
        const changes = [
          ["mark", 100e6, "Dm7"], ["mark", 130e6, ""], ["mark", 160e6, "G7"],
          ["said", "chord", "Dm7"], ["said", "rest", ""], ["said", "chord", "G7"],
        ];
        link.hears({{ now: 170e6, whole: {{ notes: [], keys: [], changes }} }});
        return chordsBetween(live, 90e6, 200e6).map(({{ at, end, label }}) => [at / 1e6, end / 1e6, label]);""")
    assert chords == [[100, 130, "Dm7"], [160, None, "G7"]]


def test_what_an_engine_before_said_is_not_said_of_the_next_one() -> None:
    told = run_script(f"""{RIG} const {{ Health, showNews }} = await load("health");
        const {{ t }} = await load("words");
        const news = box(); showNews(news, live); const health = new Health(box(), live, () => 100);
        const figure = (name) => elements.find(({{ dataset }}) => dataset.figure === name).textContent;
        link.hears({{ changes: [["state", "seed", 7], ["state", "ports", "none"], ["said", "chord", "Dm7"]] }});
        const before = [news.textContent, figure("seed"), figure("ports"), health.log.children.length];
        link.hears({{ whole: {{ notes: [], keys: [], changes: [] }} }});
        return [before, news.textContent === t("news.begin"), figure("seed"), figure("ports"),
          health.log.children.map(({{ textContent }}) => textContent === t("health.nothing"))];""")
    assert told == [["follows Dm7", 7, "none", 1], True, "–", "–", [True]]
