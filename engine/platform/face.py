"""The face of an operating system: what the rest of Sideman may ask of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

__all__ = ["FolderKind", "MidiServices", "Priority", "System"]

Priority = Literal["deadline", "session"]
"""deadline: sleeps but for a few microseconds a note. session: computes for milliseconds, so it must leave room."""

FolderKind = Literal["config", "data"]
"""config: what the user edits. data: what Sideman keeps for the user."""

MidiServices = Literal["console", "service", "none"]
"""Windows MIDI Services here: with the `midi` command, without it, or not at all (older Windows, other systems)."""


class System(Protocol):
    """What an operating system answers. Nothing here raises, except where a method says so."""

    @property
    def name(self) -> str:
        """`Windows`, `macOS` or `Linux` (which stands for every other Unix as well)."""

    @property
    def priority_remedy(self) -> str:
        """What a user can do where real-time priority is refused."""

    @property
    def soundfont_folders(self) -> tuple[str, ...]:
        """Folders in which soundfonts are installed; `~` is the user's home."""

    @property
    def synthesiser_remedy(self) -> str:
        """How FluidSynth and a soundfont are installed."""

    @property
    def plugin_is_bundle(self) -> bool:
        """Whether hosts take a plug-in for a folder with a program in it."""

    def plugin_folder(self) -> Path:
        """Where hosts look for a user's own CLAP plug-ins. It need not exist yet."""

    def has_screen(self) -> bool:
        """Whether a window, such as a browser's, can be shown."""

    def open_file(self, path: Path) -> bool:
        """Has the user's own program open a file; False where there is none to be had."""

    def user_folder(self, kind: FolderKind) -> Path:
        """The folder of the user's own Sideman files. It need not exist yet."""

    def documents(self) -> Iterator[Path]:
        """Where the user's documents may lie, the likeliest first. The folders need not exist."""

    def registry_text(self, key: str, name: str) -> str | None:
        """A text of the user's registry with its variables filled in; None where there is none."""

    def midi_services(self) -> MidiServices:
        """Whether Windows MIDI Services can make a cable here."""

    def long_path(self, path: Path) -> Path:
        """The same path in a form that the system takes at any length."""

    def replace(self, source: Path, target: Path) -> None:
        """Renames a file or folder over a file, or to a name that is free. OSError where it cannot be done."""

    def swap(self, one: Path, other: Path) -> bool:
        """Swaps two names in one step; False where the system or the file system has no such call."""

    def lock(self, file: int) -> bool:
        """Locks an open file for this process until the file is closed; False if another process holds it."""

    def child_options(self) -> dict[str, Any]:
        """Arguments for subprocess.Popen by which a child is spared the Ctrl-C that is meant for its parent."""

    def processor_s(self, pid: int) -> float | None:
        """Processor seconds that a child has used; None where the system does not say, or the child has ended."""

    def bound_memory(self, limit_bytes: int) -> None:
        """From now on this process gets a MemoryError beyond so much data, where the system can do that."""

    def slept_us(self) -> int:
        """Microseconds that the machine has slept since it started, as far as the monotonic clock leaves them out."""

    def raise_priority(self, priority: Priority) -> bool:
        """Whether the calling thread has real-time priority from now on."""
