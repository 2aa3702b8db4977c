"""Gaps in the port between FL and the engine, and what the engine was told by commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tests.support.fl.rig import Studio

__all__ = [
    "GAPS", "PANIC", "PANIC_CC", "PLAY", "PLAY_CC", "POSITION", "SETTLED_S", "STOP", "STOP_CC", "TEMPO", "Gap", "plays",
    "press", "take_cable", "told", "words",
]  # fmt: skip

PLAY, STOP, PANIC = "/sideman/play", "/sideman/stop", "/sideman/panic"
TEMPO: Final = "/sideman/transport/quarters/tempo"
POSITION: Final = "/sideman/transport/quarters/position"
PANIC_CC, PLAY_CC, STOP_CC = 104, 102, 103
SETTLED_S: Final = 5.0  # by then FL and engine agree


def words(studio: Studio) -> list[str]:
    """What the engine was told of play, stop and panic."""
    return [address for address, _ in studio.engine.commands if address in (PLAY, STOP, PANIC)]


def told(studio: Studio, address: str) -> list[Any]:
    """The first argument of every command of that address."""
    return [arguments[0] if arguments else None for name, arguments in studio.engine.commands if name == address]


def plays(studio: Studio) -> bool:
    """Whether the engine plays, as far as it was told: it has no keys to be led by."""
    return words(studio)[-1:] == [PLAY]


def press(studio: Studio, number: int) -> None:
    """Presses a button and lets it go."""
    studio.fl.control_change(number, 127)
    studio.fl.control_change(number, 0)


def lose_frames(studio: Studio, seconds: float, change: Callable[[], object]) -> None:
    """Every frame of that time is lost, both ways."""
    studio.lose = 1.0
    change()
    studio.run(seconds)
    studio.lose = 0.0


def take_cable(studio: Studio, seconds: float, change: Callable[[], object]) -> None:
    """The port is away for so long; the engine itself goes on."""
    studio.engine_runs = False
    studio.run(0.3)
    change()
    studio.run(seconds)
    studio.engine_runs = True


Gap: TypeAlias = Callable[[Studio, Callable[[], object]], None]
"""Has something happen while the port carries nothing."""

GAPS: Final[dict[str, Gap]] = {
    "loss of 0.2 s": lambda studio, change: lose_frames(studio, 0.2, change),
    "loss of 1.6 s, too short to be noticed": lambda studio, change: lose_frames(studio, 1.6, change),
    "cable away for 3 s": lambda studio, change: take_cable(studio, 3.0, change),
    "cable away for 3 s from the same moment on": lambda studio, change: lose_frames(studio, 3.0, change),
}
