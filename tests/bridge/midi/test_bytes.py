"""Bytes of a wire, in whatever pieces -> whole messages. The dumps are read by the specification's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.bytes import MAX_SYSEX_BYTES, MessageReader

# what it shows | pieces as they come | messages | bytes of none
TABLE = [line.split(" | ") for line in """\
a note | 90 3C 50 | 90 3C 50 | 0
running status, in one piece | 90 3C 50 40 51 | 90 3C 50, 90 40 51 | 0
running status, a piece a message | 90 3C 50, 40 51, 43 52 | 90 3C 50, 90 40 51, 90 43 52 | 0
several messages in one piece | 90 3C 50 B0 40 7F C0 05 | 90 3C 50, B0 40 7F, C0 05 | 0
a message in three pieces | 90, 3C, 50 | 90 3C 50 | 0
a clock tick inside a note | 90 F8 3C F8 50 | F8, F8, 90 3C 50 | 0
active sensing is nobody's message | FE, 90 3C FE 50, FE | 90 3C 50 | 0
a real-time byte leaves the running status | 90 3C 50, F8, 40 51 | 90 3C 50, F8, 90 40 51 | 0
a system common message ends it | 90 3C 50, F2 01 02, 40 51 | 90 3C 50, F2 01 02 | 2
SysEx in one piece | F0 7D 01 F7 | F0 7D 01 F7 | 0
SysEx in pieces | F0 7D, 01 02, F7 | F0 7D 01 02 F7 | 0
a tick inside SysEx | F0 7D F8 01 F7 | F8, F0 7D 01 F7 | 0
SysEx that never ends gives way to a note | F0 7D 01, 90 3C 50 | 90 3C 50 | 3
SysEx gives way to SysEx | F0 7D, F0 7E F7 | F0 7E F7 | 2
an end of nothing | F7, 90 3C 50 | 90 3C 50 | 1
data bytes of nothing | 60 01, 90 3C 50 | 90 3C 50 | 2
data with the top bit set is a status | 90 C8 01 | C8 01 | 0
a note cut off by another | 90 3C, 90 40 50 | 90 40 50 | 1
program change and aftertouch have one byte | C0 05 06, D1 40 | C0 05, C0 06, D1 40 | 0
undefined statuses | F4 01, F9, FD, 90 3C 50 | 90 3C 50 | 2
tune request | F6, F1 22, F3 05 | F6, F1 22, F3 05 | 0""".splitlines()]  # fmt: skip


@pytest.mark.parametrize(("pieces", "messages", "garbage"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_bytes_become_whole_messages(pieces: str, messages: str, garbage: str) -> None:
    reader = MessageReader()
    read = [message for piece in pieces.split(",") for message in reader.read(bytes.fromhex(piece))]
    assert read == [bytes.fromhex(message) for message in messages.split(",") if message.strip()]
    assert reader.garbage == int(garbage)


def test_a_system_exclusive_flood_keeps_memory_bounded() -> None:
    reader = MessageReader()
    assert reader.read(b"\xf0") == []
    for _ in range(100):
        assert reader.read(bytes(4096)) == []
    assert reader.read(b"\xf7") == []
    assert reader.garbage == MAX_SYSEX_BYTES
    assert reader.read(b"\x90\x3c\x50") == [b"\x90\x3c\x50"]


@given(st.lists(st.binary(max_size=12)))
def test_any_bytes_give_only_messages_that_are_whole(pieces: list[bytes]) -> None:
    reader = MessageReader()
    for piece in pieces:
        for message in reader.read(piece):
            assert message[0] >= 0x80
            assert message[0] != 0xFE
            body = message[1:-1] if message[0] == 0xF0 else message[1:]
            assert all(byte < 0x80 for byte in body)
    assert reader.read(b"\x90\x3c\x50")[-1] == b"\x90\x3c\x50"  # and a note after them is heard


@given(st.lists(st.binary(max_size=12)))
def test_how_the_wire_is_cut_makes_no_difference(pieces: list[bytes]) -> None:
    whole, cut = MessageReader(), MessageReader()
    wire = b"".join(pieces)
    assert whole.read(wire) == [message for piece in pieces for message in cut.read(piece)]
    assert whole.garbage == cut.garbage
