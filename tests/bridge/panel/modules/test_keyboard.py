"""Laws of the page's keyboard: a pitch sounds for as long as anybody holds it, and nobody holds it who is gone."""

from __future__ import annotations

import pytest

from tests.support.page.modules import run_script

RIG = """
    const { Signal } = await load("dom");
    const { Keyboard } = await load("keyboard");
    const sent = [];
    const live = {
      note: new Signal(), key: new Signal(), began: new Signal(), notes: new Map(), keys: new Map(),
      play: (...message) => sent.push(message.join(" ")),
    };
    const keyboard = new Keyboard(box(), live);
    const [one, two] = [{ name: "one", state: "connected" }, { name: "two", state: "connected" }];
    const access = { inputs: new Map([["1", one], ["2", two]]) };
    navigator.requestMIDIAccess = async () => access;
    await keyboard.listenToMidi();
    const plays = (input, ...data) => input.onmidimessage({ data });
    const target = new Element();
    target.closest = () => null;
    const type = (kind, code, key = code) => happens(kind, { code, key, target });
"""
HOLDS = "return { sent, down: [...keyboard.down] };"


@pytest.mark.parametrize("goes", ['one.state = "disconnected"', 'access.inputs.delete("1")'])
def test_a_midi_keyboard_that_is_unplugged_holds_neither_keys_nor_pedal(goes: str) -> None:
    told = run_script(f"""{RIG}
        plays(one, 0x90, 60, 90); plays(one, 0xb0, 64, 127); plays(two, 0x90, 67, 90);
        sent.length = 0; {goes}; access.onstatechange({{}}); {HOLDS}
    """)
    assert sorted(told["sent"]) == ["128 60 0", "176 64 0"]
    assert told["down"] == [67]


def test_a_window_that_is_left_lets_go_of_typed_keys_and_of_none_of_a_midi_keyboard() -> None:
    told = run_script(f"""{RIG}
        plays(one, 0x90, 60, 90); type("keydown", "KeyA"); keyboard.press(72);
        sent.length = 0; happens("blur"); {HOLDS}
    """)
    assert sorted(told["sent"]) == ["128 48 0", "128 72 0"]
    assert told["down"] == [60]


@pytest.mark.parametrize(
    ("holds", "lets_go"),
    [
        ("plays(two, 0x90, 48, 90)", "plays(two, 0x80, 48, 0)"),
        ('type("keydown", "KeyA")', 'type("keyup", "KeyA")'),
        ("keyboard.press(48)", "keyboard.release(48)"),
    ],
)
def test_a_pitch_that_two_hold_is_struck_once_and_ends_with_the_last_of_them(holds: str, lets_go: str) -> None:
    script = f"{RIG} plays(one, 0x90, 48, 90); {holds}; const struck = [...sent]; sent.length = 0;"
    ends = ["plays(one, 0x80, 48, 0)", lets_go]
    for first, last in (ends, ends[::-1]):
        told = run_script(f"{script} {first}; const early = [...sent]; {last}; return {{ struck, early, sent }};")
        assert told == {"struck": ["144 48 90"], "early": [], "sent": ["128 48 0"]}


def test_the_pedal_is_up_as_the_last_foot_leaves_it_and_down_again_for_an_engine_that_is_met_again() -> None:
    told = run_script(f"""{RIG}
        const pedalled = []; keyboard.pedalled.listen((down) => pedalled.push(down));
        plays(one, 0xb0, 64, 127); keyboard.pedal(true); plays(one, 0xb0, 64, 0); const held = [...sent];
        live.began.tell(); const again = sent.length; keyboard.pedal(false); live.began.tell();
        return {{ held, again, sent, pedalled }};
    """)
    assert told["held"] == ["176 64 127"]
    assert told["sent"] == ["176 64 127", "176 64 127", "176 64 0"]
    assert (told["again"], told["pedalled"]) == (2, [True, False])


def test_typed_keys_whose_end_macos_does_not_tell_end_with_its_command_key() -> None:
    told = run_script(f"""{RIG}
        type("keydown", "KeyA"); type("keydown", "KeyD"); plays(one, 0x90, 60, 90);
        sent.length = 0; type("keyup", "MetaLeft", "Meta"); {HOLDS}
    """)
    assert sorted(told["sent"]) == ["128 48 0", "128 52 0"]
    assert told["down"] == [60]
