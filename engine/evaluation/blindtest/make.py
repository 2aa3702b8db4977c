"""A blind test from its contestants to the page: everybody plays everywhere, pairs are drawn, the key is sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.atomic import check_folder
from engine.evaluation.blindtest.contestants import Contestant, place_name
from engine.evaluation.blindtest.page import write_page
from engine.evaluation.blindtest.pairing import make_pairs
from engine.evaluation.blindtest.places import LEAD_S, ChartPlace, Place
from engine.evaluation.blindtest.sealed import Key, write_key
from engine.evaluation.blindtest.sound import encoded, mime_type, rendered
from engine.metre import COMMON, Metre
from engine.midi_io.write import write_midi
from engine.notes import Notes, make_notes

__all__ = ["Made", "key_path", "make_test", "write_leads"]

TITLE = "Blind test: piano"
_LEAD_TEMPO_BPM = 120.0

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Made:
    """What was written: the page's size, its clips, and the key's hash."""

    page_bytes: int
    clips: int
    sealed: str


def key_path(page: Path) -> Path:
    """Returns where a page's key lies: test.html has test.key.json beside it."""
    return page.with_name(f"{page.stem}.key.json")


def make_test(
    page: Path,
    contestants: Sequence[Contestant],
    places: Sequence[Place],
    pairs: int,
    seed: int,
    progress: Progress = lambda what, done, total: None,
) -> Made:
    """Writes the page, and its key beside it. progress is told what is done, how many, and of how many.

    SidemanError: a contestant cannot play there, the sound cannot be made, or a file cannot be written.
    """
    clips: list[list[Notes]] = []
    total = len(places) * len(contestants)
    for number, place in enumerate(places):
        row = []
        for turn, contestant in enumerate(contestants):
            own_seed = int(np.random.default_rng([seed, number, turn]).integers(2**63))
            row.append(contestant.play(place, number, own_seed))
            progress("clips played", number * len(contestants) + turn + 1, total)
        clips.append(row)
        if number == 0:  # what the sound needs and lacks is said now, not after all have played everywhere
            rendered([(row[0], place.length_s)])
    drawn = make_pairs(len(contestants), len(places), pairs, seed)
    heard = sorted({(pair.place, side) for pair in drawn for side in (pair.a, pair.b)})
    sounds = rendered(
        [(clips[place][who], places[place].length_s) for place, who in heard],
        lambda done: progress("clips rendered", done, len(heard)),
    )
    files = {at: encoded(sound) for at, sound in zip(heard, sounds, strict=True)}
    key = Key(
        tuple(contestant.name for contestant in contestants),
        tuple(contestant.is_real for contestant in contestants),
        tuple(place.work for place in places),
        tuple(place.length_s for place in places),
        tuple(place.about for place in places),
        tuple(drawn),
        clips,
    )
    sealed = write_key(key_path(page), key)
    write_page(page, sealed, [(files[p.place, p.a], files[p.place, p.b]) for p in drawn], mime_type(), TITLE)
    return Made(page.stat().st_size, len(heard), sealed)


def write_leads(folder: Path, places: Sequence[Place]) -> None:
    """Writes place-01.mid ...: what precedes each place, for others to go on from; charts as chord markers alone.

    What they make of it goes into a folder under the same names, its time beginning where the lead ends.
    """
    names = [f"{place_name(number)}.mid" for number in range(len(places))]
    check_folder(folder, names)
    folder.mkdir(exist_ok=True)
    for name, place in zip(names, places, strict=True):
        if isinstance(place, ChartPlace):
            beat_s = 60.0 / place.tempo_bpm
            chords = [(s.start_beat * beat_s, s.chord.label if s.chord else "N.C.") for s in place.chart.spans]
            write_midi(
                folder / name, make_notes([], [], [], []), tempo_bpm=place.tempo_bpm, chords=chords,
                metre=place.chart.metre, length_s=place.length_s,
            )  # fmt: skip
            continue
        lead = place.excerpt.lead.copy()
        lead["onset_s"] += LEAD_S
        lead["offset_s"] += LEAD_S
        meter = place.excerpt.meter
        tempo_bpm, metre = (meter.tempo_bpm, Metre(meter.beats_per_bar)) if meter else (_LEAD_TEMPO_BPM, COMMON)
        chords = [(LEAD_S + at_s, chord.label if chord else "N.C.") for at_s, chord in place.excerpt.chords]
        write_midi(
            folder / name, lead, tempo_bpm=tempo_bpm, metre=metre, chords=chords, length_s=LEAD_S + place.length_s
        )
