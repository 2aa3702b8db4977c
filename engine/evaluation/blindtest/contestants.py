"""Who plays: real performances, a base with or without a style, the 5-gram, or anybody's folder of MIDI files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.data.reading.corpus import one_line
from engine.data.shards.shards import load_shard
from engine.errors import SidemanError
from engine.evaluation.blindtest.places import ChartPlace, Place
from engine.evaluation.continuations import continue_with_model, continue_with_ngrams
from engine.evaluation.excerpts import within
from engine.evaluation.ngram import NgramModel
from engine.midi_io.pedal import as_held
from engine.midi_io.read import read_performance
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.notes import Notes
from engine.solo.improvise import improvise
from engine.tokens import decode_notes, encode_notes
from osc_protocol.table.parameters import settings

__all__ = ["REAL", "Contestant", "enlist", "place_name"]

REAL = "real"
NGRAM = "5-gram"
SIDEMAN = "sideman"
KINDS = f"{REAL}, {SIDEMAN}, {SIDEMAN}:STYLE, {NGRAM}, a base's name such as small, or NAME=FOLDER"
FILES = (".mid", ".midi")

Refused = Callable[[str, str], None]


class Contestant(Protocol):
    """One who plays at a place. name: what tables call it; is_real: whether a person played."""

    @property
    def name(self) -> str: ...

    @property
    def is_real(self) -> bool: ...

    def play(self, place: Place, number: int, seed: int) -> Notes:
        """Returns notes from 0 to the place's length. number: the place's, from 0. The same seed plays the same."""
        ...


@dataclass(frozen=True)
class Real:
    """Plays what was really played at the place."""

    name: str
    is_real: bool = True

    def play(self, place: Place, number: int, seed: int) -> Notes:
        if isinstance(place, ChartPlace):
            raise SidemanError(f"{self.name}: nobody was recorded over that chart: leave --chords or {REAL} out")
        return place.excerpt.notes


@dataclass(frozen=True)
class Sideman:
    """A base, alone or in a style, with every parameter's default."""

    name: str
    checkpoint: Checkpoint
    style: str | None = None
    is_real: bool = False

    def play(self, place: Place, number: int, seed: int) -> Notes:
        if isinstance(place, ChartPlace):
            params = () if self.style is None else settings(style=self.style)
            return improvise(self.checkpoint, place.chart, tempo_bpm=place.tempo_bpm, seed=seed, params=params).notes
        return continue_with_model(self.checkpoint, place.excerpt, seed, style=self.style)


@dataclass(frozen=True)
class Ngram:
    """The 5-gram over the training tokens: it knows neither chords nor beat."""

    name: str
    model: NgramModel
    is_real: bool = False

    def play(self, place: Place, number: int, seed: int) -> Notes:
        if isinstance(place, ChartPlace):
            raise SidemanError(f"{self.name}: a 5-gram knows no chords: leave --chords or {NGRAM} out")
        return continue_with_ngrams(self.model, place.excerpt, seed)


@dataclass(frozen=True)
class FolderOf:
    """Somebody's MIDI files: the one named after the place (place-01.mid, its music from 0), else a stretch of any.

    Files that cannot be read are passed over; refused is told the name of each, and why. The pedal holds its notes and
    they pass through the same grid as everybody's, so that no clip is known by either.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]
    is_real: bool = False
    refused: Refused = lambda name, reason: None
    unreadable: dict[Path, str] = field(default_factory=dict, compare=False)

    def play(self, place: Place, number: int, seed: int) -> Notes:
        named = [path for path in self.files if path.stem == place_name(number)]
        turn = number % len(self.files)
        ids, begin_s = encode_notes(self._first_of(named[:1] or [*self.files[turn:], *self.files[:turn]]))
        notes = decode_notes(ids)
        end_s = float(notes["offset_s"].max()) if len(notes) else 0.0
        room_s = max(0.0, end_s - place.length_s)
        start_s = -begin_s if named else float(np.random.default_rng([seed, number]).uniform(0.0, room_s))
        return within(notes, start_s, start_s + place.length_s)

    def _first_of(self, paths: Sequence[Path]) -> Notes:
        """Reads the first of the files that can be read. SidemanError: none can."""
        for path in paths:
            if path in self.unreadable:
                continue
            try:
                return as_held(read_performance(path)).notes
            except SidemanError as error:
                self.unreadable[path] = str(error)
                self.refused(one_line(path.relative_to(self.folder)), str(error).removeprefix(f"{path}: "))
        raise SidemanError(f"{self.name}: no file can be read ({self.unreadable[paths[0]]}): leave it out")


def place_name(number: int) -> str:
    """Returns the name of a folder's file for a place."""
    return f"place-{number + 1:02d}"


def enlist(specs: Sequence[str], data: Path | None, refused: Refused = lambda name, reason: None) -> list[Contestant]:
    """Makes a contestant of each text: one of KINDS, with `NAME=` before it where it is to have another name.

    refused: is told, when it comes to it, the name of each file of a folder that cannot be played, and why.
    SidemanError: an unknown one, two of one name, a folder without MIDI files, or a 5-gram without training tokens.
    """
    contestants = [_one(spec, data, refused) for spec in specs]
    names = [contestant.name for contestant in contestants]
    for name in names:
        if names.count(name) > 1:
            raise SidemanError(f"two contestants are called {name}: name one of them, as in other={name}")
    if len(names) < 2:
        raise SidemanError(f"a pair needs two contestants, given {', '.join(names) or 'none'}: {KINDS}")
    return contestants


def _one(spec: str, data: Path | None, refused: Refused) -> Contestant:
    name, equals, what = spec.partition("=")
    what = what if equals else spec
    if not name.strip() or not what:
        raise SidemanError(f"contestant {spec!r}: give {KINDS}")
    folder = Path(os.path.expanduser(what))
    if what == REAL:
        return Real(name)
    if what == NGRAM:
        if data is None:
            raise SidemanError(f"{NGRAM}: counts the training tokens of prepared data: give --data, or leave it out")
        train = load_shard(data / "train.safetensors")
        return Ngram(name, NgramModel([piece.tokens for piece in train.pieces]))
    kind, colon, style = what.partition(":")
    if kind == SIDEMAN:
        return Sideman(name, load_checkpoint(None), style if colon else None)
    if folder.is_dir() and not (folder / "config.yaml").is_file():
        files = tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() in FILES))
        if not files:
            raise SidemanError(f"contestant {spec!r}: {folder} holds no .mid file: give a folder of MIDI files")
        return FolderOf(name if equals else folder.name, folder, files, refused=refused)
    try:
        return Sideman(name if equals else folder.name, load_checkpoint(folder))
    except SidemanError as error:
        raise SidemanError(f"contestant {spec!r}: no base and no folder ({error}): give {KINDS}") from None
