"""Damaged MIDI files through `chords`, `prepare`, `again` and `generate --prompt`: done or refused in one line.

The first table damages a file in one way each that somebody has met; the second damages real music by chance, the same
chances in every run.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
from pathlib import Path
from typing import Final

import mido
import pytest

from bridge import cli

NOTE: Final = b"\x00\x90\x3c\x50\x60\x80\x3c\x00"
END: Final = b"\x00\xff\x2f\x00"


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    return kind + struct.pack(">I", len(body) if length is None else length) + body


def header(kind: int = 0, tracks: int = 1, division: int = 0x60, extra: bytes = b"") -> bytes:
    return chunk(b"MThd", struct.pack(">HHH", kind, tracks, division) + extra)


def song(division: int = 0x60, delta: bytes = b"\x60") -> bytes:
    """Chords over eight bars."""
    body = b""
    for root in (60, 57, 53, 55) * 2:
        for pitch in (root, root + 4, root + 7):
            body += b"\x00\x90" + bytes((pitch, 80))
        body += delta + b"\x80" + bytes((root, 0)) + b"".join(b"\x00\x80" + bytes((root + n, 0)) for n in (4, 7))
    return header(division=division) + chunk(b"MTrk", body + END)


WHOLE: Final = song()
DAMAGED: Final = {
    "empty": b"",
    "text": b"not a MIDI file at all\n" * 40,
    "a header alone": header(),
    "a header cut off": header()[:9],
    "no track though one is promised": header(tracks=3),
    "more tracks promised than there are": header(kind=1, tracks=0xFFFF) + WHOLE[14:],
    "an unknown type": header(kind=9) + WHOLE[14:],
    "cut in the middle of an event": WHOLE[: len(WHOLE) // 2 + 1],
    "a track longer than the file": header() + chunk(b"MTrk", NOTE * 8 + END, 0x7FFFFFFF),
    "a track shorter than its events": header() + chunk(b"MTrk", NOTE * 8 + END, 5),
    "running status without a status": header() + chunk(b"MTrk", b"\x00\x3c\x50\x60\x3c\x00" * 9 + END),
    "running status after SysEx": header() + chunk(b"MTrk", b"\x00\xf0\x02\x01\xf7\x00\x3c\x50" + NOTE * 4 + END),
    "running status after a meta event": header() + chunk(b"MTrk", NOTE + b"\x00\xff\x01\x01x\x00\x3c\x50" * 3 + END),
    "a clock's messages": header() + chunk(b"MTrk", WHOLE[22:-4] + bytes.fromhex("00f600f800fa00fb00fc") + END),
    "two tracks in a file of one": header(tracks=2) + WHOLE[14:] + chunk(b"MTrk", NOTE * 4 + END),
    "zero ticks a beat": song(division=0),
    "SMPTE 25 frames of 40": song(division=0xE728),
    "SMPTE of no known rate": song(division=0x8100),
    "SMPTE of zero ticks a frame": song(division=0xE700),
    "one tick a beat": song(division=1),
    "huge waits": song(delta=b"\xff\xff\xff\x7f"),
    "a wait that never ends": header() + chunk(b"MTrk", b"\xff" * 60 + END),
    "a wait of more digits than Python prints": header() + chunk(b"MTrk", b"\xff" * 5000 + b"\x7f" + NOTE * 9 + END),
    "a delta time of nine bytes": header() + chunk(b"MTrk", NOTE * 40 + b"\xff" * 8 + b"\x7f" + NOTE * 40 + END),
    "no notes": header() + chunk(b"MTrk", b"\x00\xc0\x01\x60\xb0\x40\x7f" + END),
    "ends without beginnings": header() + chunk(b"MTrk", b"\x60\x80\x3c\x00" * 30 + END),
    "beginnings without ends": header()
    + chunk(b"MTrk", b"".join(b"\x20\x90" + bytes((n, 9)) for n in range(128)) + END),
    "one note struck a thousand times at once": header()
    + chunk(b"MTrk", b"\x00\x90\x3c\x50" * 1000 + b"\x60\x80\x3c\x00" + END),
    "a file within a file": header() + chunk(b"MTrk", WHOLE + END),
    "chunks of other kinds": header() + chunk(b"XFIH", b"\xff" * 90) + WHOLE[14:] + chunk(b"MTrX", b"\x00" * 9),
    "a tempo of nothing": header() + chunk(b"MTrk", b"\x00\xff\x51\x03\x00\x00\x00" + WHOLE[22:]),
    "a metre of nothing": header() + chunk(b"MTrk", b"\x00\xff\x58\x04\x00\x00\x00\x00" + WHOLE[22:]),
    "a metre of 2^255": header() + chunk(b"MTrk", b"\x00\xff\x58\x04\xff\xff\xff\xff" + WHOLE[22:]),
    "a text of four gigabytes": header() + chunk(b"MTrk", b"\x00\xff\x01\xff\xff\xff\x7f" + WHOLE[22:]),
    "bytes over 127 as pitches": header() + chunk(b"MTrk", b"\x00\x90\xbc\xd0\x60\x80\xbc\x00" * 9 + END),
    "all ones": header() + chunk(b"MTrk", b"\xff" * 500),
    "all zeros": header() + chunk(b"MTrk", b"\x00" * 500),
    "a RIFF file without its MIDI": b"RIFF" + struct.pack("<I", 40) + b"RMID" + b"data" + b"\x00" * 32,
}  # fmt: skip


def mutated(data: bytes, number: int) -> bytes:
    """One of endless damages of a file: what disks, transfers and broken programs do."""
    draw = random.Random(number)
    at, length = draw.randrange(22, len(data) - 64), draw.randrange(1, 64)
    bits = bytearray(data)
    for _ in range(draw.choice((1, 3, 20, 300))):
        bits[draw.randrange(14, len(bits))] ^= 1 << draw.randrange(8)
    tempo = draw.choice((b"\0\0\0", b"\0\0\1", b"\xff\xff\xff"))
    ways = (
        data[: draw.randrange(5, len(data))],
        bytes(bits),
        data[:18] + struct.pack(">I", draw.choice((0, 7, 0x7FFFFFFF, 0xFFFFFFFF))) + data[22:],
        data[:12] + struct.pack(">H", draw.choice((0, 1, 0x7FFF, 0xE728, 0xE700, 0x8000, 0xFFFF))) + data[14:],
        data[:22] + b"\0\xff\x51\3" + tempo + data[22:],
        data[:at] + data[at + length :],
        data[:at] + draw.randbytes(length) + data[at:],
        data[:at] + draw.choice((b"\0", b"\xff")) * length + data[at + length :],
        data + data[14:],
    )
    return ways[number % len(ways)]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The exit code, and what was printed. One line on standard error says what was refused."""
    code = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert code in (0, 2), (arguments, code, out[-300:], err[-600:])
    if code == 2:
        last = err.splitlines()[-1]
        assert last.startswith("sideman"), err
        assert len(last) < 500, last
        assert "sys." not in last, last
    return code, out


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damaged")
    for name, data in DAMAGED.items():
        (folder / f"{name}.mid").write_bytes(data)
    return folder


@pytest.mark.timeout(300)
def test_prepare_says_of_every_file_what_became_of_it(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(damaged, corpus)
    for number in range(3):
        (corpus / f"sound {number}.mid").write_bytes(song(delta=bytes((0x60 + number,))))
    code, _ = run(capsys, "prepare", corpus, "-o", tmp_path / "data", "--workers", 1, "--split", 0.5, 0.5, 0)
    assert code == 0
    rows = [json.loads(row) for row in (tmp_path / "data" / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == len(DAMAGED) + 3
    assert all(row["refused"] if "refused" in row else row["notes"] for row in rows)
    assert sum("refused" in row for row in rows) >= len(DAMAGED) // 2
    assert any("refused" not in row for row in rows)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_done_or_refused_in_one_line(
    name: str, damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = damaged / f"{name}.mid"
    code, out = run(capsys, "chords", file)
    assert code == 2 or out.strip(), "chords says nothing"
    solo = tmp_path / "solo.mid"
    code, _ = run(capsys, "again", file, "--bars", "2-3", "-o", solo)
    assert (code == 0) == solo.exists()
    solo.unlink(missing_ok=True)
    code, _ = run(capsys, "generate", "--prompt", file, "--chords", "C | F", "--tempo", 120, "-o", solo)
    if code == 2:
        assert not solo.exists()
        return
    notes = [message for message in mido.MidiFile(solo) if message.type == "note_on" and message.velocity]
    assert notes, "a solo of silence, and not a word"


@pytest.mark.timeout(300)
def test_real_music_damaged_by_chance_is_done_or_refused_and_never_learnt_as_nonsense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "practice", "-o", tmp_path / "whole", "--bars", 24, "--seed", 3)
    data = next((tmp_path / "whole").glob("*.mid")).read_bytes()
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(90):
        (corpus / f"{number:02d}.mid").write_bytes(mutated(data, number))
    code, _ = run(capsys, "prepare", corpus, "-o", tmp_path / "data", "--workers", 1, "--split", 0.5, 0.5, 0)
    assert code == 0
    rows = [json.loads(row) for row in (tmp_path / "data" / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 90
    for row in rows:
        assert row.get("refused") or (row["notes"] / 45 < row["seconds"] < 120 * row["notes"]), row
    for file in sorted(corpus.glob("*.mid"))[::3]:
        code, out = run(capsys, "chords", file)
        assert code == 2 or out.strip(), file
