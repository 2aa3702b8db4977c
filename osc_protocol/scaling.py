"""Controller positions and the values they stand for: linear between a row's limits, both ends exact.

This source is copied as it stands into the FL script by `python -m osc_protocol.generate_fl`, so that the hint in
FL Studio and the value in the engine come from the same arithmetic.
"""

import math

__all__ = ["cc_to_value", "value_to_cc"]


def cc_to_value(tag: str, low: float, high: float, position: int) -> "float | int":
    """The value of a controller position 0..127; tag "i" gives whole numbers, "f" four decimals."""
    value = low + (high - low) * position / 127.0
    return math.floor(value + 0.5) if tag == "i" else round(float(value), 4)


def value_to_cc(low: float, high: float, value: float) -> int:
    """The controller position 0..127 that lies nearest to a value."""
    return max(0, min(127, math.floor((value - low) * 127.0 / (high - low) + 0.5)))
