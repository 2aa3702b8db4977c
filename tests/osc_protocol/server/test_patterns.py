"""Laws of address patterns: OSC 1.0's four signs, each within its part, whatever they are mixed with."""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.errors import ParameterError
from osc_protocol.server.patterns import MAX_PATTERN, is_pattern, matching
from osc_protocol.table.parameters import BY_ADDRESS, COMMAND_BY_ADDRESS
from osc_protocol.wire.codec import Message, decode, encode
from osc_protocol.wire.replies import ERROR
from tests.support.osc.fake_engine import FakeEngine

ADDRESSES = ["/a", "/ab", "/abc", "/b", "/a/b", "/a/bc", "/b/b", "/1", "/12", "/a-b"]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("/?", ["/a", "/b", "/1"]),
        ("/*", ["/a", "/ab", "/abc", "/b", "/1", "/12", "/a-b"]),
        ("/a*", ["/a", "/ab", "/abc", "/a-b"]),
        ("/**b*", ["/ab", "/abc", "/b", "/a-b"]),
        ("/*/b", ["/a/b", "/b/b"]),
        ("/?/?*", ["/a/b", "/a/bc", "/b/b"]),
        ("/[a-b]", ["/a", "/b"]),
        ("/[!a-b]", ["/1"]),
        ("/[b-a]", ["/a", "/b"]),
        ("/a[-]b", ["/a-b"]),
        ("/[0-9]*", ["/1", "/12"]),
        ("/{ab,b}", ["/ab", "/b"]),
        ("/{a,ab}{,c}", ["/a", "/ab", "/abc"]),
        ("/{a,b}/b{c,}", ["/a/b", "/a/bc", "/b/b"]),
        ("*", []),
    ],
)
def test_a_pattern_matches_what_osc_says(pattern: str, matched: list[str]) -> None:
    assert matching(pattern, ADDRESSES) == matched
    assert is_pattern(pattern)
    assert not any(is_pattern(address) for address in ADDRESSES)


@pytest.mark.parametrize(("pattern", "reason"), [
    ("/[a", "opens '['"), ("/{a,b", "opens '{'"), ("/a]", "closes ']'"), ("/a}", "closes '}'"),
    ("/" + "?" * MAX_PATTERN, f"at most {MAX_PATTERN}"),
])  # fmt: skip
def test_what_is_no_pattern_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(reason)):
        matching(pattern, ADDRESSES)


PIECES = st.sampled_from(["/", "a", "b", "c", "?", "*", "[ab]", "[!a]", "[a-c]", "{a,bc}", "{ab,c,}"])
REGEX = {"?": "[^/]", "*": "[^/]*", "[ab]": "[ab]", "[!a]": "[^a/]", "[a-c]": "[a-c]", "{a,bc}": "(?:a|bc)",
         "{ab,c,}": "(?:ab|c|)"}  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=7), st.text("/abc", max_size=7))
def test_any_pattern_matches_as_the_regular_expression_of_the_same_meaning(pieces: list[str], address: str) -> None:
    expression = "".join(REGEX.get(piece, piece) for piece in pieces)
    assert matching("".join(pieces), [address]) == [address] * bool(re.fullmatch(expression, address))


@pytest.mark.real
@pytest.mark.parametrize("pattern", ["/*", "/a*", "/[a-b]", "/[!a-b]", "/{ab,b}", "/?", "/{a,b}/b", "/*/b", "/[0-9]*"])
def test_liblo_matches_the_same(pattern: str) -> None:
    name = ctypes.util.find_library("lo")
    if name is None:
        pytest.skip("liblo is not installed")
    match = ctypes.CDLL(name).lo_pattern_match
    matched = [address for address in ADDRESSES if match(address.encode(), pattern.encode())]
    assert [address for address in matching(pattern, ADDRESSES) if address.count("/") == pattern.count("/")] == [
        address for address in matched if address.count("/") == pattern.count("/")
    ]


def test_no_pattern_takes_long() -> None:
    addresses = (*BY_ADDRESS, *COMMAND_BY_ADDRESS)
    begin_s = time.monotonic()
    for pattern in ("/" + "*a" * 120, "/sideman/param/" + "{,a}" * 60, "/*" * 120, "/" + "*" * 250):
        matching(pattern, addresses)
    assert time.monotonic() - begin_s < 10


def test_a_pattern_acts_on_all_that_it_matches_and_each_that_refuses_says_so_by_its_name() -> None:
    engine = FakeEngine()
    server = engine.server()
    assert server.handle_packet(encode("/sideman/param/{quantise,humanise}", 0.75)) == []
    assert (engine.values["quantise"], engine.values["humanise"]) == (0.75, 0.75)
    replies = [decode(packet)[0] for packet in server.handle_packet(encode("/sideman/param/top_*", 0.5))]
    assert engine.values["top_p"] == 0.5
    assert [(reply.address, reply.arguments[0]) for reply in replies] == [(ERROR, "/sideman/param/top_k")]
    server.handle_packet(encode("/sideman/{play,panic}"))
    assert sorted(engine.commands) == [("/sideman/panic", ()), ("/sideman/play", ())]
    (nothing,) = server.handle_packet(encode("/sideman/param/x*", 0.5))
    assert decode(nothing)[0] == Message(
        ERROR, ("/sideman/param/x*", "no address matches that pattern; docs/osc.md lists them all")
    )
