"""Controller positions and the values they stand for: linear between a row's limits, both ends exact.

This source is copied as it stands into the FL script by `sideman fl install`, so that the hint in
FL Studio and the value in the engine come from the same arithmetic.
"""

import math

__all__ = ["AUTO", "cc_to_choice", "cc_to_value", "choice_to_cc", "value_to_cc"]

AUTO = "auto"  # the value that leaves the choice to the sideman


def cc_to_value(tag: str, low: float, high: float, position: int, auto: bool = False) -> "float | int | str":
    """The value of a controller position 0..127; tag "i" gives whole numbers, "f" four decimals.

    auto: position 0 is AUTO, and low lies at 1.
    """
    if auto and position == 0:
        return AUTO
    share = (position - 1) / 126.0 if auto else position / 127.0
    value = low + (high - low) * share
    return math.floor(value + 0.5) if tag == "i" else round(float(value), 4)


def value_to_cc(low: float, high: float, value: "float | int | str", auto: bool = False) -> int:
    """The controller position 0..127 that lies nearest to a value."""
    if value == AUTO:
        return 0
    share = (float(value) - low) / (high - low)
    position = 1 + share * 126.0 if auto else share * 127.0
    return max(int(auto), min(127, math.floor(position + 0.5)))


def cc_to_choice(count: int, position: int) -> int:
    """Which of so many choices a controller position 0..127 means: equal parts."""
    return min(count - 1, position * count // 127)


def choice_to_cc(count: int, index: int) -> int:
    """The controller position 0..127 of a choice; both ends for the first and the last."""
    return math.floor(index * 127.0 / (count - 1) + 0.5)
