"""Odd but whole MIDI files through `chords`, `prepare`, `again`, `generate --prompt`: done, or refused in one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import mido
import pytest

from engine.chords.files.chords_file import read_chords_file
from engine.data.reading.entry import read_entry
from tests.bridge.commands.study.test_damaged_files import run
from tests.engine.midi_io.test_odd_files import END, chunk, header, line, meta, off, on, tempo, track, wait

LONG: Final = 32  # notes
MUSIC: Final = line(LONG)
ODD: Final = {
    "sixteen channels": header() + track(b"".join(line(4, channel) for channel in range(16))),
    "a tempo in the second track": header(1, 2) + track(MUSIC) + track(tempo(400_000)),
    "a tempo behind the end": header() + track(MUSIC + tempo(400_000, 50_000)),
    "three patterns": header(2, 3) + track(tempo(250_000) + MUSIC) + track(MUSIC) + track(tempo(900_000) + MUSIC),
    "29.97 frames": header(0, 1, 0xE318) + track(MUSIC),
    "no tempo": header() + track(MUSIC),
    "a tempo of a microsecond": header() + track(tempo(1) + MUSIC),
    "the slowest tempo": header() + track(tempo(0xFFFFFF) + MUSIC),
    "notes of no length": header() + track(b"".join(on(60 + i, after=96) + off(60 + i, after=0) for i in range(LONG))),
    "one pitch over itself": header()
    + track(b"".join(on(60) + on(60, after=24) + off(60, after=24) + off(60, after=24) for _ in range(LONG))),
    "notes that nobody ends": header() + track(b"".join(on(48 + i, after=48) for i in range(LONG))),
    "ends of another channel": header() + track(b"".join(on(60 + i) + off(60 + i, 1) for i in range(LONG))),
    "SysEx within every note": header()
    + track(b"".join(on(60 + i) + b"\x10\xf0\x05\x7e\x7f\x09\x01\xf7" + off(60 + i) for i in range(LONG))),
    "keys and metres of nothing": header()
    + track(meta(0x59, b"\x64\x09") + meta(0x58, b"\0\2\x18\x08") + meta(0x58, b"\3") + MUSIC),
    "words in cp1252": header()
    + track(b"".join(meta(5, "Über – “dä”".encode("cp1252")) + on(60 + i) + off(60 + i) for i in range(LONG))),
    "a name that a terminal obeys": header() + track(meta(3, b"\x1b[31mpi\0ano\r\n") + MUSIC),
    "programs all the way": header()
    + track(b"".join(wait(0) + bytes((0xC0, 5 * i % 128)) + on(60 + i) + off(60 + i) for i in range(LONG))),
    "two ends of track": header() + track(MUSIC + END + MUSIC),
    "no track promised": header(1, 0) + track(MUSIC),
    "rest of ten minutes": header() + track(wait(115_200) + MUSIC[1:]),
    "a chord of five minutes": header() + track(on(60) + on(64) + off(60, after=57_600) + off(64, after=0) + MUSIC),
    "drums alone": header() + track(line(LONG, 9)),
    "ends of the keyboard": header() + track(b"".join(on(p) + off(p) for p in (0, 127, 1, 126, 20, 109) * 6)),
    "a header of ten bytes": b"MThd\0\0\0\x0a\0\0\0\1\0\x60\0\0\0\0" + track(MUSIC),
    "an unknown chunk between": header(1, 2) + track(MUSIC) + chunk(b"XFKM", bytes(99)) + track(line(4, 1)),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ODD)
def test_it_is_done_or_refused_in_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / f"{name}.mid"
    file.write_bytes(ODD[name])
    code, out = run(capsys, "chords", file)
    assert code == 2 or out.strip(), "chords says nothing"
    solo = tmp_path / "solo.mid"
    for arguments in (
        ("again", file, "--bars", "2-3", "-o", solo),
        ("generate", "--prompt", file, "--chords", "C | F", "--tempo", 120, "-o", solo),
    ):
        code, _ = run(capsys, *arguments)
        assert (code == 0) == solo.exists()
        if code == 0:
            assert any(message.type == "note_on" and message.velocity for message in mido.MidiFile(solo))
        solo.unlink(missing_ok=True)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines", b"two\rlines", "para\u2029graphs".encode(), b"\x1b[31m"])
def test_a_chart_of_a_file_of_any_name_is_written_and_read(
    name: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / os.fsdecode(name + b".mid")
    file.write_bytes(ODD["no tempo"])
    code, out = run(capsys, "chords", file)
    assert code == 0
    chart = tmp_path / "chart.chords"
    assert run(capsys, "chords", file, "-o", chart)[0] == 0
    assert chart.read_text(encoding="utf-8") == out
    assert len(read_chords_file(chart).chords) > 1
    assert run(capsys, "chords", file, "-o", file.with_suffix(".chords"))[0] == 0
    assert 'chord_source": "chords file' in run(capsys, "chords", file, "--json")[1]


def test_prepare_takes_what_hands_can_play_and_says_why_it_refuses_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "odd.mid"
    refused, mended = {}, set()
    for name, data in ODD.items():
        file.write_bytes(data)
        entry = read_entry(file)
        if entry.refused:
            refused[name] = entry.refused
        elif "mended" in entry.facts:
            mended.add(name)
    for name, reason in (
        ("drums alone", "no pitched notes"),
        ("a tempo of a microsecond", "more than hands can play"),
        ("the slowest tempo", "half of its notes last over"),
        ("notes that nobody ends", "have no end"),
        ("ends of another channel", "have no end"),
        ("programs all the way", "fewer than 16 notes"),
    ):
        assert reason in refused.pop(name), name
    assert refused == {}
    assert mended == {"keys and metres of nothing", "no track promised"}
