"""The panel in a real browser, on `sideman play` over JACK ports: it shows what is so, and turns what is turned."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

import pytest

from osc_protocol.table.parameters import AUTO, PARAMETERS, Parameter, Value, in_type
from osc_protocol.wire.client import OscClient
from tests.bridge.panel.conftest import CHART
from tests.support.browser import CONNECTED, until, visit
from tests.support.live.jack_server import JackServer
from tests.support.live.processes import FAKE_ENGINE, Listener, Play, ask, pianist, playing

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

SPARE_US = 200_000  # of a busy machine, between the engine's word and the page
FRAME_MS = 1000 / 60
SHOWN_MS = 50.0  # after a key of a real port, at the latest


def other_than_now(row: Parameter, value: Value) -> Value:
    """Another legal value of a row."""
    if row.choices:
        return next(choice for choice in reversed(row.choices) if choice != value)
    if row.low is None or row.high is None:
        return {"style": "klezmer", "scale": "D dorian"}[row.name]
    middle = (row.low + row.high) / 2
    return float(middle) if row.type == "f" else int(middle)


def test_every_row_of_the_table_has_its_control_with_a_name_and_help(page: Any) -> None:
    for row in PARAMETERS:
        control = page.locator(f"[data-row={row.name}]")
        assert control.count() == 1, row.name
        turned = control.locator("[role=slider], select, input").first if row.name != "mode" else control
        assert turned.evaluate(
            "node => node.ariaLabel || node.labels?.length || node.getAttribute('aria-labelledby')"
        ), row.name
        if row.name != "mode":
            assert row.help in control.locator("[id$=-help]").inner_text()


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.name != "mode"], ids=lambda row: row.name)
def test_a_row_turned_elsewhere_is_shown_and_one_turned_here_is_in_force(
    row: Parameter, page: Any, over_a_chart: tuple[Play, Listener]
) -> None:
    play = over_a_chart[0]
    before = ask(play.osc_port, row.name)
    value = other_than_now(row, before)  # type: ignore[arg-type]
    with OscClient(play.osc_port) as client:
        client.send(row.address, value)
    shown = f"() => sideman.values.value('{row.name}')"
    until(lambda: page.evaluate(shown) == pytest.approx(value), f"{row.name} is {value} in the page")
    if page.locator(f"[data-row={row.name}] [role=slider]").count():
        dial = page.locator(f"[data-row={row.name}] [role=slider]")
        dial.focus()
        page.keyboard.press("Home")
        until(lambda: ask(play.osc_port, row.name) == row.low, "Home turns it down")
        page.keyboard.press("End")
        until(lambda: ask(play.osc_port, row.name) == row.high, "End turns it up")
        assert dial.get_attribute("aria-valuenow") == str(page.evaluate(f"String({row.high})"))
        dial.dblclick()
    elif row.choices:
        page.locator(f"[data-row={row.name}] select").select_option(row.choices[1])
        until(lambda: ask(play.osc_port, row.name) == row.choices[1], "the menu sets it")
        page.locator(f"[data-row={row.name}] select").select_option(str(row.default))
    else:
        box = page.locator(f"[data-row={row.name}] input")
        box.fill(str(row.default))
        box.press("Enter")
    until(lambda: ask(play.osc_port, row.name) == row.default, "a double click, or its default, sets it back")


def test_two_pages_show_the_same_at_once(browser: Any, page: Any, over_a_chart: tuple[Play, Listener]) -> None:
    other = visit(browser, over_a_chart[0].osc_port)
    try:
        dial = page.locator("[data-row=temperature] [role=slider]")
        dial.focus()
        for _ in range(5):
            page.keyboard.press("PageUp")
        value = page.evaluate("sideman.values.value('temperature')")
        assert value > 1
        until(
            lambda: other.evaluate("sideman.values.value('temperature')") == pytest.approx(value), "the other follows"
        )
        shown = [visitor.locator("[data-row=temperature] .value").inner_text() for visitor in (page, other)]
        assert shown[0] == shown[1]
        other.locator("[data-row=temperature] [role=slider]").dblclick()
        until(lambda: page.evaluate("sideman.values.value('temperature')") == 0.8, "and the other way")
        assert other.complaints == []
    finally:
        other.close()


def test_ghosts_are_what_is_sent_next(page: Any, over_a_chart: tuple[Play, Listener]) -> None:
    listener = over_a_chart[1]
    page.evaluate(
        """() => { window.back = [];
                   sideman.live.note.listen((kind, note) => kind === "back" && back.push(note.number)); }"""
    )
    came = 0
    for _ in range(10):
        seen = page.evaluate(GHOSTS)
        time.sleep(0.8)
        back = set(page.evaluate("back"))
        sent = [(at_us, pitch) for at_us, pitch in listener.onsets() if at_us > seen["now"]]
        for number, on_us, pitch in seen["planned"]:
            if number in back or not seen["now"] < on_us < seen["now"] + 500_000:
                continue
            late_us = min((abs(at_us - on_us) for at_us, other in sent if other == pitch), default=None)
            assert late_us is not None, f"the ghost of {pitch} was never sent"
            assert late_us < SPARE_US
            came += 1
    assert came > 3


def test_the_page_knows_the_engines_time_and_what_is_sent_to_a_frame(
    page: Any, over_a_chart: tuple[Play, Listener]
) -> None:
    time.sleep(3.0)  # a few questions about the time
    looks = []
    for _ in range(60):
        before_us = time.monotonic_ns() / 1000
        told_us = page.evaluate("sideman.live.now()")
        after_us = time.monotonic_ns() / 1000
        looks.append((after_us - before_us, told_us - (before_us + after_us) / 2))
    width_us, off_us = min(looks)
    print(f"\nthe page's clock is {off_us / 1000:.1f} ms off, to {width_us / 2000:.1f} ms")
    assert abs(off_us) < FRAME_MS * 1000 + width_us / 2
    heard = over_a_chart[1].onsets()[-200:]
    drawn = page.evaluate(
        "[...sideman.live.notes.values()].filter(({ state }) => state === 'over').map(({ on, pitch }) => [on, pitch])"
    )
    off_ms = [
        min((abs(at_us - on_us) for at_us, other in heard if other == pitch), default=1e9) / 1000
        for on_us, pitch in drawn
        if on_us > heard[0][0]
    ]
    assert len(off_ms) > 5
    print(f"what is drawn lies {statistics.median(off_ms):.1f} ms from what a port hears")
    assert statistics.median(off_ms) < FRAME_MS


GHOSTS = """() => ({
  now: sideman.live.now(),
  planned: [...sideman.live.notes.values()]
    .filter(({ state }) => state === "planned").map(({ number, on, pitch }) => [number, on, pitch]),
})"""


def test_a_chord_struck_on_a_port_is_shown_and_answered(
    page: Any, jack: JackServer, over_a_chart: tuple[Play, Listener]
) -> None:
    page.locator("[data-choice=follow]").click()
    until(lambda: ask(over_a_chart[0].osc_port, "mode") == "follow", "the mode is turned in the page")
    page.evaluate(
        """() => { window.seen = []; sideman.live.key.listen((kind, note) => kind === "key"
           && seen.push([note.pitch, sideman.live.now() - note.on])); }"""
    )
    until(lambda: page.evaluate("sideman.live.tripMs") < 20, "the engine's clock is known well")
    again = [(0.2, "off", [50, 53, 57, 60]), (0.2, "on", [50, 53, 57, 60])]
    pianist(jack, [(0.0, "on", [50, 53, 57, 60]), *again * 4, (1.5, "off", [50, 53, 57, 60])])
    until(lambda: len(page.evaluate("seen")) == 20, "four keys, five times")
    seen = page.evaluate("seen")
    assert {pitch for pitch, _ in seen} == {50, 53, 57, 60}
    fastest_ms = min(late_us for _, late_us in seen) / 1000
    print(f"\nshown {fastest_ms:.1f} ms after the key, and a frame")
    until(lambda: "Dm7" in page.locator("#news").inner_text(), "the chord's name")
    until(lambda: page.locator("[data-figure=chord]").inner_text() != "–", "its latency")
    page.locator("[data-choice=changes]").click()
    until(lambda: ask(over_a_chart[0].osc_port, "mode") == "changes", "and back")
    assert -20 < fastest_ms < SHOWN_MS - FRAME_MS


def test_the_page_comes_back_with_the_engine(browser: Any, jack: JackServer) -> None:
    with playing(jack, FAKE_ENGINE, ["--panel=serve", *CHART]) as (play, _):
        page = visit(browser, play.osc_port)
        play.kill()
        until(lambda: page.locator("#away").is_visible(), "that the engine is away is said")
        again = ["--panel=serve", *CHART, "--temperature", "1.5", "--osc-port", str(play.osc_port)]
        with playing(jack, FAKE_ENGINE, again) as (revived, _):
            until(lambda: page.evaluate(CONNECTED), "the page is connected again")
            until(lambda: page.evaluate("sideman.values.value('temperature')") == 1.5, "the new engine's values")
            until(lambda: page.evaluate(GHOSTS)["planned"], "the new engine's ghosts")
            assert not page.locator("#away").is_visible()
            assert page.complaints == []
            revived.end()
        page.close()


def test_a_refused_value_is_told_in_words_and_taken_back(page: Any, over_a_chart: tuple[Play, Listener]) -> None:
    box = page.locator("[data-row=scale] input")
    box.fill("D dorien")
    box.press("Enter")
    until(lambda: "dorian" in page.locator("#toasts").inner_text(), "the reason")
    until(lambda: page.evaluate("sideman.values.value('scale')") == "off", "what is in force")
    assert ask(over_a_chart[0].osc_port, "scale") == in_type(
        next(row for row in PARAMETERS if row.name == "scale"), "off"
    )


def test_auto_is_left_and_taken_again(page: Any, over_a_chart: tuple[Play, Listener]) -> None:
    button = page.locator("[data-row=density] .auto")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    until(lambda: ask(over_a_chart[0].osc_port, "density") != AUTO, "a number")
    button.click()
    until(lambda: ask(over_a_chart[0].osc_port, "density") == AUTO, "auto again")


@pytest.mark.soak
def test_a_page_that_stays_open_needs_no_more_memory_and_keeps_its_connection(
    page: Any, over_a_chart: tuple[Play, Listener]
) -> None:
    whole_s = 3600.0 if os.environ.get("SIDEMAN_SOAK") == "1" else 12.0
    control = page.context.new_cdp_session(page)
    control.send("Performance.enable")

    def heap_bytes() -> float:
        control.send("HeapProfiler.collectGarbage")
        told = control.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in told if metric["name"] == "JSHeapUsedSize"))

    page.evaluate("() => { window.closed = 0; sideman.live.link.closed.listen(() => { closed += 1; }); }")
    page.locator("#sound").click()
    time.sleep(whole_s / 4)
    early = heap_bytes()
    dial = page.locator("[data-row=temperature] [role=slider]")
    dial.focus()
    give_up_s = time.monotonic() + whole_s
    while time.monotonic() < give_up_s:  # knobs that turn take music back and make it anew
        page.keyboard.press("PageUp")
        time.sleep(0.3)
        page.keyboard.press("PageDown")
    dial.dblclick()
    late = heap_bytes()
    print(f"\nheap {early / 1e6:.1f} MB, {late / 1e6:.1f} MB after {whole_s:.0f} s")
    assert late < early + 4e6
    assert page.evaluate("closed") == 0


def test_health_names_the_ports_and_the_look_ahead_that_is_needed_and_korean_pages_say_it_in_korean(
    browser: Any, over_a_chart: tuple[Play, Listener]
) -> None:
    page = visit(browser, over_a_chart[0].osc_port, locale="ko-KR")
    ports = page.locator("[data-figure=ports]")
    until(lambda: "Sideman In" in ports.inner_text() and "Sideman Out" in ports.inner_text(), "the ports")
    assert "입력" in ports.inner_text()
    until(lambda: page.locator("[data-figure=needs]").inner_text().endswith(" ms"), "the look-ahead that is needed")
    page.evaluate("sideman.values.command('/sideman/keep', '99')")
    until(lambda: "마디에서 끝납니다" in page.locator(".log").inner_text(), "the engine's own sentence in Korean")
    page.locator("#language").click()
    until(lambda: "the chart ends with bar" in page.locator(".log").inner_text(), "and in English")
    assert page.complaints == []
    page.close()
