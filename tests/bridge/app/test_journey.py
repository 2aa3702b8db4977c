"""A value's way from an OSC packet to the sampler: who has it in hand, and who checks it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from inspect import CO_NESTED
from pathlib import Path
from types import FrameType

import pytest

from bridge.app.arguments import add_arguments, settings_from
from bridge.app.remote import Remote
from engine.data.practice import compose
from engine.data.prepare import Settings, prepare
from engine.inference.session import Session
from engine.midi_io.write import write_midi
from engine.solo import command
from osc_protocol.table import parameters
from osc_protocol.table.parameters import Setting
from osc_protocol.wire.codec import encode
from tests.support.live.world import D_MINOR_7, World
from tests.support.tiny_model import CONTROLLED, make_checkpoint, make_model

ROOT = Path(__file__).parents[3]
ENVIRONMENT = Path(sys.prefix)  # may lie in the checkout
WARM = 1.375  # exact in a 32-bit float
HOPS = [
    "osc_protocol/server/server.py",  # reads the packet
    "osc_protocol/server/dispatch.py",  # finds the row, and has the value checked
    "bridge/app/remote.py",  # asks what the table cannot know, and keeps the value for whoever asks
    "bridge/live/controls.py",  # makes a command of it
    "bridge/live/session.py",  # takes the command up on its own thread
    "bridge/live/playing/knobs.py",  # decides when it holds
    "engine/inference/asked_stream.py",  # makes what the sampler is to do of all values
    "engine/inference/stream.py",  # holds it for the next token
]

ASIDE = (  # who is asked about it, or holds it unread, and who tells others of it
    "osc_protocol/table/", "osc_protocol/wire/", "osc_protocol/server/udp.py", "engine/model/controls.py",
    "bridge/live/inbox.py", "native/sampler_params.py", "tests/",
)  # fmt: skip


def is_ours(name: str) -> bool:
    """Whether a file is of the checkout, and not of an environment within it."""
    path = Path(name)
    return path.is_relative_to(ROOT) and not path.is_relative_to(ENVIRONMENT)


def carries(value: object) -> bool:
    """Whether an argument is the value, or what holds it: a message, a setting, a command, the sampler's parameters."""
    if isinstance(value, bytes | str | int | float):
        return value == WARM or (isinstance(value, bytes) and b"temperature" in value)
    return type(value).__name__ in ("Setting", "TurnKnob", "SamplerParams") or (
        isinstance(value, tuple | list) and any(map(carries, value))
    )


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was checked against the table, each as often as it was."""
    names: list[str] = []
    check = parameters.check

    def count(name: str, value: object) -> parameters.Value:
        names.append(name)
        return check(name, value)

    monkeypatch.setattr(parameters, "check", count)
    return names


def test_a_temperature_is_checked_once_at_the_door_and_is_at_the_sampler_after_eight_hops(checks: list[str]) -> None:
    checkpoint = make_checkpoint(make_model())
    world = World(make_session=lambda seed: Session(checkpoint, seed, backend="numpy"))
    remote = Remote(world.live, {}, port=0)
    world.press(*D_MINOR_7)
    world.run(0.5)
    hops: list[str] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and is_ours(code.co_filename):
            given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)]
            if any(carries(frame.f_locals[name]) for name in given if name in frame.f_locals):
                hops.append(Path(code.co_filename).relative_to(ROOT).as_posix())

    checks.clear()
    sys.setprofile(watch)
    try:
        assert remote.server.handle_packet(encode("/sideman/param/temperature", WARM)) == []
        world.run(0.2)
    finally:
        sys.setprofile(None)
    assert checks == ["temperature"]
    assert [hop for hop in dict.fromkeys(hops) if not hop.startswith(ASIDE)] == HOPS


GIVEN = ("--temperature", "1.375", "--density", "0.5", "--role", "comp", "--top-k", "40")
ONCE = ["density", "role", "temperature", "top_k"]


def test_what_generate_is_given_is_checked_once(
    checks: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tiny = make_checkpoint(make_model(config=CONTROLLED))
    monkeypatch.setattr("engine.model.checkpoint.load_checkpoint", lambda path: tiny)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(["--chords", "Dm7 | G7", "--no-ending", "-o", str(tmp_path / "solo.mid"), *GIVEN])
    assert command.run(args) == 0
    assert sorted(checks) == ONCE


def test_what_play_is_given_is_checked_once(checks: list[str]) -> None:
    checkpoint = make_checkpoint(make_model(config=CONTROLLED))
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    settings = settings_from(parser.parse_args([*GIVEN]))
    world = World(make_session=lambda seed: Session(checkpoint, seed, backend="numpy"))
    for setting in settings.values:
        world.live.set_parameter(setting)
    world.press(*D_MINOR_7)
    world.run(0.5)
    assert sorted(checks) == ONCE


def entered_again(journey: Callable[[], object]) -> set[tuple[str, str]]:
    """Runs the journey; returns (file, function) where a call comes back into a file that waits further up.

    What was handed down to be asked, a generator or a function within a function, is called from below: no way up.
    """
    back: set[tuple[str, str]] = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        name, code = frame.f_code.co_filename, frame.f_code
        if event != "call" or not is_ours(name) or code.co_name.startswith("<") or code.co_flags & CO_NESTED:
            return
        above, files = frame.f_back, [name]
        while above is not None:
            if is_ours(above.f_code.co_filename) and above.f_code.co_filename != files[-1]:
                files.append(above.f_code.co_filename)
            above = above.f_back
        if name in files[1:]:
            back.add((Path(name).relative_to(ROOT).as_posix(), code.co_name))

    sys.setprofile(watch)
    try:
        journey()
    finally:
        sys.setprofile(None)
    return back


def test_the_journey_of_a_chord_text_comes_back_into_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny = make_checkpoint(make_model(config=CONTROLLED))
    monkeypatch.setattr("engine.model.checkpoint.load_checkpoint", lambda path: tiny)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(["--chords", "Dm7 | G7", "--no-ending", "-o", str(tmp_path / "solo.mid")])
    assert entered_again(lambda: command.run(args)) == set()


def test_the_journey_of_a_folder_comes_back_into_no_file(tmp_path: Path) -> None:
    (tmp_path / "midi").mkdir()
    for number in range(2):
        write_midi(tmp_path / "midi" / f"{number}.mid", compose(number, 1).notes, tempo_bpm=120)
    assert entered_again(lambda: prepare(tmp_path / "midi", tmp_path / "data", Settings(workers=1))) == set()


def test_a_setting_that_the_table_refuses_cannot_be_made() -> None:
    for name, value in (("temperature", 9.0), ("temperature", "warm"), ("warmth", 1.0), ("mode", "sing")):
        with pytest.raises(parameters.ParameterError):
            Setting(name, value)
