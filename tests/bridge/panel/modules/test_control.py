"""Laws of what is turned in the page: what was sent is what was turned, and `a` is auto on every keyboard."""

from __future__ import annotations

import pytest

from tests.support.page.modules import run_script

KNOB = """
    const { control } = await load("control");
    const { Values } = await load("values");
    const { encode, decode } = await load("osc");
    const row = {
      name: "density", address: "/sideman/param/density", choices: [], low: 0, high: 1, widget: "knob", type: "f",
      auto: true, default: 0.5, unit: "", help: "", meanings: {},
    };
    const values = new Values({ parameters: [row], styles: [], longest: 9, commands: [] });
    const sent = [];
    values.link.send = (message) => sent.push(decode(message.buffer).values[0]);
    control(row, values);
    const turn = elements.find(({ attributes }) => attributes.role === "slider");
"""
LANE = """
    const { Signal } = await load("dom");
    const { DensityLane } = await load("density");
    const live = { densities: {}, drawnChanged: new Signal(), began: new Signal() };
    const chart = { shown: new Signal(), grid: box() };
    const values = { refused: new Signal(), command: (...message) => sent.push(message) };
    const sent = [];
    new DensityLane(box(), chart, live, values);
    chart.shown.tell([box()]);
    const turn = elements.find(({ attributes }) => attributes.role === "slider");
"""
A_KEYS = [
    ("a", "KeyA", True), ("A", "KeyA", True), ("ㅁ", "KeyA", True), ("Process", "KeyA", True), ("a", "KeyQ", True),
    ("q", "KeyA", False), ("ㅂ", "KeyQ", False), ("s", "KeyS", False),
]  # fmt: skip


def test_the_last_move_of_a_knob_is_sent_whatever_another_surface_turns_meanwhile() -> None:
    told = run_script(f"""{KNOB} press(turn, "Home"); press(turn, "End");
        values.link.heard.tell(encode(row.address, "f", 0.25).buffer); await wait(50); return [sent, row.value];""")
    assert told == [[0, 1], 1]


@pytest.mark.parametrize(("key", "code", "is_auto"), A_KEYS)
def test_a_is_auto_in_capitals_and_where_the_keyboard_writes_another_script(key: str, code: str, is_auto: bool) -> None:
    kept, value = run_script(f'{KNOB} row.value = 0.7; return [press(turn, "{key}", "{code}"), row.value];')
    assert (kept, value) == ((True, "auto") if is_auto else (False, 0.7))
    kept, sent = run_script(
        f'{LANE} const kept = press(turn, "{key}", "{code}"); await wait(200); return [kept, sent];'
    )
    assert (kept, sent) == ((True, [["/sideman/density/bars", "1 auto"]]) if is_auto else (False, []))


def test_a_drawn_density_that_is_refused_is_not_shown_any_more() -> None:
    shown = run_script(f"""{LANE} press(turn, "End"); await wait(200); const drawn = turn.attributes["aria-valuetext"];
        values.refused.tell("/sideman/density/bars", "not here"); return [drawn, turn.attributes["aria-valuetext"]];""")
    assert shown == ["100 %", "auto"]
