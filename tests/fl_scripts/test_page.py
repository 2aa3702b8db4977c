"""docs/FL_STUDIO.md holds what it says: pictures, steps, commands and numbers, and the mouse's way over real ports."""

from __future__ import annotations

import importlib.util
import re
import shutil
import time
from pathlib import Path
from types import ModuleType

import pytest
import rtmidi

from bridge import cli
from osc_protocol.table.parameters import BY_CC, BY_NAME, COMMANDS
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import playing

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "FL_STUDIO.md").read_text(encoding="utf-8")


def drawing() -> ModuleType:
    """docs/draw_fl_studio.py, which is no package's."""
    spec = importlib.util.spec_from_file_location("draw_fl_studio", DOCS / "draw_fl_studio.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(title: str) -> str:
    """The text under a heading, up to the next of its rank."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def steps(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]


def test_the_pictures_are_up_to_date_and_each_is_shown() -> None:
    drawn = drawing().render()
    there = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "fl_studio").glob("*.svg")}
    assert there == drawn, "run `python docs/draw_fl_studio.py`"
    assert set(re.findall(r"\(fl_studio/(\w+\.svg)\)", PAGE)) == set(drawn)


def test_the_mouses_way_takes_ten_steps_at_most() -> None:
    numbers = steps(section("Knobs without a script"))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) <= 10


def test_links_lead_somewhere() -> None:
    titles = re.findall(r"^##+ (.*)$", PAGE, re.MULTILINE)
    headings = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("https:"):
            assert (DOCS / target).is_file(), target


COMMANDS_ON_THE_PAGE = sorted({" ".join(text.split()) for text in re.findall(r"`(sideman [^`]+)`", PAGE)})


@pytest.mark.parametrize("command", COMMANDS_ON_THE_PAGE)
def test_every_command_on_the_page_is_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = command.split()
    assert cli.main([words[1], "--help"]) == 0
    told = capsys.readouterr().out
    assert all(option in told for option in re.findall(r"--[\w-]+", command))
    if words[1] in ("fl", "learn"):
        assert words[2] in told


def test_the_numbers_of_controllers_are_those_of_the_table() -> None:
    text = " ".join(section("Knobs without a script").split())
    assert BY_CC[20].name == "temperature"
    assert "give it controller 20: temperature" in text
    assert "21 top-p, 24 density, 31 swing, 112 the role, 113 the groove, 116 loudness, 117 the register" in text
    assert [BY_CC[number].name for number in (21, 24, 31, 112, 113, 116, 117)] == [
        "top_p", "density", "swing", "role", "groove", "loudness", "register",
    ]  # fmt: skip
    buttons = {row.cc: row.name for row in COMMANDS if row.cc is not None}
    assert buttons == {
        102: "play", 103: "stop", 104: "panic", 105: "mode next", 106: "style next", 107: "ending", 108: "role next",
        109: "groove next", 110: "left_hand next", 111: "manner next",
        85: "keep", 86: "again", 87: "undo", 89: "capture",
    }  # fmt: skip
    order = "play, stop, panic, next mode, next style, ending, next role, next groove, next left hand and next manner"
    assert f"102 to 111 presses {order}; 85, 86, 87 and 89 press keep, again, undo and capture" in text
    assert BY_NAME["temperature"].cc == 20


@pytest.mark.real
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed")
def test_a_knob_of_the_midi_out_channel_changes_the_solo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps 7 to 10: a chord and a controller on `Sideman In`, as the MIDI Out channel sends them; no script."""
    with running_jack() as jack:
        for name, value in jack.environment.items():
            monkeypatch.setenv(name, value)
        with playing(jack) as (play, listener):
            channel = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="MIDI Out")
            try:
                names = channel.get_ports()
                channel.open_port(next(i for i, name in enumerate(names) if "Sideman In" in name), "channel")
                time.sleep(0.3)
                for note in (48, 52, 55, 58):
                    channel.send_message([0x90, note, 90])
                heard: list[set[int]] = []
                for position in (0, 127, 0):
                    channel.send_message([0xB0, 20, position])
                    time.sleep(0.5)  # what was sounding ends
                    begin = len(listener.onsets())
                    time.sleep(2.0)
                    heard.append({pitch for _, pitch in listener.onsets()[begin:]})
                for note in (48, 52, 55, 58):
                    channel.send_message([0x80, note, 0])
                time.sleep(0.2)
            finally:
                channel.close_port()
                channel.delete()
            assert play.end() == 130
            listener.finish()
    print(f"\npitches at the left {len(heard[0])}, at the right {len(heard[1])}, at the left again {len(heard[2])}")
    assert len(heard[0]) == len(heard[2]) == 1  # the test's engine plays one tone when it is cold
    assert len(heard[1]) > 1
    assert listener.unended() == set()
