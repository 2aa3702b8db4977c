"""Which part of a take is meant: bars, beats or seconds, as a user writes them."""

from __future__ import annotations

import re

from engine.arrays import F64, I64
from engine.errors import SidemanError

__all__ = ["span_s"]

SAID_S = 0.05  # an error says the take's end in tenths of a second, and who gives that is right
_RANGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:-\s*(\d+(?:\.\d+)?))?\s*")


def span_s(
    beats_s: F64,
    beat_in_bar: I64,
    *,
    bars: str | None,
    beats: str | None,
    seconds: str | None,
    end_s: float = 0.0,
) -> tuple[float, float]:
    """Returns start and end in seconds of the one that is given: "5-8" (counted from 1, both ends meant) or "5".

    beats_s, beat_in_bar: (B,) the take's beats, the last one where the music has ended. end_s: where its last note
    ends. SidemanError: none or several
    are given, a range that is none, or one beyond the take; its text says how long the take is.
    """
    given = [
        (name, text) for name, text in (("bars", bars), ("beats", beats), ("seconds", seconds)) if text is not None
    ]
    if len(given) != 1:
        raise SidemanError("say what is to be played again: one of --bars 5-8, --beats 17-32, --seconds 8-16")
    name, text = given[0]
    match = _RANGE.fullmatch(text)
    first, last = (float(match[1]), float(match[2] or match[1])) if match else (1.0, 0.0)
    if name == "seconds":
        if match is None or match[2] is None or not first < last:
            raise SidemanError(f"--seconds {text}: give a range, as in 8-16")
        end_s = max([end_s, *beats_s[-1:]])
        if last > end_s + SAID_S:
            raise SidemanError(f"--seconds {text}: the take ends at {end_s:.1f} s")
        return first, last
    lines = beats_s[beat_in_bar == 0] if name == "bars" else beats_s
    count = len(lines) - 1
    if count < 1:
        raise SidemanError(f"--{name} {text}: the take has no beat: give --seconds")
    if match is None or "." in text or not 1 <= first <= last:
        raise SidemanError(f"--{name} {text}: give a range counted from 1, as in 5-8")
    if last > count:
        raise SidemanError(f"--{name} {text}: the take has {count} {name}")
    return float(lines[int(first) - 1]), float(lines[int(last)])
