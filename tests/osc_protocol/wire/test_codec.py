"""Laws of the OSC codec: what is sent is read, what is malformed is refused, nothing else happens."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage

from osc_protocol.errors import PacketError
from osc_protocol.table.parameters import Value
from osc_protocol.wire.codec import MAX_NESTING, MAX_PACKET_BYTES, Message, decode, encode

singles = st.floats(width=32, allow_nan=False, allow_infinity=False)
int32 = st.integers(-(2**31), 2**31 - 1)
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=40)


def bundle(*elements: bytes) -> bytes:
    return b"#bundle\x00" + bytes(7) + b"\x01" + b"".join(len(item).to_bytes(4, "big") + item for item in elements)


def test_a_packet_is_the_bytes_of_the_specification() -> None:
    # "/a" padded to 4, ",fis" padded to 8, 1.0, 2, "x" padded to 4
    golden = b"/a\x00\x00" + b",fis\x00\x00\x00\x00" + b"\x3f\x80\x00\x00" + b"\x00\x00\x00\x02" + b"x\x00\x00\x00"
    assert encode("/a", 1.0, 2, "x") == golden
    assert decode(golden) == [Message("/a", (1.0, 2, "x"))]


@settings(deadline=None)
@given(st.lists(st.one_of(singles, int32, texts), max_size=6))
def test_decode_inverts_encode(values: list[Value]) -> None:
    ((address, arguments),) = decode(encode("/sideman/param/x", *values))
    assert address == "/sideman/param/x"
    assert [type(value) for value in arguments] == [type(value) for value in values]
    for got, sent in zip(arguments, values, strict=True):
        same = struct.pack(">f", got) == struct.pack(">f", sent) if isinstance(sent, float) else got == sent
        assert same


@pytest.mark.parametrize("value", [0.85, 0.05, 1.95, 0.1, 123.456])
def test_a_float_reads_as_it_was_written(value: float) -> None:
    assert decode(encode("/a", value))[0].arguments == (value,)


def test_bundles_are_unpacked_in_order() -> None:
    nested = bundle(encode("/1"), bundle(encode("/2", 5), bundle(encode("/3"))), encode("/4", "x"))
    assert [message.address for message in decode(nested)] == ["/1", "/2", "/3", "/4"]


def test_a_bundle_of_python_osc_is_read() -> None:
    builder = OscBundleBuilder(IMMEDIATELY)  # type: ignore[no-untyped-call]
    builder.add_content(OscMessage(encode("/a", 1)))
    builder.add_content(OscMessage(encode("/b")))
    assert decode(builder.build().dgram) == [Message("/a", (1,)), Message("/b", ())]


def test_bundles_nest_to_a_limit() -> None:
    packet = encode("/a")
    for _ in range(MAX_NESTING):
        packet = bundle(packet)
    assert decode(packet) == [Message("/a", ())]
    with pytest.raises(PacketError, match="nest deeper"):
        decode(bundle(packet))


def test_a_message_without_type_tags_has_no_arguments() -> None:
    assert decode(b"/sideman/ping\x00\x00\x00") == [Message("/sideman/ping", ())]


@pytest.mark.parametrize(
    ("tags", "data", "arguments"),
    [
        (b",S\x00\x00", b"trade\x00\x00\x00", ("trade",)),
        (b",[f]\x00\x00\x00\x00", b"\x3f\x80\x00\x00", (1.0,)),
        (b",[S]\x00\x00\x00\x00", b"x\x00\x00\x00", ("x",)),
        (b",[[i]]\x00\x00", b"\x00\x00\x00\x05", (5,)),
        (b",[i]s\x00\x00\x00", b"\x00\x00\x00\x05x\x00\x00\x00", (5, "x")),
        (b",[T][I]\x00", b"", (True, True)),
        (b",[f][f]\x00", b"\x3f\x80\x00\x00\x3f\x80\x00\x00", (1.0, 1.0)),
    ],
)
def test_a_symbol_is_a_text_and_an_array_of_one_is_its_element(
    tags: bytes, data: bytes, arguments: tuple[object, ...]
) -> None:
    assert decode(b"/a\x00\x00" + tags + data) == [Message("/a", arguments)]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"/",
        b"/abc",
        b"junk",
        b"/a\x00\x00,f\x00\x00",  # the float is missing
        b"/a\x00\x00,s\x00\x00abcd",  # the string never ends
        b"/a\x00\x00,x\x00\x00",  # no such type
        b"/a\x00\x00fff\x00",  # no comma
        b"/\xff\x00\x00",  # not UTF-8
        b"/a\x00\x00,i\x00\x00\x00\x00\x00",  # odd length
        b"/a\x00\x00,b\x00\x00\x7f\xff\xff\xff",  # a blob that claims 2 GiB
        b"#bundle\x00",
        b"#bundle\x00" + bytes(8) + b"\x00\x00\x00\x00",  # an empty element, for ever
        b"#bundle\x00" + bytes(8) + b"\xff\xff\xff\xff",
        b"/" + bytes(MAX_PACKET_BYTES),
    ],
)
def test_malformed_packets_are_refused_in_one_line(packet: bytes) -> None:
    with pytest.raises(PacketError) as caught:
        decode(packet)
    assert len(str(caught.value).splitlines()) == 1


@settings(deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"/a\x00\x00," + tail))
def test_any_bytes_are_read_or_refused(packet: bytes) -> None:
    with contextlib.suppress(PacketError):
        assert all(isinstance(message, Message) for message in decode(packet))


@pytest.mark.parametrize("value", [2**64, 1e39])
def test_what_osc_cannot_hold_is_refused(value: Value) -> None:
    with pytest.raises(PacketError):
        encode("/a", value)
