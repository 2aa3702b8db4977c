"""`sideman fl take`: a take as a script of FL Studio's piano roll, which puts its notes there, tick for tick.

A controller script cannot write notes into a pattern, and a piano-roll script may read no file: so the notes stand in
the script itself. FL lists it under the piano roll's Tools > Scripting; it keeps its name from take to take.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import mido

from bridge.fl.folders import FlInstallError, settings_folders
from bridge.recording.last_take import recall
from engine.atomic import write_whole
from engine.midi_io.write import OWN_TRACK

__all__ = ["SCRIPT_NAME", "TakeNotes", "read_take", "render", "write_take_script"]

FOLDER: Final = "Piano roll scripts"  # under Settings
SCRIPT_NAME: Final = "Sideman take.pyscript"
MAX_NOTES: Final = 20_000  # an hour and more of dense playing; FL's piano roll becomes slow long before

_TEMPLATE: Final = '''\
"""Puts a take of Sideman into the piano roll. Written by `sideman fl take`, which writes it anew for each take."""

import flpianoroll as flp

TITLE = {title!a}
TICKS_PER_BEAT = {ticks_per_beat}
BAR_TICKS = {bar_ticks}
# start and length in ticks, MIDI note, velocity 1..127
NOTES = (
{notes})
# start in ticks, chord or other marker
MARKERS = (
{markers})


def createDialog():
    form = flp.ScriptDialog(TITLE, "{count} notes that Sideman played.")
    form.AddInputCombo("Begin", "where it began,at the first note's bar,at the first note", 1)
    form.AddInputCombo("What is here already", "stays,makes room", 0)
    form.AddInputCombo("Chord names", "as markers,none", 0)
    return form


def choice(form, name):
    return int(round(form.GetInputValue(name)))  # FL gives 0.9999 for 1


def apply(form):
    ppq = flp.score.PPQ
    first = min(note[0] for note in NOTES)
    begin = (0, first // BAR_TICKS * BAR_TICKS, first)[choice(form, "Begin")]
    if choice(form, "What is here already") == 1:
        flp.score.clear(True)
    for start, length, number, velocity in NOTES:
        note = flp.Note()
        note.number = number
        note.time = round((start - begin) * ppq / TICKS_PER_BEAT)
        note.length = max(1, round(length * ppq / TICKS_PER_BEAT))
        note.velocity = velocity / 127
        flp.score.addNote(note)
    if choice(form, "Chord names") == 0:
        for start, name in MARKERS:
            if start >= begin:
                marker = flp.Marker()
                marker.time = round((start - begin) * ppq / TICKS_PER_BEAT)
                marker.name = name
                flp.score.addMarker(marker)
'''


class TakeNotes(NamedTuple):
    """notes: (start, length, MIDI note, velocity); markers: (start, text); times in ticks, in the order of starts."""

    ticks_per_beat: int
    bar_ticks: int
    notes: list[tuple[int, int, int, int]]
    markers: list[tuple[int, str]]


def write_take_script(take: Path | None, target_dir: Path | None) -> list[Path]:
    """Writes the script into FL's user data folder (None: all that are found); the paths. FlInstallError.

    take: a MIDI file, such as `sideman play --record` and `sideman generate` write; None: the last recording.
    """
    take = take or recall()
    if take is None:
        raise FlInstallError("there is no last take: name a MIDI file, or record one with sideman play --record FILE")
    text = render(take.stem, read_take(take))
    written = []
    for settings in settings_folders(target_dir):
        path = settings / FOLDER / SCRIPT_NAME
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode("ascii"))
        except OSError as error:
            raise FlInstallError(f"{path} cannot be written ({error.strerror}): look at its permissions") from error
        written.append(path)
    return written


def read_take(path: Path) -> TakeNotes:
    """Reads the notes of a MIDI file: of its track `Sideman` if there is one, else of all. FlInstallError."""
    try:
        file = mido.MidiFile(path, clip=True)
    except (OSError, EOFError, ValueError, LookupError, TypeError, mido.KeySignatureError) as error:
        reason = getattr(error, "strerror", None) or "it is no MIDI file, or damaged"
        raise FlInstallError(f"{path} cannot be read: {reason}: give a .mid file, or none for the last take") from error
    own = [track for track in file.tracks if track.name == OWN_TRACK]
    notes = sorted(note for track in own or file.tracks for note in _notes(track))
    if not 0 < len(notes) <= MAX_NOTES or file.ticks_per_beat <= 0:
        raise FlInstallError(f"{path} holds {len(notes)} notes: the piano roll takes 1..{MAX_NOTES}")
    events = [event for track in file.tracks for event in _at_ticks(track)]
    signatures = (message for _, message in events if message.type == "time_signature")
    bars = (file.ticks_per_beat * 4 * message.numerator // message.denominator for message in signatures)
    markers = sorted((tick, _unicode(message.text)) for tick, message in events if message.type == "marker")
    return TakeNotes(file.ticks_per_beat, max(next(bars, file.ticks_per_beat * 4), 1), notes, markers)


def render(title: str, take: TakeNotes) -> str:
    """Returns the script's text: ASCII, for Python 3.9 without a standard library."""
    return _TEMPLATE.format(
        title=_printable(title),
        ticks_per_beat=take.ticks_per_beat,
        bar_ticks=take.bar_ticks,
        count=len(take.notes),
        notes="".join(f"    {note},\n" for note in take.notes),
        markers="".join(f"    ({tick}, {_printable(text)!a}),\n" for tick, text in take.markers),
    )


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:80]


def _unicode(text: str) -> str:
    """Decodes a text that mido read as Latin-1: ours and most others' are UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _at_ticks(track: mido.MidiTrack) -> Iterator[tuple[int, mido.Message | mido.MetaMessage]]:
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def _notes(track: mido.MidiTrack) -> Iterator[tuple[int, int, int, int]]:
    """Returns the notes of a track. A note ends with its NOTE_OFF, the next strike of its key, or the track."""
    sounding: dict[tuple[int, int], tuple[int, int]] = {}
    tick = 0
    for tick, message in _at_ticks(track):
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if key in sounding:
            start, velocity = sounding.pop(key)
            yield start, max(1, tick - start), message.note, velocity
        if message.type == "note_on" and message.velocity:
            sounding[key] = (tick, message.velocity)
    for (_, note), (start, velocity) in sounding.items():
        yield start, max(1, tick - start), note, velocity
