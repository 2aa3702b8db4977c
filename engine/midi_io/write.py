"""Notes and chord names -> Standard MIDI File."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import mido
import numpy as np

from engine.atomic import atomic_write
from engine.errors import MidiFileError
from engine.metre import COMMON, Metre
from engine.midi_io.events import MAX_DELTA
from engine.notes import Notes

__all__ = ["LONGEST_QUARTER_US", "OWN_TRACK", "TICKS_PER_QUARTER", "as_track", "check_length", "write_midi"]

OWN_TRACK = "Sideman"  # the track, of a solo or a recording, that holds what the sideman played
TICKS_PER_QUARTER = 480
_CLOCKS_PER_QUARTER = 24
LONGEST_QUARTER_US = 0xFFFFFF  # that a file can say
_ACOUSTIC_GRAND = 0


def write_midi(
    path: str | Path,
    notes: Notes,
    *,
    tempo_bpm: float,
    metre: Metre = COMMON,
    chords: Sequence[tuple[float, str]] = (),
    track_name: str = OWN_TRACK,
    length_s: float | None = None,
    title: str | None = None,
    text: str | None = None,
) -> None:
    """Writes a type 1 file of 480 ticks a quarter: a conductor track (tempo, metre, chords as markers) and one piano.

    notes: (N,). What lies at or beyond length_s (default: the end of the last note) is cut, notes across it end there,
    and both tracks end exactly there. A re-struck pitch ends its earlier note. chords: (onset_s, symbol) in any order.
    text: a text event at the start.
    tempo_bpm counts the metre's felt beat, a dotted quarter in 6/8. Ticks are counted in it, not in the whole
    microseconds a quarter that the file rounds it to: bar n starts at its tick at every tempo, and read back, times are
    off by a few in a million. The same arguments give the same bytes; the file appears whole or not at all.

    MidiFileError: a tempo, metre, pitch or length that MIDI cannot hold. SidemanError: the path cannot be written.
    """
    if length_s is None:
        length_s = float(notes["offset_s"].max()) if len(notes) else 0.0
    ticks_per_s, end_tick = check_length(tempo_bpm, metre, length_s)
    if len(notes) and int(notes["pitch"].max()) > 127:
        raise MidiFileError(f"pitch {int(notes['pitch'].max())} lies outside 0..127: transpose the notes down")
    us_per_quarter = round(1e6 / (tempo_bpm / 60.0 * float(metre.beat_quarters)))

    conductor: list[tuple[int, mido.MetaMessage]] = [
        (0, mido.MetaMessage("track_name", name=title or track_name)),
        *([] if text is None else [(0, mido.MetaMessage("text", text=text))]),
        (0, mido.MetaMessage("set_tempo", tempo=us_per_quarter)),
        (
            0,
            mido.MetaMessage(
                "time_signature",
                numerator=metre.numerator,
                denominator=metre.denominator,
                clocks_per_click=max(1, int(_CLOCKS_PER_QUARTER * metre.beat_quarters)),
            ),
        ),
    ]
    for onset_s, symbol in sorted(chords, key=lambda chord: chord[0]):
        tick = max(0, round(onset_s * ticks_per_s))
        if tick < end_tick:
            conductor.append((tick, mido.MetaMessage("marker", text=symbol)))
    piano: list[tuple[int, mido.Message | mido.MetaMessage]] = [
        (0, mido.MetaMessage("track_name", name=track_name)),
        (0, mido.Message("program_change", program=_ACOUSTIC_GRAND)),
        *_note_messages(notes, ticks_per_s, end_tick),
    ]
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    end = (end_tick, mido.MetaMessage("end_of_track"))
    file.tracks.extend([as_track([*conductor, end]), as_track([*piano, end])])
    with atomic_write(path) as beside:
        file.save(beside)


def check_length(tempo_bpm: float, metre: Metre, length_s: float) -> tuple[float, int]:
    """Returns the ticks of a second and of a whole file. MidiFileError: a tempo or length that MIDI cannot hold."""
    if not 4 <= tempo_bpm <= 1000:
        raise MidiFileError(f"tempo {tempo_bpm} bpm lies outside 4..1000: give beats per minute")
    quarters_per_s = tempo_bpm / 60.0 * float(metre.beat_quarters)
    if round(1e6 / quarters_per_s) > LONGEST_QUARTER_US:
        raise MidiFileError(f"tempo {tempo_bpm:g} bpm counts {metre.beat_name}: give a faster one")
    ticks_per_s = TICKS_PER_QUARTER * quarters_per_s
    end_tick = round(length_s * ticks_per_s)
    if not 0 <= end_tick <= MAX_DELTA:
        raise MidiFileError(f"a length of {length_s} s lies outside 0..{MAX_DELTA / ticks_per_s:.0f}: give seconds")
    return ticks_per_s, end_tick


def _note_messages(notes: Notes, ticks_per_s: float, end_tick: int) -> list[tuple[int, mido.Message]]:
    """(tick, message) in order; at one tick notes end, by pitch, before others begin."""
    on_tick = np.maximum(np.rint(notes["onset_s"] * ticks_per_s).astype(np.int64), 0)
    off_tick = np.maximum(np.rint(notes["offset_s"] * ticks_per_s).astype(np.int64), on_tick + 1)
    sounding: dict[int, tuple[int, int, int]] = {}  # pitch -> on, off, velocity of the latest note of that pitch
    ended: list[tuple[int, int, int, int]] = []
    order = np.lexsort((notes["pitch"], on_tick))
    for i in order:
        on, off, pitch = int(on_tick[i]), int(off_tick[i]), int(notes["pitch"][i])
        velocity = min(127, max(1, int(notes["velocity"][i])))
        if on >= end_tick:
            break
        before = sounding.get(pitch)
        if before and before[0] == on:  # struck twice in one tick: one note, the louder and the longer
            off, velocity = max(off, before[1]), max(velocity, before[2])
        elif before:
            ended.append((pitch, before[0], min(before[1], on), before[2]))
        sounding[pitch] = (on, off, velocity)
    ended += [(pitch, on, off, velocity) for pitch, (on, off, velocity) in sounding.items()]
    events: list[tuple[int, int, int, mido.Message]] = []
    for pitch, on, off, velocity in ended:
        events.append((on, 1, pitch, mido.Message("note_on", note=pitch, velocity=velocity)))
        events.append((min(off, end_tick), 0, pitch, mido.Message("note_off", note=pitch, velocity=0)))
    return [(tick, message) for tick, _, _, message in sorted(events, key=lambda event: event[:3])]


def as_track(events: Iterable[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """Absolute ticks, in order -> a track of delta times."""
    track, at = mido.MidiTrack(), 0
    for tick, message in events:
        track.append(message.copy(time=tick - at))
        at = tick
    return track
