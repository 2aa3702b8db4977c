"""The roll in a real browser: its tiles lie and move as the music does, and the chart below lights up with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.browser import until, visit
from tests.support.live.jack_server import JackServer
from tests.support.live.processes import FAKE_ENGINE, playing

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

FRAME_MS = 1000 / 60
IS_MOVING = """() => document.querySelector(".strip").getAnimations().some((run) => run.playState === "running")"""
OFF_MS = """() => new Promise((resolve) => requestAnimationFrame(() => {
  resolve((sideman.roll.shownUs - sideman.live.now()) / 1000);
}))"""
# Columns of the tiles in which a note that is over lies, or none, and how many of them are not painted so.
DRAWN = """() => {
  const [width, lane, step] = [320, 40, 8]; // of a tile, and of what is above the notes
  const style = getComputedStyle(document.documentElement);
  const sheet = Object.assign(document.createElement("canvas"), { width, height: 600 }).getContext("2d");
  const { live, roll } = sideman;
  const box = document.querySelector("#roll").getBoundingClientRect();
  const line = document.querySelector(".now").getBoundingClientRect().left;
  const [now, shown] = [live.now(), roll.shownUs];
  const over = [...live.notes.values()].filter(({ state, channel }) => state === "over" && channel !== 9);
  const notes = [];
  let wrong = 0;
  for (const tile of document.querySelectorAll(".strip > canvas")) {
    const left = tile.getBoundingClientRect().left;
    const at = (x) => shown + ((left + x - line) / 150) * 1e6;
    sheet.drawImage(tile, 0, 0);
    for (let x = 4; x < width; x += step) {
      if (at(x) > now - 400e3 || left + x < box.left) continue;
      const near = (us) => over.some(({ on, off }) => on - us < at(x) && at(x) < off + us);
      if (near(30e3) !== near(-30e3)) continue; // by its end
      const pixels = sheet.getImageData(x, lane, 1, tile.height - lane).data;
      let painted = false;
      for (let i = 0; i < pixels.length; i += 4) painted ||= pixels[i] > pixels[i + 2] + 60;
      notes.push(near(0));
      wrong += painted !== near(0);
    }
  }
  return { notes, wrong };
}"""
TILE_AT = """(x) => [...document.querySelectorAll(".strip > canvas")].find((each) => {
  const { left, right } = each.getBoundingClientRect();
  return left <= x && x < right;
})"""
LANE_BY_THE_LINE = """() => {
  const line = document.querySelector(".now").getBoundingClientRect().left;
  const tile = (TILE_AT)(line - 4);
  const sheet = new OffscreenCanvas(320, 60).getContext("2d");
  sheet.drawImage(tile, 0, 0);
  const pixel = sheet.getImageData(line - 4 - tile.getBoundingClientRect().left, 25, 1, 1).data;
  return `rgb(${[...pixel].slice(0, 3).join(", ")})`;
}""".replace("TILE_AT", TILE_AT)
# Whether the last mark is drawn where its moment lies, in sight: a line, beside which is none.
MARK_IS_IN_PLACE = """() => {
  const [lane, foot] = [40, 30]; // of what is above and below the rows
  const line = document.querySelector(".now").getBoundingClientRect().left + 0.75;
  const x = line + ((sideman.live.marks.at(-1).at - sideman.roll.shownUs) / 1e6) * 150;
  const tile = (TILE_AT)(x);
  if (!tile) return false;
  const left = Math.round(x - tile.getBoundingClientRect().left);
  if (left < 8 || left > 312) return null; // by the tile's edge: who can tell
  const sheet = new OffscreenCanvas(320, tile.height).getContext("2d");
  sheet.drawImage(tile, 0, 0);
  const column = (each) => sheet.getImageData(each, lane, 1, tile.height - lane - foot).data.join();
  return [-1, 0, 1].some((by) => column(left + by) !== column(left - 6));
}""".replace("TILE_AT", TILE_AT)
ROW_COLOUR = """() => {
  const probe = document.createElement("i");
  probe.style.color = "var(--roll-row)";
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}"""
WATCH_BARS = """() => {
  window.lit = []; // [bar that is lit, bar that sounds, milliseconds since it began]
  window.timed = []; // how late a timer of our own is, that was set for the same moments
  const now = () => {
    const { form, chart } = sideman.live;
    if (!form) return null; // a busy machine rests where it stood still, and goes on
    const bars = ((sideman.live.now() - form.origin) * form.tempo) / 60e6 / chart.beatsPerBar;
    return { bar: Math.floor(bars) % chart.bars, ms: ((bars % 1) * chart.beatsPerBar * 60e3) / form.tempo };
  };
  new MutationObserver(() => {
    const shown = [...document.querySelectorAll(".measure")].findIndex((cell) => cell.ariaCurrent === "true");
    const sounds = now();
    if (shown >= 0 && sounds) lit.push([shown, sounds.bar, sounds.ms]);
  }).observe(document.querySelector(".bars"), { subtree: true, attributeFilter: ["aria-current"] });
  const wait = () => {
    const before = now();
    if (!before) return setTimeout(wait, 100);
    setTimeout(() => (now() && timed.push(now().ms), setTimeout(wait, 300)), 2001 - before.ms);
  };
  wait();
}"""


def test_the_roll_stands_under_its_line_where_the_clock_is(page: Any) -> None:
    until(lambda: page.evaluate(IS_MOVING), "the browser's compositor moves it")
    off_ms = [page.evaluate(OFF_MS) for _ in range(20)]
    print(f"\nthe roll stands {min(map(abs, off_ms)):.1f} ms from the engine's clock")
    assert min(map(abs, off_ms)) < FRAME_MS


def test_what_is_drawn_lies_where_the_notes_do(page: Any) -> None:
    right = 0
    for _ in range(60):  # a busy machine draws late
        drawn = page.evaluate(DRAWN)
        right += sum(drawn["notes"]) > 20 and drawn["wrong"] == 0
        if right == 3:
            break
        page.wait_for_timeout(300)
    print(f"\n{len(drawn['notes'])} columns, {sum(drawn['notes'])} of them with notes, wrong: {drawn['wrong']}")
    assert right == 3


def test_a_chord_that_is_followed_and_has_no_end_yet_stands_in_the_lane(page: Any) -> None:
    page.evaluate("sideman.values.set(sideman.values.byName.get('mode'), 'follow')")
    until(lambda: page.evaluate("sideman.live.form === null"), "the chart is left")
    for key in "adgj":
        page.keyboard.down(key)
    try:
        until(lambda: "Cmaj7" in page.locator("#news").inner_text(), "the chord is followed")
        until(
            lambda: page.evaluate(LANE_BY_THE_LINE) == page.evaluate(ROW_COLOUR), "it is drawn as the one that sounds"
        )
    finally:
        for key in "adgj":
            page.keyboard.up(key)
        page.evaluate("sideman.values.set(sideman.values.byName.get('mode'), 'changes')")
    until(lambda: page.evaluate("sideman.live.form !== null"), "and back")


def test_the_bar_of_the_chart_lights_up_as_it_begins(page: Any) -> None:
    page.evaluate(WATCH_BARS)
    page.wait_for_timeout(11_000)  # without asking meanwhile, which keeps the page busy
    lit, timed_ms = page.evaluate("[lit, timed]")
    late_ms = [ms for _, _, ms in lit]
    print(f"\nlit {min(late_ms):.1f} ms after the bar began, a timer {min(timed_ms):.1f} ms")
    assert len(lit) >= 3
    assert sum(shown == sounds for shown, sounds, _ in lit) >= len(lit) - 1
    assert min(late_ms) < min(timed_ms) + FRAME_MS


def test_what_is_marked_while_nothing_plays_lies_where_its_moment_does(browser: Any, jack: JackServer) -> None:
    with playing(jack, FAKE_ENGINE, ["--panel=serve", "--mode", "follow"]) as (play, _):
        page = visit(browser, play.osc_port)
        right = 0
        for _ in range(5):
            page.wait_for_timeout(1300)  # of which the roll, that stands, shows nothing
            page.evaluate("sideman.roll.mark('temperature 0.9')")
            until(lambda: page.evaluate(MARK_IS_IN_PLACE) is not False, "the mark is drawn in its place")
            right += page.evaluate(MARK_IS_IN_PLACE) is True
        assert right >= 2
        assert page.complaints == []
        page.close()
