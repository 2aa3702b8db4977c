"""Laws of the page's own piano: every key sounds once and for as long as it is held, and what is taken back is not
heard."""

from __future__ import annotations

import pytest

from tests.support.page.modules import run_script

RIG = """
    const { Signal } = await load("dom");
    const { Keyboard } = await load("keyboard");
    const { Hearing } = await load("hearing");
    const { Piano } = await load("sound");
    const live = {
      note: new Signal(), key: new Signal(), began: new Signal(), notes: new Map(), keys: new Map(),
      link: new FakeLink(), now: () => 0, play() {},
    };
    const piano = new Piano();
    await piano.turnOn(0.8);
    const keyboard = new Keyboard(box(), live);
    const hearing = new Hearing(live, piano, keyboard);
    const told = (kind, number, pitch) => live.key.tell(kind, { number, pitch, velocity: 80 });
    const note = { number: 7, on: 50e3, off: 80e3, pitch: 60, velocity: 90, channel: 0, state: "planned" };
    const given = async () => { live.notes.set(7, note); await wait(80); };
"""
SOUNDED = "return strings.map(({ at, stopsAt }) => stopsAt ?? null);"


def test_a_tap_that_is_over_before_the_engine_tells_it_sounds_once() -> None:
    struck = run_script(f"""{RIG}
        keyboard.press(67); keyboard.release(67); keyboard.press(67); keyboard.release(67);
        for (const number of [1, 2]) {{ told("key", number, 67); told("keyup", number, 67); }}
        const own = strings.length; told("key", 3, 67); told("keyup", 3, 67);
        return [own, strings.length];
    """)
    assert struck == [2, 3]  # the third came by a MIDI port


def test_strikes_that_an_engine_never_told_are_not_owed_by_the_next_one() -> None:
    struck = run_script(f"""{RIG}
        keyboard.press(67); keyboard.release(67); live.link.isOpen = false; live.link.closed.tell();
        keyboard.press(67); keyboard.release(67); live.link.isOpen = true; live.began.tell();
        told("key", 1, 67); return strings.length;
    """)
    assert struck == 3


@pytest.mark.parametrize("pedal", ["keyboard.pedal({})", "midi.onmidimessage({{ data: [0xb0, 64, {} ? 127 : 0] }})"])
def test_every_pedal_of_the_page_holds_its_sound(pedal: str) -> None:
    ends = run_script(f"""{RIG}
        const midi = {{ name: "keys", state: "connected" }};
        navigator.requestMIDIAccess = async () => ({{ inputs: new Map([["1", midi]]) }});
        await keyboard.listenToMidi();
        {pedal.format("true")}; keyboard.press(64); keyboard.release(64); const held = strings[0].stopsAt ?? null;
        {pedal.format("false")}; return [held, strings[0].stopsAt > 0];
    """)
    assert ends == [None, True]


def test_a_key_that_sounds_ends_although_the_players_keys_are_turned_off() -> None:
    (end,) = run_script(f"""{RIG} told("key", 1, 64); hearing.yours = false; told("keyup", 1, 64); {SOUNDED}""")
    assert end is not None
    assert run_script(f"""{RIG} hearing.yours = false; told("key", 1, 64); {SOUNDED}""") == []


@pytest.mark.parametrize("off", ["80e3", "null"])
def test_a_planned_note_that_is_taken_back_is_never_heard(off: str) -> None:
    stopped = run_script(f"""{RIG} note.off = {off}; await given();
        live.notes.delete(7); live.note.tell("back", note); {SOUNDED}""")
    assert stopped == [0]  # at once: before its moment


def test_a_note_whose_end_is_put_off_sounds_until_the_new_one() -> None:
    first, open_again, last = run_script(f"""{RIG} await given(); const ends = [strings[0].stopsAt];
        note.off = null; live.note.tell("end", note); ends.push(strings[0].stopsAt);
        note.state = "sounds"; note.off = 600e3; live.note.tell("end", note); await wait(80); live.now = () => 550e3;
        await wait(80); return [...ends, strings[0].stopsAt];""")
    assert 0.08 <= first < 0.6
    assert open_again > 10
    assert 0.05 <= last < 0.6
