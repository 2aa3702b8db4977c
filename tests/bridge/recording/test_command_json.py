"""A command that was written down is the same command when it is read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.live import commands
from bridge.live.commands import Command
from bridge.plain_json import Json
from bridge.recording.command_json import command_from_json, command_to_json
from engine.chords import parse_chart, parse_chord
from osc_protocol.table.parameters import Setting

ALL = (
    commands.SetLookAhead(300),
    commands.SetMode("trade"),
    commands.TurnKnob(Setting("temperature", 0.7)),
    commands.TurnKnob(Setting("style", "ragtime")),
    commands.TurnKnob(Setting("polyphony", 4)),
    commands.FollowChord(parse_chord("F#m7b5/C")),
    commands.FollowChord(None),
    commands.PlayChart(parse_chart("[A] 6/8 Dm7 G7/B | Cmaj7 N.C. [B] | Csus4add13")),
    commands.PlayChart(parse_chart("C7M | %")),
    commands.SetTempo(97.5),
    commands.SetMetre("7/8"),
    commands.EndIn(0),
    commands.KeepBars("5-8"),
    commands.PlayAgain(""),
    commands.ChooseVariation(2, "5-8"),
    commands.DrawDensity("5-8 0.9"),
    commands.UndoBars(),
    commands.StoreBank("A"),
    commands.RecallBank("D"),
    commands.Locate(9.5, 1_000_000_000_000),
    commands.HearKeys(1_000_000_000_000, b"\x90\x3c\x50"),
    commands.SetSeed(2**31 - 1),
    commands.FollowHost(7.5, 3.25, 133.0, "7/8", True, 0.0, 4.0, 3),
    commands.Play(),
    commands.Stop(),
    commands.Panic(),
    commands.Resync("the machine slept"),
)


@pytest.mark.parametrize("command", ALL, ids=lambda command: type(command).__name__)
def test_what_was_written_down_is_read_as_it_was(command: Command) -> None:
    assert command_from_json(json.loads(json.dumps(command_to_json(command)))) == command


def test_every_command_is_among_them() -> None:
    assert {type(command) for command in ALL} == {getattr(commands, name) for name in commands.__all__} - {
        Command,
        commands.OfBars,
    }


@pytest.mark.parametrize(
    "plain",
    [None, 3, "tempo", [], ["tempo"], ["tempo", "fast"], ["tempo", 120, 4], ["dance"], ["seed", 1.5], ["play", 1],
     ["chord", "Q"], ["chart", {}], ["chart", {"bars": 1, "metre": "4/4", "spans": [[0]], "sections": []}]],
)  # fmt: skip
def test_what_is_no_command_is_refused(plain: Json) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        command_from_json(plain)


def test_a_chord_keeps_the_words_it_was_written_in() -> None:
    chart = parse_chart("C | F")
    written = replace(chart, spans=tuple(replace_written(span) for span in chart.spans))
    read = command_from_json(command_to_json(commands.PlayChart(written)))
    assert isinstance(read, commands.PlayChart)
    assert [span.chord.label for span in read.chart.spans if span.chord] == ["so C", "so F"]


def replace_written(span):  # type: ignore[no-untyped-def]
    return span._replace(chord=replace(span.chord, written=f"so {span.chord.name}"))
