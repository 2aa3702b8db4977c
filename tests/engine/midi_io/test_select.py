"""Which tracks are the piano's: by name, by program, by being alone, or by the user's word."""

from __future__ import annotations

import re

import pytest

from engine.asked_tracks import asked_tracks
from engine.midi_io.parse import NO_PROGRAM, parse
from engine.midi_io.select import select
from tests.support.midi_bytes import midi

# (track name, program or None, channel from 0); each plays one note whose pitch is 60 + its place in the list.
Track = tuple[str, "int | None", int]


def _track(pitch: int, name: str, program: int | None, channel: int) -> str:
    text = name.encode("utf-8")
    lines = f"00 FF 03 {len(text):02X} {text.hex()}\n"
    if program is not None:
        lines += f"00 C{channel:X} {program:02X}\n"
    return lines + f"00 9{channel:X} {pitch:02X} 40\n60 8{channel:X} {pitch:02X} 00"


def _chosen(tracks: list[Track], rule: object = "auto") -> tuple[list[int], str]:
    parsed = parse(midi("0060", *(_track(60 + place, *track) for place, track in enumerate(tracks))))
    mask, selection = select(parsed, rule)  # type: ignore[arg-type]
    return (parsed.notes[mask, 2] - 60).tolist(), selection


@pytest.mark.parametrize(
    ("tracks", "chosen"),
    [
        ([("", None, 0)], [0]),
        ([("", None, 0), ("", None, 1)], [0, 1]),  # no program is a piano
        ([("upper:", 0, 0), ("lower:", 0, 1)], [0, 1]),
        ([("Piano right", 0, 0), ("Theme", 0, 1)], [0, 1]),
        ([("Bass:", 0, 0), ("Discant:", 6, 1)], [0, 1]),  # staves of a piano score
        ([("Piano", 0, 0), ("Bass", 32, 1), ("Drums", 0, 9)], [0]),
        ([("", 0, 0), ("", 32, 1), ("", 73, 2)], [0]),
        ([("", 4, 0), ("", 32, 1)], [0]),  # an electric piano
        ([("Klavier", 48, 0), ("Geige", 40, 1)], [0]),  # the name counts more than the program
        ([("ピアノ", None, 0), ("ベース", None, 1)], [0]),
        ([("钢琴", 0, 0), ("吉他", 24, 1)], [0]),
        ([("Фортепиано", 0, 0), ("", 40, 1)], [0]),
        ([("MELODY", 0, 0), ("PIANO", 0, 1)], [1]),
        ([("Lead-in", 0, 0), ("BRIDGE", 0, 1), ("PIANO", 0, 2)], [2]),  # everything has the first program here
        ([("Piano", 0, 0), ("l.h.", 0, 1), ("", 0, 2), ("2", 0, 3)], [0, 1, 2, 3]),
        ([("Piano", 0, 0), ("Rhodes", 4, 1), ("Pads", 5, 2)], [0, 1, 2]),
        ([("Violin", 0, 0), ("keys", 0, 1)], [1]),  # a sequencer's default program is no piano
        ([("Monkeys", 73, 0), ("Grand Piano", 0, 1)], [1]),
        ([("melody", 0, 0)], [0]),  # alone
        ([("Guitar", 24, 0)], [0]),
        ([("Guitar", 24, 0), ("kit", 0, 9)], [0]),  # alone but for drums
        ([("drums", 0, 9)], []),
    ],
)
def test_auto_takes_the_piano(tracks: list[Track], chosen: list[int]) -> None:
    assert _chosen(tracks)[0] == chosen


@pytest.mark.parametrize(("kind", "programs"), [(1, [40, 40]), (2, [40, NO_PROGRAM])])
def test_a_track_speaks_for_its_channel_in_all_tracks_but_not_in_other_patterns(kind: int, programs: list[int]) -> None:
    """Type 2 holds patterns that have nothing to do with each other."""
    tracks = [_track(60, "one", 40, 0), _track(61, "two", None, 0)]
    assert parse(midi("0060", *tracks, kind=kind)).notes[:, 6].tolist() == programs


def test_auto_says_what_it_chose() -> None:
    assert _chosen([("Piano", 0, 0), ("Pad", 89, 1)])[1] == "1 of 2 parts: 'Piano'"
    assert _chosen([("up", 0, 0), ("down", 0, 1)])[1] == ""
    assert _chosen([("Lute", 24, 0)])[1] == "solo of 'Lute' (program 24 guitar, 1 notes)"


def test_without_a_piano_the_reason_lists_the_tracks_and_the_remedy() -> None:
    reason = "no piano among its tracks 'Violin' (program 40 strings, 1 notes), 'Flute' (program 73 pipe, 1 notes)"
    with pytest.raises(ValueError, match=re.escape(reason)) as refusal:
        _chosen([("Violin", 40, 0), ("Flute", 73, 1), ("Drums", 0, 9)])
    assert str(refusal.value).endswith(": choose with --tracks NAME,NAME or --tracks all")
    with pytest.raises(ValueError, match="and 4 more: choose"):
        _chosen([(f"Violin {k}", 40, 0) for k in range(12)])


def test_all_takes_everything_but_drums() -> None:
    assert _chosen([("Violin", 40, 0), ("Flute", 73, 1), ("Drums", 0, 9)], "all") == ([0, 1], "")


def test_names_are_exact() -> None:
    tracks: list[Track] = [("PIANO", 0, 0), (" MELODY ", 0, 1)]
    assert _chosen(tracks, ("MELODY",))[0] == [1]
    with pytest.raises(ValueError, match="no track named piano: its tracks are 'MELODY', 'PIANO'"):
        _chosen(tracks, ("piano",))
    with pytest.raises(ValueError, match="no track named x: its tracks have no names, so choose with --tracks auto or"):
        _chosen([("", 0, 0), ("", 0, 1)], ("x",))
    with pytest.raises(ValueError, match="no track named x: its tracks are 'PIANO'"):
        _chosen([("", 0, 0), ("PIANO", 0, 1)], ("x",))
    with pytest.raises(ValueError, match="give auto, all or a list of names"):
        _chosen(tracks, "PIANO")


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("Piano, right hand", [0]),
        ("Piano,right   hand", [0]),
        (" Piano , right hand ,", [0]),
        ("Piano, right hand,Flute", [0, 3]),
        ("Flute, Piano, right hand", [0, 3]),
        ("Piano", [1]),
        ("Piano, Flute", [1, 3]),
        ("Piano  RH", [2]),
        ("Piano RH, Piano, right hand, Piano", [0, 1, 2]),
    ],
)
def test_names_may_hold_commas_and_blanks(asked: str, chosen: list[int]) -> None:
    tracks: list[Track] = [("Piano, right  hand", 0, 0), ("Piano", 0, 1), ("Piano  RH", 0, 2), ("Flute", 73, 3)]
    assert _chosen(tracks, asked_tracks(asked))[0] == chosen


def test_of_several_names_those_that_no_track_has_are_said() -> None:
    with pytest.raises(ValueError, match="no track named Oboe, left: its tracks are 'Piano, right', 'Tuba'"):
        _chosen([("Piano, right", 0, 0), ("Tuba", 58, 1)], asked_tracks("Oboe, Tuba, Piano, right, left"))


def test_a_program_holds_from_its_change_on_and_may_stand_in_another_track() -> None:
    changing = "00 C0 28\n00 90 3C 40\n60 80 3C 00\n00 C0 00\n00 90 3E 40\n60 80 3E 00"
    parsed = parse(midi("0060", changing))
    assert parsed.notes[:, 6].tolist() == [40, 0]
    assert parsed.notes[select(parsed, "auto")[0], 2].tolist() == [0x3E]
    apart = parse(midi("0060", "00 C0 28", "00 90 3C 40\n60 80 3C 00"))
    assert apart.notes[:, 6].tolist() == [40]


def test_an_instrument_name_counts_like_a_track_name() -> None:
    piano = "00 FF 04 05 50 69 61 6E 6F\n00 C0 30\n00 90 3C 40\n60 80 3C 00"
    other = "00 C1 28\n00 91 3E 40\n60 81 3E 00"
    parsed = parse(midi("0060", piano, other))
    assert parsed.notes[select(parsed, "auto")[0], 2].tolist() == [0x3C]
