"""The last bars as a MIDI file, for whoever drags them out of the page: always there, nothing needs to be recorded."""

from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path
from typing import Any, Final

from bridge.live.playing.keyboard import Keyboard
from bridge.panel.tap import Entry
from bridge.recording.take_file import BEAT, IN, MARK, OUT, REST, START, write_take

__all__ = ["MOST_BARS", "Capture", "midi_of"]

MOST_BARS: Final = 64
KEPT_US: Final = 900_000_000  # of what was played
BAR_US: Final = 2_000_000  # of music without a beat
_KINDS: Final = {"sent": OUT, "heard": IN, "marked": MARK, "beat": BEAT, "rested": REST}


class Capture:
    """Not thread-safe: the hub's lock is around it, but for midi_of(), which is for any thread."""

    def __init__(self) -> None:
        self._entries: deque[tuple[Any, ...]] = deque()  # of a take, in time order
        self._beat: tuple[Any, ...] | None = None  # the last one that has left the entries

    def take(self, entry: Entry) -> None:
        """One entry of the tap."""
        kind = _KINDS.get(entry[0])
        if kind is None:
            return
        self._entries.append((kind, *entry[1:]))
        while entry[1] - self._entries[0][1] > KEPT_US:
            old = self._entries.popleft()
            if old[0] in (BEAT, REST):
                self._beat = old

    def last(self, bars: int, now_us: int) -> list[tuple[Any, ...]]:
        """The entries of a take of the last so many bars, the one that sounds now as far as it has come.

        Notes that sound at its end are ended there; those that began before it are left out.
        """
        from_us = self._bar_before(now_us, bars)
        beats = [entry for entry in (self._beat, *self._entries) if entry is not None and entry[0] in (BEAT, REST)]
        before = [entry for entry in beats if entry[1] <= from_us]
        take = [(START, 1, from_us, None), *((kind, from_us, *rest) for kind, _, *rest in before[-1:])]
        keyboards = {OUT: Keyboard(), IN: Keyboard()}
        channels: dict[tuple[str, int], int] = {}  # of the notes that sound, by track and pitch
        for entry in self._entries:
            if entry[1] < from_us or entry in before:
                continue
            if entry[0] in keyboards:
                heard = keyboards[entry[0]].hear(entry[1], entry[2])
                if not heard and entry[2][0] & 0xF0 in (0x80, 0x90):  # the end of what began before
                    continue
                channels |= {(entry[0], key.pitch): entry[2][0] & 0x0F for key in heard if key.kind == "down"}
            take.append(entry)
        for kind, keyboard in keyboards.items():
            take += [(kind, now_us, bytes((0x80 | channels[kind, pitch], pitch, 0))) for pitch in keyboard.sounding()]
        return take

    def _bar_before(self, now_us: int, bars: int) -> int:
        """The bar line at which the last so many bars begin."""
        beat = next((entry for entry in reversed(self._entries) if entry[0] == BEAT), self._beat)
        if beat is None or beat[0] != BEAT:
            return now_us - bars * BAR_US
        _, _, tempo_bpm, bar_us, beats_per_bar = beat
        length_us = 60e6 / tempo_bpm * beats_per_bar
        return int(bar_us + ((now_us - bar_us) // length_us - bars + 1) * length_us + 0.5)


def midi_of(take: list[tuple[Any, ...]]) -> bytes:
    """The bytes of the file. SidemanError if the disk refuses."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take.mid"
        write_take(path, take)
        return path.read_bytes()
