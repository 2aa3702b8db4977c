"""What a session is made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from bridge.plain_json import Json, read_fields

__all__ = ["SessionOptions"]


@dataclass(frozen=True)
class SessionOptions:
    """The options of a live session, as a session log writes them down."""

    seed: int = 0
    release_s: float = 1.5  # how long after the last key the sideman rests
    tempo_bpm: float | None = None  # None: no beat in mode follow; what needs one plays at the table's default
    metre: str = "4/4"  # of what has no chart; the tempo counts its felt beat
    trade_bars: int = 4  # of a turn in mode trade
    count_in_bars: int = 0  # bars of clicks on channel 10 before a chart
    # From sending a note to hearing it. What must fall on a beat from outside (a position, the player's own in a trade)
    # is sent so much earlier.
    output_latency_ms: float = 0.0
    midi_clock: bool = False  # follow the MIDI clock of the player's port; a chart waits for its start
    channel: int = 0  # 0..15, of the notes

    def to_json(self) -> dict[str, Json]:
        """Returns the options by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Json) -> SessionOptions:
        """Reads what to_json() wrote. ValueError, with the option's name: it is missing or broken."""
        if not isinstance(plain, Mapping):
            raise ValueError("options")
        make: Callable[..., SessionOptions] = cls
        return make(**read_fields(cls, plain))
