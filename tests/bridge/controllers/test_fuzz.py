"""Every decoder of the control road under random and mutated bytes: nothing escapes or grows. SIDEMAN_SOAK=1: 10 MB."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.controllers.buttons import Buttons
from bridge.controllers.decoder import CcDecoder
from bridge.controllers.map import load_cc_map, parse_cc_map
from bridge.controllers.sysex_port import SysexControl
from bridge.errors import CcMapError
from osc_protocol.errors import PacketError
from osc_protocol.oscquery.server import OscQueryServer
from osc_protocol.table.parameters import COMMANDS, PARAMETERS, check
from osc_protocol.table.twins import BY_TWIN
from osc_protocol.wire.codec import decode, encode
from osc_protocol.wire.mini_osc import decode_message
from osc_protocol.wire.sysex import TO_ENGINE, Reassembler, pack
from tests.support.osc.fake_engine import FakeEngine

SOAK = os.environ.get("SIDEMAN_SOAK") == "1"
BYTES = 10_000_000 if SOAK else 300_000  # into each decoder
GROWTH = 2_000  # blocks of memory that a run may leave behind; a leak of one object a packet is many times that
FLOOR_PER_S = 4_000  # calm machines decode 25,000 a second and more; builds are not calm

SEEDS = [
    *[encode(row.address, row.default) for row in PARAMETERS],
    *[encode(address, 0.5) for address in BY_TWIN],
    *[encode(row.address, *(("x",) if row.types == "s" else (1,) * len(row.types))) for row in COMMANDS],
]
SEEDS += [
    b"#bundle\x00"
    + tag.to_bytes(8, "big")
    + b"".join(len(item).to_bytes(4, "big") + item for item in SEEDS[at : at + 3])
    for at, tag in ((0, 1), (5, 0), (9, 2**63), (12, 2**64 - 1))
]


def mutated(seeds: list[bytes], dice: random.Random) -> bytes:
    """A seed with bytes changed, cut, doubled or swapped for those of another; now and then noise alone."""
    packet = bytearray(dice.choice(seeds))
    kind = dice.randrange(6)
    if kind == 0:
        return dice.randbytes(dice.randrange(120))
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(packet) + 1)
        if kind == 1:
            del packet[at : at + dice.randrange(1, 9)]
        elif kind == 2:
            packet[at:at] = dice.randbytes(dice.randrange(1, 9))
        elif kind == 3:
            packet[at:] = dice.choice(seeds)[at:]
        elif at < len(packet):
            packet[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
    return bytes(packet)


def feed(
    seeds: list[bytes], take: Callable[[bytes], object], settle: Callable[[], object] = lambda: None, size: int = BYTES
) -> None:
    """Feeds `size` bytes of mutations, and holds the memory after them against that after the first tenth."""
    dice = random.Random(7)

    def spend(budget: int) -> None:
        while budget > 0:
            packet = mutated(seeds, dice)
            budget -= len(packet) + 1
            take(packet)
        settle()
        gc.collect()

    spend(size // 10)
    before = sys.getallocatedblocks()
    begin_s = time.perf_counter()
    spend(size - size // 10)
    grown = sys.getallocatedblocks() - before
    print(f"\n{size} bytes, {time.perf_counter() - begin_s:.1f} s, {grown:+d} blocks of memory", end="")
    assert grown < GROWTH, f"{grown} blocks of memory were kept"


pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]


def test_the_osc_codec() -> None:
    def take(packet: bytes) -> None:
        with contextlib.suppress(PacketError):
            decode(packet)

    feed(SEEDS, take)


def test_the_osc_of_the_fl_script() -> None:
    def take(packet: bytes) -> None:
        with contextlib.suppress(ValueError):
            decode_message(packet)

    feed(SEEDS, take)


def test_the_server_answers_all_and_keeps_only_legal_values() -> None:
    engine = FakeEngine()
    server = engine.server()

    def take(packet: bytes) -> None:
        for reply in server.handle_packet(packet):
            decode(reply)
        engine.commands.clear()

    feed(SEEDS, take)
    for name, value in engine.values.items():
        assert check(name, value) == value


def test_sysex_and_the_control_port() -> None:
    frames = [frame for number, seed in enumerate(SEEDS) for frame in pack(seed, TO_ENGINE, number)]
    frames += pack(bytes(900), TO_ENGINE, 5)
    reassembler = Reassembler(TO_ENGINE)
    feed(frames, reassembler.feed)
    control = SysexControl(FakeEngine().server(), lambda frame: None, start=False)

    def drain() -> None:
        while control.step():
            pass

    feed(frames, control.receive, drain)


def test_the_controllers() -> None:
    engine = FakeEngine()
    entries = {"top_p": {"cc": 1, "bits": 14}, "swing": {"nrpn": 0}, "density": {"cc": 80, "relative": "binary_offset"}}
    decoder = CcDecoder(parse_cc_map({"controls": entries, "pick_up": True}), engine.values.__getitem__)

    def take(packet: bytes) -> None:
        for at in range(0, len(packet), 3):
            for name, value in decoder.take(packet[at : at + 3], at):
                engine.values[name] = check(name, value)

    feed([bytes((0xB0 | channel, number, 64)) * 4 for channel in (0, 9) for number in range(128)], take)


def test_the_buttons() -> None:
    entries = {"play": {"note": 5}, "mode trade": {"note": 9, "channel": 10}, "style left": 90}
    buttons = Buttons(parse_cc_map({"buttons": entries}).buttons, None)

    def take(packet: bytes) -> None:
        for at in range(0, len(packet), 3):
            is_button, sent = buttons.press(packet[at : at + 3])
            assert sent is None or (is_button and decode(sent))

    feed(
        [
            bytes((kind | channel, number, 90)) * 4
            for kind in (0x80, 0x90, 0xB0)
            for channel in (0, 9)
            for number in range(128)
        ],
        take,
    )


def test_the_files_of_the_controller_map(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    seeds = [
        b"channel: 3\npick_up: true\ncontrols:\n  temperature: 74\n  top_p: {cc: 16, bits: 14}\n",
        b"controls:\n  density: {nrpn: 1025}\n  swing: {cc: 80, relative: twos_complement}\n  min_p: off\n",
        b"buttons:\n  play: {note: 36, channel: 10}\n  mode trade: 90\n",
    ]

    def take(content: bytes) -> None:
        path.write_bytes(content)
        with contextlib.suppress(CcMapError):
            load_cc_map(path)

    feed(seeds, take, size=BYTES // 30)  # reading YAML takes a millisecond


def test_the_websockets_of_oscquery() -> None:
    from osc_protocol.oscquery.talk import Talk

    lines = ["GET / HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
    request = "\r\n".join(lines).encode()
    osc = FakeEngine().server()
    talk = Talk(osc, request, lambda: None)

    def masked(opcode: int, payload: bytes) -> bytes:
        length = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
        return bytes((0x80 | opcode, 0x80 | length[0])) + length[1:] + bytes(4) + payload

    listens = [json.dumps({"COMMAND": "LISTEN", "DATA": row.address}).encode() for row in PARAMETERS]
    seeds = [masked(1, text) for text in listens] + [masked(2, packet) for packet in SEEDS if len(packet) < 200]

    def take(packet: bytes) -> None:
        nonlocal talk
        talk.receive(packet)
        talk.flush()
        talk.frames.outgoing()
        if not talk.frames.is_open:  # as a host that connects again
            talk.close()
            talk = Talk(osc, request, lambda: None)

    feed(seeds, take)
    talk.close()


def test_the_paths_of_oscquery() -> None:
    query = OscQueryServer(FakeEngine().server())
    seeds = [f"{row.address}?VALUE".encode() for row in PARAMETERS] + [b"/?HOST_INFO", b"/", b"http://[::1]/sideman"]

    def take(packet: bytes) -> None:
        status, _ = query.answer(packet.decode("latin-1"))
        assert status in (200, 204, 400, 404, 414)

    feed(seeds, take)


@pytest.mark.parametrize("road", ["decoded", "served"])
def test_a_knob_swept_by_a_script_is_kept_up_with(road: str) -> None:
    server = FakeEngine().server()
    take: Callable[[bytes], object] = decode if road == "decoded" else server.handle_packet
    packets = [encode("/sideman/param/density", step / 1000) for step in range(1000)]
    best_per_s = 0.0
    for _ in range(5):
        begin_s = time.perf_counter()
        for packet in packets:
            take(packet)
        best_per_s = max(best_per_s, len(packets) / (time.perf_counter() - begin_s))
    print(f"\n{road}: {best_per_s:.0f} messages/s")
    assert best_per_s > FLOOR_PER_S
