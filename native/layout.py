"""The layout of the token ids, in the form that tokenizer and sampler take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """First ids and sizes of the token blocks. ValueError if blocks overlap or do not fit."""

    note_on: int  # + pitch 0..127
    note_off: int  # + pitch 0..127
    time_shift: int  # + steps - 1
    num_shifts: int  # the longest shift, in steps
    velocity: int  # + bin
    num_velocities: int  # bins of 128 / num_velocities MIDI velocities each
    pad: int
    bos: int
    eos: int
    pedal_on: int
    pedal_off: int
    num_ids: int  # event ids, reserved ones included; the length of the logits
    step_ms: int  # the time grid

    def __post_init__(self) -> None:
        if self.num_shifts < 1 or self.step_ms < 1 or not 1 <= self.num_ids <= 65536:
            raise ValueError(f"{self}: num_shifts and step_ms start at 1, and num_ids must fit uint16")
        if self.num_velocities < 1 or 128 % self.num_velocities:
            raise ValueError(f"num_velocities {self.num_velocities} must divide 128")
        blocks = sorted([
            (self.note_on, 128), (self.note_off, 128), (self.time_shift, self.num_shifts),
            (self.velocity, self.num_velocities), (self.pad, 1), (self.bos, 1), (self.eos, 1),
            (self.pedal_on, 1), (self.pedal_off, 1), (self.num_ids, 0),
        ])  # fmt: skip
        ends = [0] + [first + count for first, count in blocks]
        if any(first < end for (first, _), end in zip(blocks, ends, strict=False)) or blocks[-1] != (self.num_ids, 0):
            raise ValueError(f"{self}: token blocks overlap or reach beyond num_ids {self.num_ids}")

    @property
    def velocity_width(self) -> int:
        """MIDI velocities in one bin; a bin decodes to its centre."""
        return 128 // self.num_velocities
