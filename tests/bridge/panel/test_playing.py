"""What one plays and writes in the page: its keys, its sound, the chart and the transport, in a real browser."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Visitor, until, visit
from tests.support.live.processes import FAKE_ENGINE, Lines, Listener, Play, ask, free_udp_port
from tests.support.osc.node_modules import node_environment

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

TUNED = """async () => {
  const { computeString, frequencyOf } = await import("/panel/sound.js");
  const rate = 44100, off = {};
  for (let pitch = 21; pitch <= 108; pitch += 12) {
    const data = computeString(pitch, rate).getChannelData(0).subarray(2000, 2000 + rate / 2);
    const power = (cents) => {
      const angle = 2 * Math.PI * frequencyOf(pitch) * 2 ** (cents / 1200) / rate;
      let re = 0, im = 0;
      data.forEach((value, i) => { re += value * Math.cos(angle * i); im += value * Math.sin(angle * i); });
      return re * re + im * im;
    };
    let best = 0;
    for (let cents = -30; cents <= 30; cents += 2) if (power(cents) > power(best)) best = cents;
    off[pitch] = best;
  }
  return off;
}"""


def test_no_string_of_the_piano_is_out_of_tune(page: Visitor) -> None:
    off_cents = page.evaluate(TUNED)
    assert len(off_cents) == 8
    assert all(abs(cents) <= 8 for cents in off_cents.values()), off_cents


def test_sound_is_turned_on_by_one_click_and_plays_the_plan(page: Visitor) -> None:
    assert not page.evaluate("sideman.piano.isOn")
    page.locator("#sound").click()
    until(lambda: page.evaluate("sideman.piano.isOn"), "the piano is on")
    until(lambda: page.evaluate("sideman.piano.loudness()") > 0.001, "something is heard")
    page.locator("#sound").click()
    until(lambda: not page.evaluate("sideman.piano.isOn"), "and off")


def test_keys_of_the_computer_are_keys_of_the_piano(page: Visitor, over_a_chart: tuple[Play, Listener]) -> None:
    page.evaluate("document.activeElement.blur()")
    for key in "adg":
        page.keyboard.down(key)
    until(lambda: page.evaluate(HELD) == [48, 52, 55], "the session hears C, E and G")
    for key in "adg":
        page.keyboard.up(key)
    until(lambda: page.evaluate(HELD) == [], "and lets them go")
    page.locator("#tempo").focus()
    page.keyboard.press("a")  # a letter in a field is no note
    time.sleep(0.2)
    assert page.evaluate(HELD) == []


HELD = """[...sideman.live.keys.values()].filter(({ off }) => off === null).map(({ pitch }) => pitch).sort()"""


def test_the_piano_is_played_without_a_mouse(page: Visitor) -> None:
    page.locator(".key[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.down("Enter")
    until(lambda: page.evaluate(HELD) == [61], "the session hears C sharp")
    page.keyboard.up("Enter")
    until(lambda: page.evaluate(HELD) == [], "and no more")


def test_a_key_that_is_clicked_plays_and_a_pedal_holds_it(page: Visitor) -> None:
    page.locator("[data-word='piano.pedal']").click()
    key = page.locator(".key[data-pitch='60']")
    key.click()
    until(lambda: page.evaluate(HELD) == [60], "the pedal holds it")
    page.locator("[data-word='piano.pedal']").click()
    until(lambda: page.evaluate(HELD) == [], "until it goes up")


def test_a_chart_is_written_with_the_parsers_own_hints(page: Visitor, over_a_chart: tuple[Play, Listener]) -> None:
    page.locator("[data-word='chart.edit']").click()
    text = page.locator("#chart-text")
    assert text.input_value().startswith("[A] Dm7")
    text.fill("Dm7 | X7 | C")
    until(lambda: "'X7' is no chord symbol" in page.locator("#chart-hint").inner_text(), "the parser's hint")
    text.fill("[A] Fm7 | Bb7 | Ebmaj7 | C7b9")
    until(lambda: page.locator("#chart-hint").inner_text() == "", "no hint any more")
    until(lambda: "Ebmaj7" in page.locator(".bars").inner_text(), "the bars as they are written")
    text.press("Control+Enter")
    until(lambda: page.evaluate("sideman.live.chart.text") == "[A] Fm7 | Bb7 | Ebmaj7 | C7b9", "the chart in force")
    page.locator("[data-title='chart.up']").click()
    until(lambda: page.evaluate("sideman.live.chart.text") == "[A] Gbm7 | B7 | Emaj7 | Db7b9", "a semitone higher")
    until(lambda: page.locator(".measure[aria-current]").count() == 1, "the bar that sounds")


def test_a_click_on_a_chord_goes_to_its_bar_and_in_follow_plays_over_it(
    page: Visitor, over_a_chart: tuple[Play, Listener]
) -> None:
    until(lambda: page.evaluate("sideman.live.form"), "the chart goes round")
    page.locator(".measure").nth(2).locator(".chord").click()
    until(lambda: page.locator(".measure").nth(2).get_attribute("aria-current") == "true", "the third bar")
    page.locator("[data-choice=follow]").click()
    until(lambda: ask(over_a_chart[0].osc_port, "mode") == "follow", "follow")
    name = page.locator(".measure").nth(1).locator(".chord").inner_text()
    page.locator(".measure").nth(1).locator(".chord").click()
    until(lambda: name in page.locator("#news").inner_text(), "the second bar's chord is followed")
    page.locator("[data-choice=changes]").click()
    until(lambda: ask(over_a_chart[0].osc_port, "mode") == "changes", "and back")


def test_the_library_plays_at_its_tempo(page: Visitor, over_a_chart: tuple[Play, Listener]) -> None:
    page.locator(".chart .head select").select_option(label="Harbour Waltz")
    until(lambda: page.evaluate("sideman.live.chart.metre") == "3/4", "the chart")
    until(lambda: page.locator("#metre").input_value() == "3/4", "its metre")
    until(lambda: page.evaluate("sideman.live.beat?.tempo") == 138, "its tempo")
    assert page.locator("#tempo").input_value() == "138"
    until(lambda: ask(over_a_chart[0].osc_port, "groove") == "waltz", "its groove")


def test_taps_set_the_tempo_and_play_and_stop_do_as_they_say(page: Visitor) -> None:
    for _ in range(4):
        page.locator("#tap").dispatch_event("pointerdown")
        time.sleep(0.4)
    until(lambda: 80 < (page.evaluate("sideman.live.beat?.tempo") or 0) < 150, "the tapped tempo")
    page.locator("#stop").click()
    until(lambda: page.evaluate("sideman.live.beat") is None, "rest")
    page.locator("#play").click()
    until(lambda: page.evaluate("sideman.live.beat") is not None, "music")


@pytest.mark.parametrize("language", ["en-GB", "ko-KR"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_and_nothing_sticks_out(
    width: int, theme: str, language: str, browser: Any, over_a_chart: tuple[Play, Listener]
) -> None:
    modules = node_environment("axe-core")["NODE_PATH"]
    axe = (Path(modules) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = visit(browser, over_a_chart[0].osc_port, width, color_scheme=theme, locale=language)
    try:
        until(lambda: page.locator(".measure").count() > 3, "a chart")
        page.locator("[data-word='chart.edit']").click()
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        assert [(wrong["id"], [node["html"][:120] for node in wrong["nodes"]]) for wrong in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.lang") == language[:2]
        assert page.complaints == []
    finally:
        page.close()


def test_without_any_midi_the_page_is_instrument_and_speaker(browser: Any) -> None:
    environment = dict(os.environ, SIDEMAN_MIDI="jack", JACK_DEFAULT_SERVER="none-of-this-name", PYTHONUNBUFFERED="1")
    port = free_udp_port()
    play = Lines([*FAKE_ENGINE, "--panel=serve", "--osc-port", str(port)], environment)
    try:
        play.wait_for("in the page alone")
        play.wait_for("Ctrl-C stops")
        page = visit(browser, port)
        page.locator("#sound").click()
        for key in "adgj":
            page.keyboard.down(key)
        until(lambda: "Cmaj7" in page.locator("#news").inner_text(), "the chord is followed")
        until(lambda: page.evaluate("sideman.piano.loudness()") > 0.001, "and the sideman heard")
        assert page.complaints == []
        page.close()
        assert play.end() == 130
    finally:
        play.kill()
