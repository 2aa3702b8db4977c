"""MIDI files as commented hex, for the tests of reading."""

from __future__ import annotations


def body(text: str) -> bytes:
    """Reads hex with # comments."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


def chunk(name: bytes, content: bytes, length: int | None = None) -> bytes:
    return name + (len(content) if length is None else length).to_bytes(4, "big") + content


def header(division: str = "0060", tracks: int = 1, kind: int = 1) -> bytes:
    return chunk(b"MThd", kind.to_bytes(2, "big") + tracks.to_bytes(2, "big") + bytes.fromhex(division))


def midi(division: str, *tracks: str, kind: int = 1) -> bytes:
    """Makes a whole file; each track gets its chunk header and, unless it brings one, an end of track."""
    file = header(division, len(tracks), kind)
    for text in tracks:
        content = body(text)
        file += chunk(b"MTrk", content if b"\xff\x2f\x00" in content else content + b"\0\xff\x2f\0")
    return file


TEMPO_60 = "00 FF 51 03 0F 42 40  # 1,000,000 us a quarter\n"
ONE_NOTE = """
00 90 3C 40     # C4 on, velocity 64
60 80 3C 00     # off after 96 ticks
"""
