"""Laws of FL beside other surfaces: what it has told and seen confirmed is theirs to change, receipts or none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from osc_protocol.wire.codec import Message, decode, encode
from osc_protocol.wire.replies import PONG
from tests.support.fl.gaps import (
    PANIC,
    PANIC_CC,
    PLAY,
    PLAY_CC,
    SETTLED_S,
    STOP,
    STOP_CC,
    TEMPO,
    Gap,
    plays,
    press,
    take_cable,
    told,
    words,
)
from tests.support.fl.rig import Studio

# --- other surfaces have their say ---------------------------------------------------------------------------------


@pytest.mark.parametrize("playing", [True, False])
def test_what_was_confirmed_is_left_to_whoever_changes_it(playing: bool, gap: Gap, studio: Studio) -> None:
    studio.fl.change(playing=True)
    studio.fl.change(tempo_bpm=99.0)
    studio.run(1.0)
    studio.fl.change(playing=playing)
    studio.run(1.0)
    studio.server.handle_packet(encode(STOP if playing else PLAY))
    studio.server.handle_packet(encode(TEMPO, 77.0))
    gap(studio, lambda: studio.fl.call("OnRefresh", 0x100))
    studio.run(20.0)
    assert plays(studio) is not playing
    assert told(studio, TEMPO)[-1] == 77.0


@pytest.mark.parametrize(("first", "then"), [(PLAY_CC, STOP_CC), (PANIC_CC, PLAY_CC), (PLAY_CC, PANIC_CC)])
def test_the_newest_word_counts(first: int, then: int, gap: Gap, studio: Studio) -> None:
    gap(studio, lambda: press(studio, first))
    press(studio, then)
    studio.run(SETTLED_S)
    assert words(studio)[-1] == {PLAY_CC: PLAY, STOP_CC: STOP, PANIC_CC: PANIC}[then]


@pytest.mark.parametrize("gap_s", [3.0, 0.0])
def test_a_new_engine_is_told_stop_only_if_fls_stop_was_not_confirmed(gap_s: float, studio: Studio) -> None:
    def restart() -> list[str]:
        studio.start_engine()
        studio.engine_runs = True
        studio.run(SETTLED_S)
        return words(studio)

    studio.engine_runs = False
    studio.run(gap_s)
    assert restart() == []  # FL has never played
    for playing, confirmed, expected in ((True, True, PLAY), (False, True, None), (True, False, PLAY)):
        studio.engine_runs = confirmed
        studio.fl.change(playing=playing)
        studio.run(1.0)
        studio.engine_runs = False
        studio.run(gap_s)
        assert set(restart()) == ({expected} if expected else set())
    studio.engine_runs = False
    studio.fl.change(playing=False)
    studio.run(gap_s)
    assert set(restart()) == {STOP}


# --- receipts ------------------------------------------------------------------------------------------------------


def answer(studio: Studio, change: Callable[[Message], Message | None]) -> None:
    """Lets the engine's replies be others, or none."""
    handle = studio.server.handle_packet

    def handle_packet(packet: bytes) -> list[bytes]:
        replies = [change(decode(reply)[0]) for reply in handle(packet)]
        return [encode(reply.address, *reply.arguments) for reply in replies if reply is not None]  # type: ignore[arg-type]

    studio.server.handle_packet = handle_packet  # type: ignore[method-assign]


def test_an_engine_that_brings_no_number_back_is_told_once_and_again_when_the_cable_is_back(profile: str) -> None:
    studio = Studio(profile)
    answer(studio, lambda reply: Message(PONG, reply.arguments[:1]) if reply.address == PONG else reply)
    studio.run(3.0)
    studio.engine.commands.clear()
    studio.fl.change(playing=True, tempo_bpm=99.0)
    studio.run(1.0)
    press(studio, PANIC_CC)
    studio.run(10.0)
    assert (words(studio), told(studio, TEMPO)) == ([PLAY, PANIC], [99.0])
    take_cable(studio, 3.0, lambda: studio.fl.change(playing=False))
    studio.run(10.0)
    assert words(studio) == [PLAY, PANIC, STOP]


def test_panic_without_a_receipt_is_told_three_times(studio: Studio) -> None:
    heartbeat = studio.fl.modules["sideman_sure"].HEARTBEAT
    answer(studio, lambda reply: None if reply.address == PONG and reply.arguments[1] != heartbeat else reply)
    press(studio, PANIC_CC)
    studio.run(20.0)
    assert words(studio) == [PANIC] * 3
    studio.check()


def test_over_udp_the_receipts_come_too_and_a_strangers_bare_pong_is_none(profile: str) -> None:
    studio = Studio(profile, sockets=True, wine=True)
    studio.run(3.0)
    studio.engine.commands.clear()
    assert studio.fl.udp is not None
    studio.fl.change(playing=True)
    assert studio.fl.udp.sent
    studio.fl.udp.sent.clear()  # lost
    studio.fl.udp.waiting.append(encode(PONG, studio.server.run))
    studio.run(SETTLED_S)
    assert words(studio) == [PLAY]
    studio.fl.call("OnDeInit")
    studio.exchange()
    assert words(studio)[1:] == [STOP, STOP]
