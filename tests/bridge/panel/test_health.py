"""The look-ahead that a machine needs is the longest pause in making music, and some more."""

from __future__ import annotations

import pytest

from bridge.panel.health import SETTLES_US, SPARE_MS, Health
from bridge.panel.plan import Plan

AHEAD_US = 1_000_000


def made(health: Health, pauses_us: list[int], begin_us: int = 0) -> int:
    """Notes made every 100 ms from begin_us on, each so much later than a second ahead; returns when that is over."""
    for number, pause_us in enumerate(pauses_us):
        now_us = begin_us + number * 100_000
        health.take(("push", now_us + AHEAD_US - pause_us, 0x90, 60, 64, now_us), Plan())
    return begin_us + len(pauses_us) * 100_000


def needs(health: Health, now_us: int) -> int | None:
    told = health.look(now_us + 10**9, Plan())
    assert told is not None
    value: int | None = told["needsMs"]
    return value


def test_it_is_not_known_before_music_has_been_made_for_a_while() -> None:
    health = Health()
    assert needs(health, made(health, [0] * 40)) is None


@pytest.mark.parametrize("pause_ms", [0, 120, 800])
def test_it_is_the_longest_pause_and_some_more(pause_ms: int) -> None:
    health = Health()
    now_us = made(health, [0] * 60 + [pause_ms * 1000] + [0] * 20)
    assert needs(health, now_us) == pause_ms + SPARE_MS


def test_what_a_change_takes_back_is_no_pause() -> None:
    health = Health()
    now_us = made(health, [0] * 80)
    health.take(("cancel", now_us), Plan())
    refilled = [900_000 - 40_000 * number for number in range(SETTLES_US // 100_000)]
    now_us = made(health, [max(pause_us, 0) for pause_us in refilled] + [0] * 40, now_us)
    assert needs(health, now_us) == SPARE_MS


def test_another_look_ahead_is_measured_anew() -> None:
    health = Health()
    now_us = made(health, [0] * 80)
    health.take(("state", "look_ahead", 300), Plan())
    now_us = made(health, [700_000] * 80, now_us)
    assert needs(health, now_us) == SPARE_MS
