"""Laws of the SysEx frames, and of the small OSC that travels in them."""

from __future__ import annotations

import contextlib
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.wire.codec import decode, decode_timed, encode
from osc_protocol.wire.mini_osc import decode_message, encode_bundle, encode_message, float_to_word, word_to_float
from osc_protocol.wire.sysex import MAX_FRAME, MAX_PACKET, TO_ENGINE, TO_FL, Reassembler, is_frame, pack, pack7, unpack7

packets = st.binary(min_size=1, max_size=1000)


def refeed(frames: list[bytes], reassembler: Reassembler | None = None) -> list[bytes]:
    target = reassembler or Reassembler(TO_ENGINE)
    return [packet for frame in frames if (packet := target.feed(frame, 0.0)) is not None]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_unpack7_inverts_pack7_in_seven_bits(data: bytes) -> None:
    packed = pack7(data)
    assert max(packed, default=0) < 128
    assert unpack7(packed) == data


def test_a_frame_is_the_bytes_of_the_design() -> None:
    # F0 7D 53 4D | to the engine | sequence 5 | part 0 of 1 | high bits, low bits of AB 01 | checksum | F7
    assert pack(b"\xab\x01", TO_ENGINE, 5) == [bytes.fromhex("F0 7D 53 4D 01 05 00 01 01 2B 01 4C F7")]


@settings(deadline=None)
@given(packets, st.integers(0, 1000))
def test_reassembly_inverts_pack(packet: bytes, sequence: int) -> None:
    frames = pack(packet, TO_ENGINE, sequence)
    assert all(len(frame) <= MAX_FRAME and frame[0] == 0xF0 and frame[-1] == 0xF7 for frame in frames)
    assert all(max(frame[1:-1]) < 128 and is_frame(frame) and is_frame(frame[1:]) for frame in frames)
    assert refeed(frames) == [packet]


@settings(deadline=None)
@given(packets)
def test_frames_without_f0_and_f7_are_the_same_frames(packet: bytes) -> None:
    frames = pack(packet, TO_ENGINE, 1)
    assert refeed([frame[1:-1] for frame in frames]) == [packet]
    assert refeed([frame[1:] for frame in frames]) == [packet]


def test_the_largest_packet_passes_and_a_larger_one_is_refused() -> None:
    assert refeed(pack(bytes(MAX_PACKET), TO_ENGINE, 1)) == [bytes(MAX_PACKET)]
    for wrong in (b"", bytes(MAX_PACKET + 1)):
        with pytest.raises(ValueError, match="go through SysEx"):
            pack(wrong, TO_ENGINE, 1)


def test_an_echo_is_counted_and_dropped() -> None:
    target = Reassembler(TO_ENGINE)
    assert refeed(pack(b"abc", TO_FL, 1), target) == []
    assert (target.echoed, target.bad) == (1, 0)


def test_a_frame_delivered_twice_counts_once() -> None:
    target = Reassembler(TO_ENGINE)
    frames = [frame for frame in pack(bytes(range(256)) * 2, TO_ENGINE, 1) for _ in range(2)]
    assert refeed(frames, target) == [bytes(range(256)) * 2]
    assert target.repeated == len(frames) // 2


def test_the_same_packet_sent_again_counts_again() -> None:
    assert refeed(pack(b"abc", TO_ENGINE, 1) + pack(b"abc", TO_ENGINE, 2)) == [b"abc", b"abc"]


def test_a_lost_part_loses_its_packet_alone() -> None:
    target = Reassembler(TO_ENGINE)
    broken, whole = pack(bytes(500), TO_ENGINE, 1), pack(b"next", TO_ENGINE, 2)
    assert refeed(broken[:1] + broken[2:] + whole, target) == [b"next"]
    assert target.lost == 1


def test_parts_that_come_too_late_are_abandoned() -> None:
    target = Reassembler(TO_ENGINE, timeout_s=1.0)
    first, second, third = pack(bytes(500), TO_ENGINE, 1)
    assert target.feed(first, 0.0) is None
    assert target.feed(second, 0.5) is None
    assert target.feed(third, 2.0) is None
    assert target.lost == 1


@settings(deadline=None)
@given(packets, st.data())
def test_one_wrong_byte_never_gives_a_wrong_packet(packet: bytes, data: st.DataObject) -> None:
    frames = pack(packet, TO_ENGINE, 9)
    number = data.draw(st.integers(0, len(frames) - 1))
    position = data.draw(st.integers(1, len(frames[number]) - 2))  # drivers delimit frames by F0 and F7 themselves
    value = data.draw(st.integers(0, 255).filter(lambda byte: byte != frames[number][position]))
    frames[number] = frames[number][:position] + bytes((value,)) + frames[number][position + 1 :]
    assert refeed(frames) == []


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"\xf0\x7d\x53\x4d\x01" + tail)))
def test_any_bytes_are_counted_never_raised(frames: list[bytes]) -> None:
    target = Reassembler(TO_ENGINE)
    got = refeed(frames, target)
    assert len(got) + target.bad + target.echoed + target.repeated + target.lost <= 2 * len(frames)


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False))
def test_the_float_words_are_those_of_ieee_754(value: float) -> None:
    word = int.from_bytes(struct.pack(">f", value), "big")
    assert float_to_word(value) == word
    assert struct.pack(">d", word_to_float(word)) == struct.pack(">d", value)


@settings(deadline=None)
@given(st.floats(min_value=-3.4e38, max_value=3.4e38))
def test_any_double_rounds_as_struct_does(value: float) -> None:
    assert float_to_word(value) == int.from_bytes(struct.pack(">f", value), "big")


def test_words_beyond_the_numbers() -> None:
    assert math.isnan(word_to_float(float_to_word(math.nan)))
    assert word_to_float(float_to_word(1e300)) == math.inf
    assert word_to_float(float_to_word(-1e300)) == -math.inf


values = st.one_of(
    st.tuples(st.just("f"), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("s"), st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))),
)


@settings(deadline=None)
@given(st.lists(values, max_size=5))
def test_the_small_osc_and_python_osc_write_the_same_bytes(tagged: list[tuple[str, float | int | str]]) -> None:
    tags, plain = "".join(tag for tag, _ in tagged), tuple(value for _, value in tagged)
    packet = encode_message("/sideman/x", tags, plain)
    assert packet == encode("/sideman/x", *plain)
    address, got = decode_message(packet)
    assert (address, got) == ("/sideman/x", list(plain))
    assert len(decode(packet)[0].arguments) == len(got)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_small_bundle_is_read_as_its_messages_in_their_order_and_at_once(count: int) -> None:
    messages = [encode_message("/sideman/x", "is", (number, "text"[number:])) for number in range(count)]
    timed = decode_timed(encode_bundle(messages))
    assert [item.message for item in timed] == [decode(message)[0] for message in messages]
    assert {item.due_s for item in timed} <= {None}


@settings(deadline=None)
@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"/a\x00\x00," + tail))
def test_the_small_osc_reads_any_bytes_or_raises_value_error(packet: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode_message(packet)
