"""Bars in the page: selected, kept, chosen among variations, drawn over, dragged out; banks. In a real browser."""

from __future__ import annotations

import re
import time
from typing import Any

import mido
import pytest

from tests.support.browser import Visitor, until, visit
from tests.support.live.processes import Listener, Play, ask

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]


def test_the_last_bars_are_downloaded_or_dragged_out_and_parse(
    page: Visitor, over_a_chart: tuple[Play, Listener]
) -> None:
    _, listener = over_a_chart
    page.locator(".tools select").select_option("4")
    until(lambda: listener.onsets() and listener.onsets()[-1][0] - listener.onsets()[0][0] > 10e6, "five bars")
    with page.expect_download() as download:
        page.locator(".take").click()
    file = mido.MidiFile(download.value.path())
    assert download.value.suggested_filename == "sideman-4-bars.mid"
    taken = [message.note for message in file.tracks[1] if message.type == "note_on" and message.velocity]
    heard = [pitch for _, pitch in listener.onsets()]
    assert taken
    assert any(heard[at : at + len(taken)] == taken for at in range(len(heard))), "what was sent, in its order"
    dragged = page.locator(".take").evaluate(
        """(node) => { const carried = new DataTransfer();
           node.dispatchEvent(new DragEvent("dragstart", { dataTransfer: carried, bubbles: true }));
           return carried.getData("DownloadURL"); }"""
    )
    kind, name, address = dragged.split(":", 2)
    assert (kind, name) == ("audio/midi", "sideman-4-bars.mid")
    assert page.request.get(address).body()[:4] == b"MThd"


def test_bars_are_selected_kept_played_again_and_undone(page: Visitor) -> None:
    page.locator("#chart-text").evaluate("(node) => sideman.values.command('/sideman/chords', 'Dm7 | G7 | Cmaj7 | A7')")
    page.evaluate("sideman.values.command('/sideman/transport/tempo', 240)")
    until(lambda: page.evaluate("sideman.live.chart.bars") == 4, "four bars")
    keep, again, undo = (page.locator(f"#{name}") for name in ("keep", "again", "undo"))
    bars = page.get_by_role("button", name=re.compile(r"^Bar \d(, kept)?$"))
    assert bars.count() == 4
    assert [button.is_disabled() for button in (again, undo)] == [True, True]
    time.sleep(5.0)  # a round goes by
    keep.click()
    until(lambda: page.locator(".measure.kept").count() == 4, "all of it is kept")
    bars.nth(1).click()
    bars.nth(2).click(modifiers=["Shift"])
    assert page.locator(".pick[aria-pressed=true]").all_inner_texts() == ["2", "3"]
    again.click()
    until(lambda: page.locator(".measure.kept").count() == 2, "two of them are new")
    assert page.get_by_role("button", name="Bar 4, kept").count() == 1
    undo.click()
    until(lambda: page.locator(".measure.kept").count() == 4, "and kept again")
    undo.click()
    until(lambda: page.locator(".measure.kept").count() == 0, "nothing is kept")
    assert undo.is_disabled()


def test_a_bank_is_filled_and_gone_on_from(page: Visitor, over_a_chart: tuple[Play, Listener]) -> None:
    bank = page.locator("#bank-B")
    assert bank.is_disabled()
    page.evaluate("sideman.values.command('/sideman/play')")
    page.evaluate("sideman.values.set(sideman.values.byName.get('temperature'), 0.4)")
    until(lambda: ask(over_a_chart[0].osc_port, "temperature") == pytest.approx(0.4), "a knob")
    page.locator("#store").click()
    assert page.locator("#store").get_attribute("aria-pressed") == "true"
    bank.click()
    until(lambda: "is-filled" in (bank.get_attribute("class") or ""), "the bank is filled")
    page.evaluate("sideman.values.set(sideman.values.byName.get('temperature'), 1.5)")
    until(lambda: ask(over_a_chart[0].osc_port, "temperature") == pytest.approx(1.5), "another value")
    bank.click()
    until(lambda: bank.get_attribute("aria-current") == "true", "it goes on from there")
    until(lambda: ask(over_a_chart[0].osc_port, "temperature") == pytest.approx(0.4), "with its knobs")
    until(lambda: page.evaluate("sideman.values.value('temperature')") == pytest.approx(0.4), "which the page shows")


@pytest.fixture
def four_bars(page: Visitor) -> None:
    """A chart of its own, of a second a bar, in its second round."""
    page.evaluate("sideman.values.command('/sideman/chords', 'Fm7 | Bb7 | Ebmaj7 | C7')")
    page.evaluate("sideman.values.command('/sideman/transport/tempo', 240)")
    until(lambda: page.evaluate("sideman.live.chart.text") == "Fm7 | Bb7 | Ebmaj7 | C7", "four bars")
    until(lambda: page.evaluate(TURN) > 1, "a round goes by")


TURN = "sideman.live.form ? (sideman.live.now() - sideman.live.form.origin) / 4e6 : 0"
BEGAN = "sideman.live.form?.origin ?? null"
STRUCK = """(from) => { const { live } = sideman; const origin = live.form.origin + from * 4e6;
  return [...live.notes.values()]
    .filter(({ on, state }) => state !== "planned" && on > origin + 950e3 && on < origin + 2.9e6)
    .map(({ on, pitch }) => [Math.round((on - origin) / 5e4), pitch]).sort((a, b) => a[0] - b[0] || a[1] - b[1]); }"""


@pytest.mark.usefixtures("four_bars")
def test_variations_are_chosen_by_keys_and_each_is_heard_again_as_it_was(
    page: Visitor, over_a_chart: tuple[Play, Listener]
) -> None:
    page.locator(".pick").nth(1).click()
    page.locator(".pick").nth(2).click()
    page.evaluate("document.activeElement.blur()")

    def round_by_key(key: str) -> list[int]:
        """The pitches of the two bars in the next round, which the key has chosen in the last bar of this one."""
        for _ in range(3):  # a machine that stood still begins the chart anew
            until(lambda: page.evaluate(TURN) % 1 > 0.8, "the last bar")
            turn, began = int(page.evaluate(TURN)) + 1, page.evaluate(BEGAN)
            page.keyboard.press(key)
            until(lambda t=turn, b=began: page.evaluate(TURN) > t + 0.75 or page.evaluate(BEGAN) != b, "the bars go by")
            if page.evaluate(BEGAN) == began:
                return [pitch for _, pitch in page.evaluate(STRUCK, turn)]
        raise AssertionError("the chart never went round without a stop")

    second = round_by_key("2")
    assert page.locator("#variation-2").get_attribute("aria-pressed") == "true"
    assert page.get_by_role("button", name="Bar 2, variation 2").count() == 1
    first = round_by_key("1")
    third = round_by_key("3")
    assert len({tuple(way) for way in (first, second, third)}) == 3
    assert alike(round_by_key("2"), second) > 0.8
    assert alike(round_by_key("1"), first) > 0.8
    assert [button.get_attribute("class").count("is-filled") for button in page.locator(".variation").all()] == [
        1, 1, 1, 0,
    ]  # fmt: skip
    page.locator("#undo").click()
    until(lambda: page.locator("#variation-2").get_attribute("aria-pressed") == "true", "the one before")
    page.locator("#hear").click()
    until(lambda: page.locator(".measure").nth(1).get_attribute("aria-current") == "true", "it is gone to")


def alike(some: list[int], others: list[int]) -> float:
    """The share of pitches that both have, at the edge of what a busy machine tells in time."""
    rest = list(others)
    both = sum(1 for pitch in some if pitch in rest and not rest.remove(pitch))  # type: ignore[func-returns-value]
    return both / max(len(some), len(others), 1)


@pytest.mark.usefixtures("four_bars")
def test_a_density_is_drawn_over_the_bars_and_another_page_shows_it(
    browser: Any, page: Visitor, over_a_chart: tuple[Play, Listener]
) -> None:
    other = visit(browser, over_a_chart[0].osc_port)
    page.locator("#draw").click()
    place = [page.locator(".level").nth(index).bounding_box() for index in range(3)]
    page.mouse.move(place[0]["x"] + 20, place[0]["y"] + 0.1 * place[0]["height"])
    page.mouse.down()
    page.mouse.move(place[2]["x"] + 20, place[2]["y"] + 0.1 * place[2]["height"])
    page.mouse.up()
    page.mouse.click(place[1]["x"] + 20, place[1]["y"] + 0.5 * place[1]["height"])
    drawn = "sideman.live.densities"
    until(lambda: page.evaluate(drawn) == pytest.approx({"1": 0.9, "2": 0.5, "3": 0.9}, abs=0.06), "the engine has it")
    until(lambda: other.evaluate(drawn) == page.evaluate(drawn), "and the other page")
    slider = other.get_by_role("slider", name="Density of bar 1")
    assert slider.get_attribute("aria-valuetext") == page.get_by_role("slider", name="Density of bar 1").get_attribute(
        "aria-valuetext"
    )
    other.locator("#draw").click()
    slider.focus()
    other.keyboard.press("Home")
    until(lambda: page.evaluate(drawn)["1"] == 0, "drawn with a key there, shown here")
    other.keyboard.press("Delete")
    until(lambda: "1" not in page.evaluate(drawn), "left to the knob")
    page.locator("#draw-clear").click()
    until(lambda: other.evaluate(drawn) == {}, "none is drawn any more")
    assert other.complaints == []
    other.close()
    page.locator("#draw").click()


@pytest.mark.usefixtures("four_bars")
def test_every_press_of_an_arrow_is_a_step_of_a_bars_density_however_quick(page: Visitor) -> None:
    page.locator("#draw").click()
    page.locator(".level").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowUp")
    until(lambda: page.evaluate("sideman.live.densities") == {"1": 0.75}, "five steps from the middle")
    page.locator("#draw-clear").click()
    until(lambda: page.evaluate("sideman.live.densities") == {}, "none is drawn any more")
    page.locator("#draw").click()
