"""Records what is played, in and out, as a MIDI file.

While the music plays, entries go to a journal beside the file; at the end the file is made of it. A process that was
killed leaves its journal, of which the next `--record` of the same path, or `sideman recover`, makes the file.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from bridge.errors import BridgeError
from bridge.live.playing.observer import Observer
from bridge.recording.journal import Journal, in_use, read_entries
from bridge.recording.take_file import BEAT, IN, MARK, OUT, REST, START, write_take
from engine.errors import SidemanError
from engine.metre import Metre

__all__ = ["VERSION", "Take", "TakeEntries", "journal_of", "recover"]

VERSION = 1
JOURNAL_HEADS = (b"", b"[", b"\0")  # nothing was written, an entry, or what a crash of the machine left of one


class TakeEntries(Observer):
    """Turns what a session does into entries of a take."""

    def __init__(self, add: Callable[..., None]) -> None:
        """add(kind, field...): takes one entry; see bridge/recording/take_file.py."""
        self._add = add

    def heard(self, time_us: int, message: bytes) -> None:
        """Takes one message of the player."""
        self._add(IN, time_us, message)

    def note_out(self, time_us: int, message: bytes) -> None:
        """Takes one message of the sideman."""
        self._add(OUT, time_us, message)

    def marked(self, time_us: int, text: str) -> None:
        """Takes a marker, such as a chord's name."""
        self._add(MARK, time_us, text)

    def beat(self, time_us: int, tempo_bpm: float, bar_us: int, metre: Metre) -> None:
        """Takes a tempo from here on, and where a bar line of it lies."""
        self._add(BEAT, time_us, tempo_bpm, bar_us, metre.beats, str(metre))

    def rested(self, time_us: int) -> None:
        """Takes that there is no beat from here on."""
        self._add(REST, time_us)


class Take(TakeEntries):
    """A recording under way. Its methods never wait; save is for the main thread, once the others are done."""

    def __init__(
        self, path: Path, start_us: int, tempo_bpm: float | None = None, on_trouble: Callable[[str], None] = print
    ) -> None:
        """start_us: the moment that becomes the file's start. BridgeError where nothing can be written there.

        on_trouble(text): called once on the journal's thread, if the disk refuses while the music plays.
        """
        if not os.path.isdir(path.parent):
            raise BridgeError(f"--record {path}: the folder {path.parent} does not exist: make it first")
        if os.path.isdir(path) or not os.access(path.parent, os.W_OK):
            raise BridgeError(f"--record {path}: no file can be written there: choose another place")
        self.recovered = recover(path, keep_clear=True)  # before the journal begins anew
        self._path = path
        self._journal = Journal(journal_of(path), on_trouble)
        super().__init__(self._journal.add)
        self._journal.add(START, VERSION, start_us, tempo_bpm)

    def discard(self) -> None:
        """Deletes the journal: nothing was played."""
        self._journal.close()
        journal_of(self._path).unlink(missing_ok=True)

    def save(self) -> int:
        """Makes the file; returns the number of messages in it. BridgeError if the disk refuses: the journal stays."""
        self._journal.close()
        journal = journal_of(self._path)
        try:
            count = write_take(self._path, read_entries(journal, self._journal.unwritten))
        except (SidemanError, OSError) as error:
            kept = "it lacks what the full disk did not take; " if self._journal.unwritten else ""
            raise BridgeError(
                f"--record {error}: {kept}{journal.name} beside it keeps the take: make room, then "
                f"`sideman recover {self._path}`"
            ) from error
        journal.unlink(missing_ok=True)
        return count


def journal_of(path: Path) -> Path:
    """Returns the path of the journal of the take that becomes `path`."""
    return path.with_name(path.name + ".journal")


def recover(path: Path, *, keep_clear: bool = False) -> tuple[Path, int] | None:
    """Makes the file of what a killed process has left; returns file and number of messages, None if nothing is left.

    The file is `path`, or take-recovered.mid beside it where there is a take.mid already, or shall be one
    (keep_clear). BridgeError: the take is under way, or what bears the journal's name is none. SidemanError: the disk
    refuses.
    """
    journal = journal_of(path)
    try:
        if not journal.is_file():
            return None
        if in_use(journal):
            raise BridgeError(f"{path} is being recorded by another sideman: choose another file, or end that one")
        with journal.open("rb") as file:
            if file.read(1) not in JOURNAL_HEADS:
                raise BridgeError(f"{journal} is no take's journal: rename it, or choose another file for the take")
        target, number = path, 1
        while target.exists() or (keep_clear and target == path):
            suffix = "-recovered" if number == 1 else f"-recovered-{number}"
            target, number = path.with_name(f"{path.stem}{suffix}{path.suffix}"), number + 1
        count = write_take(target, read_entries(journal))
        journal.unlink()
    except OSError as error:
        remedy = "choose a shorter one" if error.errno == errno.ENAMETOOLONG else "look at its permissions"
        raise BridgeError(f"{journal} cannot be read ({error.strerror}): {remedy}") from error
    return target, count
