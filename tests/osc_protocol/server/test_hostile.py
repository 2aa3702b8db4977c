"""Messages that no controller of ours sends: each is refused by its address with a reason, and changes nothing."""

from __future__ import annotations

import struct
import time

import pytest

from osc_protocol.wire.codec import MAX_PACKET_BYTES, decode, encode
from osc_protocol.wire.replies import ERROR
from tests.support.osc.fake_engine import FakeEngine

PARAM = "/sideman/param/"
TOP_K, TEMPERATURE = f"{PARAM}top_k", f"{PARAM}temperature"
LONGEST_S = 1.0  # of processor time that one packet may take; the slowest takes some milliseconds


def string(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return data + b"\0" * (4 - len(data) % 4)


def message(address: str | bytes, tags: str, data: bytes = b"") -> bytes:
    return string(address) + string("," + tags) + data


def bundle(*elements: bytes, tag: int = 1) -> bytes:
    body = b"".join(len(element).to_bytes(4, "big") + element for element in elements)
    return b"#bundle\0" + tag.to_bytes(8, "big") + body


def single(value: float) -> bytes:
    return struct.pack(">f", value)


def nested(depth: int) -> bytes:
    packet = message(TOP_K, "i", b"\0\0\0\5")
    for _ in range(depth):
        packet = bundle(packet)
    return packet


FIVE = b"\0\0\0\5"
REFUSED = {
    # types that are no values, and values that are none of the parameter's
    "a colour": (message(TOP_K, "r", FIVE), TOP_K, "argument type 'r' is not taken"),
    "a MIDI message": (message(TOP_K, "m", b"\0\x90\x40\x40"), TOP_K, "argument type 'm' is not taken"),
    "a blob": (message("/sideman/chords", "b", b"\0\0\0\4C|F "), "/sideman/chords", "argument type 'b' is not taken"),
    "a blob of negative size": (message(TOP_K, "b", b"\xff\xff\xff\xff"), TOP_K, "argument type 'b' is not taken"),
    "a time tag": (message(TOP_K, "t", bytes(8)), TOP_K, "argument type 't' is not taken"),
    "a character": (message(TOP_K, "c", FIVE), TOP_K, "argument type 'c' is not taken"),
    "a type of nobody's": (message(TOP_K, "\x07", FIVE), TOP_K, "is not taken"),
    "nil": (message(TOP_K, "N"), TOP_K, "takes a whole number"),
    "no number": (message(TEMPERATURE, "f", single(float("nan"))), TEMPERATURE, "not nan"),
    "infinity": (message(TEMPERATURE, "d", struct.pack(">d", float("-inf"))), TEMPERATURE, "not -inf"),
    "more than a float holds": (message(TEMPERATURE, "d", struct.pack(">d", 1e300)), TEMPERATURE, "lies outside"),
    "next to nothing": (message(TEMPERATURE, "f", single(1e-45)), TEMPERATURE, "lies outside"),
    "the lowest of 64 bits": (message(TOP_K, "h", struct.pack(">q", -(2**63))), TOP_K, "lies outside"),
    "a number as text": (message(TEMPERATURE, "s", string("0.8")), TEMPERATURE, "takes a number"),
    "digits of another script": (message(TOP_K, "s", string("٣")), TOP_K, "takes a whole number"),
    "text that Python counts": (message(TOP_K, "s", string("1_0")), TOP_K, "takes a whole number"),
    "a thousand arguments": (message(TEMPERATURE, "T" * 1000), TEMPERATURE, "takes one value, not 1000"),
    "an array of two": (message(TEMPERATURE, "[ff]", 2 * single(0.5)), TEMPERATURE, "an array of 2 values"),
    "arrays without end": (message(TEMPERATURE, "[" * 900), TEMPERATURE, "unevenly"),
    "a seed between two": (message("/sideman/seed", "f", single(1.5)), "/sideman/seed", "whole number"),
    "a port of nobody's": (message("/sideman/subscribe", "i", b"\0\1\x11\x70"), "/sideman/subscribe", "0..65535"),
    # text that a terminal or a file must not be given
    "a bell": (message("/sideman/chords", "s", string("C\x07|F")), "/sideman/chords", "printable"),
    "text from right to left": (message("/sideman/chords", "s", string("\u202eC|F")), "/sideman/chords", "printable"),
    "a chart beyond all bounds": (message("/sideman/chords", "s", string("C|" * 1500)), "/sideman/chords", "at most"),
    # addresses
    "no address": (message("/", ""), "/", "unknown address"),
    "nothing between slashes": (message("//", "f", single(0.5)), "//", "unknown address"),
    "a way around": (message("/sideman/../param/top_k", "i", FIVE), "/sideman/../param/top_k", "unknown address"),
    "capitals": (message("/SIDEMAN/PARAM/TOP_K", "i", FIVE), "/SIDEMAN/PARAM/TOP_K", "unknown address"),
    "a slash behind": (message(f"{TOP_K}/", "i", FIVE), f"{TOP_K}/", "unknown address"),
    "what a terminal obeys": (message("/a\nb\x1bc", "f", single(0.5)), "/", "unknown address"),
    "a set that never ends": (message(f"{PARAM}[top_k", "i", FIVE), f"{PARAM}[top_k", "never closes it"),
    "words in words": (message(f"{PARAM}{{{{a,b}},c}}", "i", FIVE), f"{PARAM}{{{{a,b}},c}}", "never opened"),
    "an empty set": (message(f"{PARAM}[]op_k", "i", FIVE), f"{PARAM}[]op_k", "no address matches"),
    "a regular expression": (message(f"{PARAM}(top_k|x)", "i", FIVE), f"{PARAM}(top_k|x)", "unknown address"),
    "a pattern of stars": (message(f"/{'*' * 300}x", "i", FIVE), f"/{'*' * 199}", "at most 256"),
    "a pattern made to be slow": (message(PARAM + "*a" * 100 + "b", "i", FIVE), (PARAM + "*a" * 100)[:200],
    "no address"),
    # packets
    "nests of bundles": (nested(60), "/", "nest deeper"),
    "a bundle with junk": (bundle(b"junk"), "/", "neither an OSC message nor a bundle"),
    "a bundle of one half": (bundle(message(TOP_K, "i", FIVE), b"/bad"), "/bad", "malformed"),
    "a bundle cut off": (bundle(message(TOP_K, "i", FIVE))[:-2], "/", "does not fit its bundle"),
    "a bundle for the next century": (bundle(message(TOP_K, "i", FIVE), tag=2**63 - 1), TOP_K, "sender's clock"),
    "no comma": (string(TOP_K) + b"iii\0" + FIVE, TOP_K, "malformed"),
    "too large": (message("/sideman/chords", "s", string("C" * MAX_PACKET_BYTES)), "/sideman/chords", "at most"),
    "zeros": (bytes(16), "/", "neither"),
    "another protocol": (b"GET / HTTP/1.1\r\n\r\n", "/", "neither"),
    "no text as address": (b"/\xff\xfe\0,i\0\0" + FIVE, "/", "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_its_address_with_a_reason_and_changes_nothing(name: str) -> None:
    packet, address, reason = REFUSED[name]
    engine = FakeEngine()
    server = engine.server()
    before = dict(engine.values)
    begin_s = time.thread_time()
    replies = server.handle_packet(packet)
    assert time.thread_time() - begin_s < LONGEST_S
    assert len(replies) == 1
    (told,) = decode(replies[0])
    assert (told.address, told.arguments[0]) == (ERROR, address)
    assert reason in str(told.arguments[1])
    assert str(told.arguments[1]).isprintable()
    assert (engine.values, engine.commands) == (before, [])
    assert server.handle_packet(encode(TOP_K, 7)) == []
    assert engine.values["top_k"] == 7, "the server lives"
