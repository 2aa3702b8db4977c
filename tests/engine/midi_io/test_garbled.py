"""Files whose bytes were mixed up, or partly lost, are known by beginnings and ends that part; whole ones never are."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.reading.entry import read_entry
from engine.midi_io.read import read_performance
from engine.midi_io.write import write_midi
from tests.support.study_corpus import song

BLOCK = 64  # bytes


def shuffled(body: bytes, draw: random.Random) -> bytes:
    blocks = [body[at : at + BLOCK] for at in range(0, len(body), BLOCK)]
    draw.shuffle(blocks)
    return b"".join(blocks)


def thinned(body: bytes, draw: random.Random) -> bytes:
    """Every fiftieth byte or so is lost."""
    return bytes(byte for byte in body if draw.random() > 0.02)


def flipped(body: bytes, draw: random.Random) -> bytes:
    """A bit of every fiftieth byte or so is another."""
    return bytes(byte ^ (1 << draw.randrange(8) if draw.random() < 0.02 else 0) for byte in body)


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return read_entry(path).refused or ""


@pytest.fixture(params=range(6))
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    write_midi(tmp_path / "whole.mid", song(request.param, bars=40), tempo_bpm=120)
    return (tmp_path / "whole.mid").read_bytes()


def test_a_whole_file_raises_no_doubt(whole: bytes, tmp_path: Path) -> None:
    assert refusal(tmp_path / "song.mid", whole) == ""
    performance = read_performance(tmp_path / "song.mid")
    assert (performance.repairs, performance.doubt, performance.mended) == ((), "", "")


@pytest.mark.parametrize("damage", [shuffled, thinned, flipped])
def test_garbled_bytes_are_no_music_to_learn(
    damage: Callable[[bytes, random.Random], bytes], whole: bytes, tmp_path: Path
) -> None:
    refused = [refusal(tmp_path / "song.mid", whole[:22] + damage(whole[22:], random.Random(n))) for n in range(10)]
    assert all(refused), refused
    assert sum("its bytes are garbled" in reason for reason in refused) >= 5


def test_a_little_damage_is_mended_and_said(whole: bytes, tmp_path: Path) -> None:
    """One message of all is lost: the music around it is what it was."""
    kept = 0
    for number in range(10):
        at = random.Random(number).randrange(len(whole) // 4, len(whole) // 2)
        kept += not refusal(tmp_path / "song.mid", whole[:at] + whole[at + 4 :])
        assert read_performance(tmp_path / "song.mid").mended.startswith("mended: track ")
    assert kept >= 8


def test_drums_that_nobody_ends_are_no_damage_of_the_piano(whole: bytes, tmp_path: Path) -> None:
    drums = b"".join(bytes((0x18, 0x99, 36, 80)) for _ in range(5000)) + b"\x00\xff\x2f\x00"
    tracks = (int.from_bytes(whole[10:12], "big") + 1).to_bytes(2, "big")
    file = whole[:10] + tracks + whole[12:] + b"MTrk" + len(drums).to_bytes(4, "big") + drums
    assert refusal(tmp_path / "song.mid", file) == ""
    assert read_performance(tmp_path / "song.mid", tracks="auto").mended == ""


def test_notes_that_never_end_are_refused_with_their_number(tmp_path: Path) -> None:
    body = b"".join(bytes((0x30, 0x90, 48 + n, 80)) for n in range(40)) + b"\x00\xff\x2f\x00"
    file = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + len(body).to_bytes(4, "big") + body
    assert refusal(tmp_path / "song.mid", file) == "most of its notes have no end (40 of 40): export it again"
