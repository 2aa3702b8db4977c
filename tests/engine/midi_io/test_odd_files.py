"""Files that are legal, or nearly, and that no sequencer of today writes: every note is where the standard has it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from engine.metre import Metre
from engine.midi_io.parse import parse
from engine.midi_io.read import read_performance
from engine.midi_io.signature import read_signature

END = b"\x00\xff\x2f\x00"
BEAT = 96  # ticks


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body)) + body


def header(kind: int = 0, tracks: int = 1, division: int = BEAT) -> bytes:
    return chunk(b"MThd", struct.pack(">HHH", kind, tracks, division))


def wait(ticks: int) -> bytes:
    data = bytes([ticks & 127])
    while ticks := ticks >> 7:
        data = bytes([ticks & 127 | 128]) + data
    return data


def on(pitch: int, channel: int = 0, after: int = 0, velocity: int = 80) -> bytes:
    return wait(after) + bytes((0x90 | channel, pitch, velocity))


def off(pitch: int, channel: int = 0, after: int = BEAT) -> bytes:
    return wait(after) + bytes((0x80 | channel, pitch, 64))


def meta(kind: int, data: bytes, after: int = 0) -> bytes:
    return wait(after) + bytes((0xFF, kind)) + wait(len(data)) + data


def tempo(us: int, after: int = 0) -> bytes:
    return meta(0x51, us.to_bytes(3, "big"), after)


def track(body: bytes) -> bytes:
    return chunk(b"MTrk", body + END)


def line(count: int = 4, channel: int = 0) -> bytes:
    return b"".join(on(60 + i, channel) + off(60 + i, channel) for i in range(count))


HALVES = [0.0, 0.5, 1.0, 1.5]
FILES: dict[str, tuple[bytes, list[float], list[float]]] = {
    # bytes, onsets in seconds, lengths
    "no tempo is 120": (header() + track(line()), HALVES, [0.5] * 4),
    "a tempo in another track": (header(1, 2) + track(line()) + track(tempo(250_000)), [0, 0.25, 0.5, 0.75],
    [0.25] * 4),
    "a tempo behind the last note": (header() + track(line() + tempo(250_000, 9_000)), HALVES, [0.5] * 4),
    "the slowest tempo": (header() + track(tempo(0xFFFFFF) + line(2)), [0, 16.777215], [16.777215] * 2),
    "a tempo of nothing in the middle": (header() + track(line(2) + tempo(0) + line(2)), HALVES, [0.5] * 4),
    "a tempo of two bytes": (header() + track(meta(0x51, b"\x07\xa1") + line()), HALVES, [0.5] * 4),
    "patterns one after the other": (
        header(2, 3) + track(tempo(250_000) + line(2)) + track(line(2)) + track(tempo(1_000_000) + line(2)),
        [0, 0.25, 0.5, 1.0, 1.5, 2.5], [0.25, 0.25, 0.5, 0.5, 1.0, 1.0],
    ),
    "24 frames of 4": (header(0, 1, 0xE804) + track(line(2)), [0, 1.0], [1.0] * 2),
    "30 frames of 80": (header(0, 1, 0xE250) + track(line(2)), [0, 0.04], [0.04] * 2),
    "one tick a beat": (header(0, 1, 1) + track(line(2)), [0, 48.0], [48.0] * 2),
    "sixteen channels at once, one of them drums": (
        header() + track(b"".join(on(48 + c, c) for c in range(16)) + b"".join(
            off(48 + c, c, BEAT if c == 0 else 0) for c in range(16))), [0.0] * 15, [0.5] * 15,
    ),
    "a note of no length lasts a tick": (header() + track(on(60) + off(60, after=0)), [0.0], [0.5 / BEAT]),
    "one pitch twice: the older ends first": (
        header() + track(on(60) + on(60, after=24) + off(60, after=24) + off(60, after=48)), [0, 0.125], [0.25, 0.375],
    ),
    "one pitch in two channels": (
        header() + track(on(60) + on(60, 1, 24) + off(60, 1, 24) + off(60, 0, 48)), [0, 0.125], [0.5, 0.125],
    ),
    "a note that nobody ends": (header() + track(on(72) + line(2)), [0, 0, 0.5], [0.5, 1.0, 0.5]),
    "ends of another channel": (header() + track(on(60) + off(60, 1) + on(62) + off(62, 1)), [0, 0.5], [1.0, 0.5]),
    "SysEx while a note sounds": (
        header() + track(on(60) + b"\x10\xf0\x05\x7e\x7f\x09\x01\xf7" + off(60, after=80)), [0.0], [0.5],
    ),
    "SysEx in packets while a note sounds": (
        header() + track(on(60) + b"\x10\xf0\x02\x43\x12\x10\xf7\x02\x43\xf7" + off(60, after=64)), [0.0], [0.5],
    ),
    "a clock smuggled in while a note sounds": (
        header() + track(on(60) + b"\x10\xf7\x01\xf8" + off(60, after=80)), [0.0], [0.5],
    ),
    "running status with ends of velocity 0": (
        header() + track(b"\x00\x90\x3c\x50\x60\x3c\x00\x00\x3e\x50\x60\x3e\x00"), [0, 0.5], [0.5] * 2,
    ),
    "signatures of no key": (
        header() + track(meta(0x59, b"\x64\x09") + meta(0x59, b"\x01") + meta(0x59, b"") + line()), HALVES, [0.5] * 4,
    ),
    "metres of nothing": (header() + track(meta(0x58, b"\0\2\x18\x08") + meta(0x58, b"\3") + line()), HALVES,
    [0.5] * 4),
    "meta events of every kind": (
        header() + track(b"".join(meta(k, bytes(5)) for k in range(128) if k not in (0x2F, 0x51, 0x58)) + line()),
        HALVES, [0.5] * 4,
    ),
    "two ends of track": (header() + track(line(2) + END + line(2)), HALVES, [0.5] * 4),
    "no end of track": (header() + chunk(b"MTrk", line()), HALVES, [0.5] * 4),
    "no track promised": (header(1, 0) + track(line()), HALVES, [0.5] * 4),
    "nine tracks promised": (header(1, 9) + track(line()), HALVES, [0.5] * 4),
    "two tracks in a file of one": (header(0, 2) + track(line(2)) + track(line(2, 1)), [0, 0, 0.5, 0.5], [0.5] * 4),
    "ten minutes of rest before": (header() + track(wait(1200 * BEAT) + line(2)[1:]), [600.0, 600.5], [0.5] * 2),
    "pressure and bends between": (
        header() + track(on(60) + b"\x10\xe0\x00\x10\x10\xd0\x40\x10\xa0\x3c\x40" + off(60, after=48)), [0.0], [0.5],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_note_is_where_the_standard_has_it(name: str, tmp_path: Path) -> None:
    data, onsets_s, lengths_s = FILES[name]
    (tmp_path / "odd.mid").write_bytes(data)
    notes = read_performance(tmp_path / "odd.mid").notes
    np.testing.assert_allclose(notes["onset_s"], onsets_s, atol=1e-9)
    np.testing.assert_allclose(notes["offset_s"] - notes["onset_s"], lengths_s, atol=1e-9)


@pytest.mark.parametrize(
    ("body", "repair"),
    [
        (tempo(0), "a tempo of 0 us ignored"),
        (meta(0x51, b"\x07\xa1"), "a tempo of 2 bytes ignored"),
        (meta(0x51, b""), "a tempo of 0 bytes ignored"),
        (meta(0x58, b"\3"), "a time signature of 1 bytes ignored"),
        (meta(0x58, b"\0\2\x18\x08"), "time signature 0/2^2 ignored"),
    ],
)
def test_what_is_left_out_of_a_file_is_said(body: bytes, repair: str, tmp_path: Path) -> None:
    (tmp_path / "odd.mid").write_bytes(header() + track(body + line()))
    performance = read_performance(tmp_path / "odd.mid")
    assert performance.repairs == (repair,)
    assert performance.mended == f"mended: {repair}"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Über – “dä”".encode("cp1252"), "Über – “dä”"),
        ("Über – “dä”".encode(), "Über – “dä”"),
        ("Füße".encode("latin-1"), "Füße"),
        (b"\x81 of nobody's", "\ufffd of nobody's"),
    ],
)
def test_words_of_old_windows_programs_are_read(text: bytes, read: str, tmp_path: Path) -> None:
    (tmp_path / "odd.mid").write_bytes(header() + track(meta(5, text) + line()))
    assert [word.text for word in read_performance(tmp_path / "odd.mid").texts] == [read]


def test_a_prompts_tempo_and_metre_are_those_at_its_last_note(tmp_path: Path) -> None:
    behind = tempo(250_000, 9_000) + meta(0x58, b"\3\2\x18\x08")
    (tmp_path / "odd.mid").write_bytes(header() + track(tempo(600_000) + line() + behind))
    assert read_signature(tmp_path / "odd.mid") == (100.0, None, 1, "")
    (tmp_path / "odd.mid").write_bytes(header() + track(tempo(600_000) + line(2) + tempo(400_000) + line(2)))
    assert read_signature(tmp_path / "odd.mid").quarter_bpm == 150.0


@pytest.mark.parametrize("patterns", [1, 2, 3])
def test_the_last_pattern_keeps_its_tempo_and_metre_to_its_end(patterns: int, tmp_path: Path) -> None:
    said = tempo(600_000) + meta(0x58, b"\3\2\x18\x08")
    bodies = [line(2)] * (patterns - 1) + [said + line(3)]
    (tmp_path / "odd.mid").write_bytes(header(2, patterns) + b"".join(track(body) for body in bodies))
    signature = read_signature(tmp_path / "odd.mid")
    assert (signature.quarter_bpm, signature.metre) == (100.0, Metre(3))
    (tmp_path / "odd.mid").write_bytes(header(2, 2) + track(said + line(3)) + track(line(2)))
    signature = read_signature(tmp_path / "odd.mid")
    assert (signature.quarter_bpm, signature.metre) == (120.0, Metre(4)), "the next pattern knows nothing of it"


def test_strikes_without_ends_and_ends_without_strikes_are_counted() -> None:
    whole = parse(header() + track(line(8)))
    assert (whole.endless, whole.needless) == (0, 0)
    broken = parse(header() + track(on(60) + on(62) + line(3) + off(90, after=0) + off(90, after=0) + off(91)))
    assert (len(broken.notes), broken.endless, broken.needless) == (5, 2, 3)
    lifted = parse(header() + track(on(60) + on(62) + b"\x60\xb0\x7b\x00" + line(3)))
    assert (lifted.endless, lifted.needless) == (0, 0), "all notes off ends them"
    last = parse(header() + track(line(3) + on(60) + on(62) + b"\x60\xb0\x7b\x00"))
    assert (last.endless, last.needless) == (0, 0), "also at the end of the track"
    drums = parse(header() + track(line(3) + on(36, 9) + on(38, 9) + off(40, 9)))
    assert (drums.endless, drums.needless) == (0, 0), "nobody has to end a drum"
