"""What goes on from a prompt goes on in its tempo and metre, and is never silence."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

import engine.solo.prompt
from engine.chords import Chart, parse_chart
from engine.errors import SidemanError
from engine.metre import Metre, asked_metre
from engine.midi_io.signature import read_signature
from engine.midi_io.write import write_midi
from engine.notes import Notes, Performance, make_notes
from engine.solo.command import add_arguments, run
from engine.solo.improvise import PROMPT_NOTES, PROMPT_TOKENS, Solo, end_of_prompt
from engine.solo.prompt import go_on, timing_of
from engine.tokens import encode_notes


def _notes() -> Notes:
    onset = np.arange(12) * 0.25
    return make_notes(onset, onset + 0.2, 60 + np.arange(12), np.full(12, 80))


def _prompt(path: Path, tempo_bpm: float, metre: str) -> Path:
    numerator, _, denominator = metre.partition("/")
    write_midi(path, _notes(), tempo_bpm=tempo_bpm, metre=Metre(int(numerator), int(denominator)))
    return path


@pytest.mark.parametrize("metre", ["4/4", "3/4", "5/4", "6/8", "7/8", "12/8", "2/2"])
@pytest.mark.parametrize("tempo_bpm", [40.0, 80.0, 143.0])
def test_tempo_and_metre_of_a_prompt_are_taken_and_said(tmp_path: Path, metre: str, tempo_bpm: float) -> None:
    path = _prompt(tmp_path / "a.mid", tempo_bpm, metre)
    timing = timing_of(path, read_signature(path))
    assert timing.tempo_bpm == pytest.approx(tempo_bpm, abs=1e-3)
    assert str(timing.metre) == metre
    assert f"{timing.tempo_bpm:g} bpm ({timing.metre.beat_name}) goes on" in timing.said
    assert f"its metre of {metre} goes on" in timing.said


def test_what_is_asked_for_goes_before_the_prompt(tmp_path: Path) -> None:
    path = _prompt(tmp_path / "a.mid", 80, "3/4")
    timing = timing_of(path, read_signature(path), tempo_bpm=100, metre=Metre(4))
    assert (timing.tempo_bpm, timing.metre) == (100, Metre(4))
    assert timing.said == f"{path}: its metre of 3/4 does not: 4/4 is asked for"
    assert timing_of(path, read_signature(path), tempo_bpm=100, metre=Metre(3)).said == ""
    assert timing_of(path, read_signature(path), metre=Metre(6, 8)).tempo_bpm == pytest.approx(80 / 1.5, abs=1e-3)


def test_a_prompt_that_says_no_tempo_or_an_unheard_of_one_is_named(tmp_path: Path) -> None:
    path = _prompt(tmp_path / "a.mid", 80, "3/4")
    file = mido.MidiFile(path)
    for meta, word in ((None, "says no tempo"), (mido.MetaMessage("set_tempo", tempo=10_000), "6000 bpm is not taken")):
        file.tracks[0] = mido.MidiTrack([] if meta is None else [meta])
        file.save(path)
        timing = timing_of(path, read_signature(path))
        assert (timing.tempo_bpm, timing.metre) == (120, Metre(4))
        assert word in timing.said


@pytest.mark.parametrize(("numerator", "denominator"), [(99, 2), (1, 64), (33, 4)])
def test_a_metre_that_is_not_played_is_named(tmp_path: Path, numerator: int, denominator: int) -> None:
    path = _prompt(tmp_path / "a.mid", 80, "3/4")
    file = mido.MidiFile(path)
    meta = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
    file.tracks[0].insert(-1, meta)
    file.save(path)
    timing = timing_of(path, read_signature(path))
    assert timing.metre == Metre(4)
    assert f"its metre of {numerator}/{denominator} is not taken, so 4/4: --metre gives another" in timing.said
    assert "metre of 3/4 does not" not in timing_of(path, read_signature(path), metre=Metre(5)).said


def test_of_several_tempi_and_metres_the_last_goes_on(tmp_path: Path) -> None:
    path = _prompt(tmp_path / "a.mid", 80, "3/4")
    file = mido.MidiFile(path)
    file.tracks[0].insert(-1, mido.MetaMessage("set_tempo", tempo=1_000_000, time=480))
    file.tracks[0].insert(-1, mido.MetaMessage("time_signature", numerator=5, denominator=4))
    file.save(path)
    assert read_signature(path) == (60.0, Metre(5), 2, "")
    assert "its last tempo of 60 bpm" in timing_of(path, read_signature(path)).said


def generate(prompt: Path, output: Path) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(["--prompt", str(prompt), "-o", str(output)]))


def test_without_a_prompt_a_tempo_of_other_beats_than_quarters_is_said() -> None:
    assert timing_of(None, None) == (120, Metre(4), "")
    assert timing_of(None, None, tempo_bpm=90, metre=Metre(3)).said == ""
    assert timing_of(None, None, metre=Metre(6, 8)).said == "tempo 120 counts dotted quarters"
    assert timing_of(None, None, tempo_bpm=300, metre=Metre(7, 8)).said == "tempo 300 counts eighths"


def test_a_metre_is_asked_for_once() -> None:
    assert asked_metre(None, None) is None
    assert asked_metre("6/8", None) == Metre(6, 8)
    assert asked_metre(None, 3) == asked_metre("3/4", 3) == Metre(3)
    for metre, beats, part in (("6/8", 6, "differ"), (None, 17, "1..16"), ("x", None, "no metre")):
        with pytest.raises(SidemanError, match=part):
            asked_metre(metre, beats)


@pytest.mark.parametrize("silent", [1, 2])
def test_a_final_chord_is_taken_away_where_it_silences_the_answer(monkeypatch: pytest.MonkeyPatch, silent: int) -> None:
    heard: list[Notes] = []

    def improvise(_: object, chart: Chart, *, prompt: Performance, **__: Any) -> Solo:
        heard.append(prompt.notes)
        notes = _notes()[: 0 if len(heard) <= silent else 4]
        return Solo(notes, [], 120.0, chart.metre, 8.0, 1.0)

    monkeypatch.setattr(engine.solo.prompt, "improvise", improvise)
    final = make_notes([4.0, 4.0, 4.02], [8.0] * 3, [48, 55, 64], [70] * 3)
    prompt = Performance(np.concatenate([_notes(), final]))
    checkpoint: Any = None
    if silent == 2:
        with pytest.raises(SidemanError, match="answered with silence: try"):
            go_on(checkpoint, parse_chart("C"), prompt=prompt)
    else:
        assert len(go_on(checkpoint, parse_chart("C"), prompt=prompt).notes) == 4
    assert [len(notes) for notes in heard] == [15, 12]
    assert heard[1]["offset_s"].max() <= 3.0


def test_a_prompt_is_heard_as_its_pedal_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Heard(Exception):
        pass

    def hear(_: object, chart: Chart, *, prompt: Performance, **__: Any) -> Solo:
        raise Heard(prompt)

    monkeypatch.setattr(engine.solo.prompt, "go_on", hear)
    track = mido.MidiTrack([mido.Message("control_change", control=64, value=127)])
    for pitch in (48, 55, 64):
        track += [mido.Message("note_on", note=pitch, time=450), mido.Message("note_off", note=pitch, time=30)]
    track.append(mido.Message("control_change", control=64, value=0, time=960))
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    file.save(tmp_path / "held.mid")
    with pytest.raises(Heard) as heard:
        generate(tmp_path / "held.mid", tmp_path / "out.mid")
    prompt = heard.value.args[0]
    assert prompt.notes["offset_s"] == pytest.approx([2.5] * 3)
    assert len(prompt.pedal_s) == 0


@pytest.mark.parametrize("apart_s", [0.1, 0.5, 2.0, 30.0, 160.0])
def test_a_sparse_prompt_costs_no_more_than_a_dense_one(apart_s: float) -> None:
    onset_s = np.arange(2000) * apart_s
    notes = make_notes(onset_s, onset_s + 0.09, 40 + np.arange(2000) % 40, np.full(2000, 64))
    heard = end_of_prompt(notes)
    assert np.array_equal(heard, notes[-len(heard) :])
    assert 1 <= len(heard) <= PROMPT_NOTES
    assert len(encode_notes(heard)[0]) <= PROMPT_TOKENS
    assert len(heard) == PROMPT_NOTES or len(encode_notes(notes[-len(heard) - 2 :])[0]) > PROMPT_TOKENS / 2
