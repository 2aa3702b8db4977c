"""Which port a name means. Opening real ones: tests/bridge/commands/test_play.py."""

from __future__ import annotations

import pytest

from bridge.errors import PortError
from bridge.midi.cables import find_again
from bridge.midi.system import MidiSystem

NAMES = ["loopMIDI Port 0", "loopMIDI Port 1", "Sideman Notes 2", "Piano"]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> MidiSystem:
    monkeypatch.setattr(MidiSystem, "_names", lambda self, kind: NAMES)
    return MidiSystem("Windows", 0, has_virtual=False)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("Piano", "Piano"), ("piano", "Piano"), ("port 1", "loopMIDI Port 1"), ("notes", "Sideman Notes 2")],
)
def test_a_port_is_found_by_its_name_or_a_part_of_it(system: MidiSystem, wanted: str, found: str) -> None:
    assert system.find(wanted, "Piano") == (found, "Piano")
    assert system.find("Piano", wanted) == ("Piano", found)


@pytest.mark.parametrize(
    ("input_name", "output_name", "text"),
    [
        ("Organ", "Piano", "no MIDI input port 'Organ' for --in: those there are 'loopMIDI Port 0', 'loopMIDI Port 1'"),
        ("Piano", "Organ", "no MIDI output port 'Organ' for --out: those there are"),
        ("loop", "Piano", "--in 'loop' could mean 'loopMIDI Port 0', 'loopMIDI Port 1': give more of the name"),
        (None, "Piano", "Windows has no virtual MIDI ports and no cable 'Sideman In': install loopMIDI"),
    ],
)
def test_a_name_that_is_not_there_lists_those_that_are(
    system: MidiSystem, input_name: str | None, output_name: str, text: str
) -> None:
    with pytest.raises(PortError, match=text):
        system.find(input_name, output_name)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("Windows", "sideman doctor"), ("CoreMIDI", "IAC"), ("ALSA", "plug one in"), ("JACK", "a2jmidid")],
)
def test_where_no_port_exists_the_error_says_how_to_have_one(
    monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    monkeypatch.setattr(MidiSystem, "_names", lambda self, kind: [])
    system = MidiSystem(name, 0, has_virtual=True)
    with pytest.raises(PortError, match=f"those there are none; .*{remedy}"):
        system.find("Piano", None)


@pytest.mark.parametrize(
    ("wanted", "names", "found"),
    [
        ("Piano", ["Organ", "Piano"], "Piano"),
        ("Piano:Piano MIDI 1 24:0", ["Piano:Piano MIDI 1 28:0"], "Piano:Piano MIDI 1 28:0"),
        ("Piano 1", ["Organ 0", "Piano 2"], "Piano 2"),
        ("loopMIDI Port 0", ["loopMIDI Port 1", "loopMIDI Port 2"], None),
        ("Piano", ["Grand Piano"], None),
        ("Piano", [], None),
    ],
)
def test_a_port_that_comes_back_is_known_by_its_name_whatever_number_it_has(
    wanted: str, names: list[str], found: str | None
) -> None:
    assert find_again(wanted, names) == found


def test_a_wrong_choice_of_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import rtmidi

    from bridge.midi.system import find_system

    if rtmidi.API_LINUX_ALSA not in rtmidi.get_compiled_api():
        pytest.skip("only Linux has a choice of MIDI systems")
    monkeypatch.setenv("SIDEMAN_MIDI", "oss")
    with pytest.raises(PortError, match="auto, alsa or jack"):
        find_system()
