"""How dense each bar of a chart is to be, drawn over it. A bar that has a density of its own does not ask the knob."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from bridge.errors import ModeError
from bridge.live.rounds.bars import bars_text, chosen_bars, parse_bars
from osc_protocol.errors import ParameterError
from osc_protocol.table.parameters import AUTO, check

__all__ = ["DENSITY", "Densities", "parse_density"]

DENSITY: Final = "density"  # the parameter


def parse_density(text: str) -> tuple[str, float | str]:
    """Reads bars, "" for all, and a density, 0..1 or AUTO: `5-8 0.9`, `1 3 auto`, `0.4`. ModeError: it says none."""
    bars, _, density = text.strip().rpartition(" ")
    parse_bars(bars)
    try:
        value = check(DENSITY, density if density == AUTO else float(density))
    except (ValueError, ParameterError):
        raise ModeError(
            f"{density[:20]!r} is no density: write 5-8 0.9, or 5-8 {AUTO} to leave it to the knob"
        ) from None
    return bars, value if value == AUTO else float(value)


class Densities:
    """What is drawn over one chart. The session thread owns it."""

    def __init__(self, chart_bars: int) -> None:
        self._chart_bars = chart_bars
        self._drawn: Mapping[int, float] = {}  # by the bar, counted from 0; never changed

    @property
    def drawn(self) -> dict[int, float]:
        """What is drawn, by the bar, counted from 1."""
        return {bar + 1: density for bar, density in sorted(self._drawn.items())}

    def draw(self, bars: Collection[int], density: float | str) -> str:
        """Gives bars, counted from 1, all where none is named, a density; AUTO leaves them to the knob.

        Returns what to say. ModeError: the chart has no such bar.
        """
        chosen = chosen_bars(bars, self._chart_bars)
        others = {bar: drawn for bar, drawn in self._drawn.items() if bar not in chosen}
        self._drawn = others if isinstance(density, str) else {**others, **dict.fromkeys(chosen, density)}
        told = f"density {density}" if isinstance(density, str) else f"density {density:g}"
        return f"{bars_text([bar + 1 for bar in chosen])}: {told}"

    def asked(self, bar: int) -> Mapping[str, float]:
        """Returns what is asked in a bar, counted on from round to round, instead of the table's values."""
        density = self._drawn.get(bar % self._chart_bars)
        return {} if density is None else {DENSITY: density}
