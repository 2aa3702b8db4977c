"""Keeps what earlier runs have read in DATA.work beside DATA, so that a run reads only what has changed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import uuid
from collections.abc import Container
from pathlib import Path

from engine.data.reading.corpus import Tracks, sidecars
from engine.data.reading.entry import Entry
from engine.errors import SidemanError

__all__ = ["Cache", "content_hash", "entry_key", "reading_code"]

MARK = "made by sideman prepare"  # a file of this name: the folder is ours
MARK_TEXT = "What `sideman prepare` has read, so that the next run reads only what has changed. May be deleted.\n"
BLOCK = 1 << 20

# What turns a file into an entry; a change of anything else costs nobody a new reading.
_CODE = (
    "engine/midi_io", "engine/chords", "engine/notes.py", "engine/metre.py", "engine/tokens.py", "engine/vocabulary.py",
    "engine/beats/map_phase.py", "engine/beats/phase.py", "engine/beats/salience.py", "engine/beats/tracking.py",
    "engine/model/chord_memory.py", "engine/data/shards/shards.py", "engine/data/reading/corpus.py",
    "engine/data/reading/entry.py", "engine/data/reading/works.py", "native",
)  # fmt: skip


class Cache:
    """Entries by key, one file each. Several processes may use one folder."""

    def __init__(self, folder: Path) -> None:
        """SidemanError if there is something else in the folder, or it cannot be made."""
        self.folder = folder
        try:
            if folder.exists() and not (folder / MARK).is_file() and any(folder.iterdir()):
                raise SidemanError(f"{folder}: is in the way and not ours: give another folder with -o, or move it")
            self.is_new = not folder.exists()
            folder.mkdir(exist_ok=True)
            (folder / MARK).write_text(MARK_TEXT, encoding="utf-8")
        except OSError as error:
            raise SidemanError(f"{folder}: cannot be written ({error.strerror}): choose another place") from None

    def get(self, key: str) -> Entry | None:
        """Returns the entry, or None if there is none or a crash has torn it."""
        try:
            return Entry.unpack(self._place(key).read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Keeps a packed entry. SidemanError if the disk is full."""
        place = self._place(key)
        beside = place.with_name(f".{uuid.uuid4().hex}")
        try:
            place.parent.mkdir(exist_ok=True)
            beside.write_bytes(data)
            os.replace(beside, place)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise SidemanError(f"{self.folder}: cannot be written ({error.strerror}): make room for it") from None

    def keep_only(self, keys: Container[str]) -> None:
        """Forgets all other entries."""
        for folder in self.folder.iterdir():
            if folder.is_dir():
                for file in folder.iterdir():
                    if file.name not in keys:
                        file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Deletes the whole cache."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_if_unused(self) -> None:
        """Deletes the cache if this run made it and kept nothing."""
        if self.is_new and not any(place.is_dir() for place in self.folder.iterdir()):
            self.remove()

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / key


def content_hash(path: Path) -> str:
    """sha256 of a file's bytes. OSError if it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def entry_key(path: Path, sha256: str, tracks: Tracks, code: str) -> str:
    """Returns a key made of all that an entry depends on: the file, its labels, the settings, the code."""
    labels = [f"{file.suffix if file.stem == path.stem else file.name}={content_hash(file)}" for file in sidecars(path)]
    text = "\n".join([sha256, repr(tracks), code, *labels])
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def reading_code() -> str:
    """A hash of the code that turns files into entries."""
    digest = hashlib.sha256()
    for name in _CODE:
        package, _, inside = name.partition("/")
        spec = importlib.util.find_spec(package)
        for root in map(Path, spec.submodule_search_locations or [] if spec else []):
            place = root / inside
            for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if file.suffix in (".py", ".so", ".pyd") and file.is_file():
                    digest.update(f"{package}/{file.relative_to(root).as_posix()}\0".encode())
                    digest.update(file.read_bytes())
    return digest.hexdigest()
