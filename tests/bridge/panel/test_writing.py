"""What is written in the page, charts and fields and keys: what is shown is what is played, and in force. In a real
browser."""

from __future__ import annotations

import time
from typing import Any

import pytest

from osc_protocol.table.parameters import MAX_TEXT
from tests.bridge.panel.conftest import CHART, SENDS, TEXT
from tests.support.browser import CONNECTED, Visitor, until, visit
from tests.support.live.jack_server import JackServer
from tests.support.live.processes import FAKE_ENGINE, Listener, Play, playing

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

BARS = "sideman.live.chart?.bars"
DOWN = "[...sideman.keyboard.down]"
LEAVES = "document.activeElement.blur()"


def write(page: Visitor, text: str) -> None:
    page.locator("[data-word='chart.edit']").click()
    page.locator("#chart-text").fill(text)


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("Dm7 | G7 |\nCmaj7 | A7", 4),
        ("| Dm7 | G7 |\n| C | A7 |", 4),
        ("|: Dm7 | G7 :|\n|: C | F :|", 8),
        ("Dm7 G7\nC", 3),
        ("Verse:\nC | F\nChorus:\nG | A x2", 6),
    ],
)
def test_a_chart_of_several_lines_is_played_as_it_is_shown_and_edited_as_it_was_written(
    page: Visitor, text: str, bars: int
) -> None:
    write(page, text)
    until(lambda: page.locator(".measure").count() == bars, "its bars while it is written")
    page.locator("#chart-text").press("Control+Enter")
    until(lambda: page.evaluate(TEXT) not in (None, CHART[1]), "another chart")
    assert page.evaluate(BARS) == bars
    page.locator("[data-word='chart.edit']").click()
    assert page.locator("#chart-text").input_value() == text
    page.keyboard.press("Escape")


def test_a_chart_that_is_too_long_is_refused_in_words_and_keeps_text_and_connection(page: Visitor) -> None:
    page.evaluate("() => { window.dropped = 0; sideman.live.link.closed.listen(() => { dropped += 1; }); }")
    text = " | ".join(["Dm7(b5)"] * 130)
    assert len(text) > MAX_TEXT
    write(page, text)
    until(lambda: str(MAX_TEXT) in page.locator("#chart-hint").inner_text(), "how much is taken")
    page.locator("[data-word='chart.done']").click()
    time.sleep(0.5)
    assert page.evaluate("dropped") == 0
    assert page.locator("#chart-text").input_value() == text
    page.locator("[data-word='chart.cancel']").click()


def test_what_is_being_written_stays_when_another_page_sets_a_chart(
    browser: Visitor, page: Visitor, over_a_chart: tuple[Play, Listener]
) -> None:
    write(page, "Am7 | D7 | Gmaj7 | Cmaj7 | Fmaj7")
    until(lambda: page.locator(".measure").count() == 5, "its bars")
    page.locator("[data-word='chart.cancel']").focus()
    other = visit(browser, over_a_chart[0].osc_port)
    other.evaluate(SENDS, "E | B")
    until(lambda: page.evaluate(TEXT) == "E | B", "the other page's chart is in force")
    assert page.locator("#chart-text").input_value() == "Am7 | D7 | Gmaj7 | Cmaj7 | Fmaj7"
    assert page.locator(".measure").count() == 5
    page.locator("[data-word='chart.cancel']").click()
    assert page.locator(".measure").count() == 2
    other.close()


def test_three_quick_clicks_move_a_chart_by_three_semitones(page: Visitor) -> None:
    page.evaluate(SENDS, "C | F")
    until(lambda: page.evaluate(TEXT) == "C | F", "the chart")
    page.locator("[data-title='chart.up']").evaluate("(button) => { button.click(); button.click(); button.click(); }")
    until(lambda: page.evaluate(TEXT) == "Eb | Ab", "three semitones up")
    time.sleep(0.3)
    assert page.evaluate(TEXT) == "Eb | Ab"


def test_bars_of_a_longer_chart_before_are_not_selected_in_a_shorter_one(page: Visitor) -> None:
    page.evaluate(SENDS, " | ".join(["C", "F"] * 50))
    until(lambda: page.evaluate(BARS) == 100, "a hundred bars")
    page.locator(".pick").nth(29).click()
    page.evaluate(SENDS, "C | F | G | A")
    until(lambda: page.locator(".measure").count() == 4, "four bars")
    page.locator(".pick").nth(1).click(modifiers=["Shift"])
    until(lambda: page.locator(".pick[aria-pressed=true]").all_inner_texts() == ["1", "2"], "two bars")


def test_a_hint_is_said_in_the_language_that_is_turned_to(page: Visitor) -> None:
    write(page, "Dm7 | Hx")
    hint = page.locator("#chart-hint")
    until(lambda: "is no chord symbol" in hint.inner_text(), "in English")
    page.locator("#language").click()
    until(lambda: hint.inner_text() and "is no chord symbol" not in hint.inner_text(), "in Korean")
    page.locator("#language").click()
    page.keyboard.press("Escape")
    page.locator("[data-word='chart.cancel']").click()


@pytest.mark.parametrize(("typed", "shown"), [("5", "10"), ("", "120"), ("2000", "999")])
def test_a_tempo_field_that_is_left_shows_the_tempo_in_force(page: Visitor, typed: str, shown: str) -> None:
    until(lambda: page.locator("#tempo").input_value() == "120", "the tempo before")
    page.locator("#tempo").fill(typed)
    page.locator("#tempo").press("Enter")
    page.evaluate(LEAVES)
    until(lambda: page.locator("#tempo").input_value() == shown, "what is in force")


def test_a_field_that_is_left_shows_what_was_set_elsewhere_or_not_taken(page: Visitor) -> None:
    tempo, scale, polyphony = (
        page.locator(place) for place in ("#tempo", "[data-row=scale] input", "[data-row=polyphony] input")
    )
    tempo.focus()
    page.evaluate("sideman.values.command('/sideman/transport/tempo', 133)")
    until(lambda: page.evaluate("sideman.live.state.tempo") == 133, "a tempo from elsewhere")
    polyphony.focus()
    assert tempo.input_value() == "133"
    page.evaluate("sideman.values.set(sideman.values.byName.get('polyphony'), 5)")
    scale.fill("D dorien")
    scale.press("Enter")
    assert polyphony.input_value() == "5"
    until(lambda: "dorian" in page.locator("#toasts").inner_text(), "the reason")
    until(lambda: page.evaluate("sideman.values.value('scale')") == "off", "what is in force")
    page.evaluate(LEAVES)
    assert scale.input_value() == "off"
    page.evaluate("sideman.values.set(sideman.values.byName.get('polyphony'), 8)")


def test_a_key_is_let_go_when_the_arrows_leave_it(page: Visitor) -> None:
    page.locator(".key[data-pitch='60']").focus()
    page.keyboard.down("Enter")
    assert page.evaluate(DOWN) == [60]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(DOWN) == []
    page.keyboard.up("Enter")


def test_a_key_is_let_go_when_the_page_turns_and_has_another_keyboard(page: Visitor) -> None:
    place = page.locator(".key[data-pitch='60']")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] - 5)
    page.mouse.down()
    assert page.evaluate(DOWN) == [60]
    page.set_viewport_size({"width": 500, "height": 900})
    until(lambda: page.evaluate(DOWN) == [], "the key is let go")
    page.mouse.up()


def test_a_letter_that_turns_a_knob_is_no_note(page: Visitor) -> None:
    page.evaluate("() => { window.struck = []; sideman.keyboard.struck.listen((pitch) => struck.push(pitch)); }")
    page.locator("[data-row=density] [role=slider]").focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("sideman.values.value('density')") != "auto"
    page.keyboard.press("Control+a")
    assert page.evaluate("sideman.values.value('density')") != "auto", "the browser's own keys turn nothing"
    page.keyboard.press("a")
    assert page.evaluate("sideman.values.value('density')") == "auto"
    assert page.evaluate("struck") == []


def test_an_engine_that_is_met_again_plays_and_hears_the_pedal_as_the_page_shows_it(
    browser: Any, jack: JackServer
) -> None:
    with playing(jack, FAKE_ENGINE, ["--panel=serve", *CHART]) as (play, _):
        page = visit(browser, play.osc_port)
        page.locator("#stop").click()
        until(lambda: page.evaluate("document.body.classList.contains('is-stopped')"), "it is stopped")
        page.locator("[data-word='piano.pedal']").click()
        until(lambda: page.evaluate("sideman.live.pedal"), "the pedal is down")
        play.kill()
        until(lambda: page.locator("#away").is_visible(), "the engine is away")
        page.evaluate("sideman.live.pedal = false")  # as of an engine that nobody has played to
        again = ["--panel=serve", *CHART, "--osc-port", str(play.osc_port)]
        with playing(jack, FAKE_ENGINE, again) as (revived, _):
            until(lambda: page.evaluate(CONNECTED), "the page is connected again")
            until(lambda: page.evaluate("sideman.live.pedal"), "the new engine hears the pedal")
            assert not page.evaluate("document.body.classList.contains('is-stopped')")
            assert page.complaints == []
            revived.end()
        page.close()
