"""Renders a MIDI file to a WAV file, through the FluidSynth program and a soundfont."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from engine.atomic import atomic_write
from engine.errors import MidiFileError, SidemanError
from engine.platform.system import this_system

__all__ = ["find_soundfont", "find_synthesiser", "render_wav"]

SAMPLE_RATE_HZ = 44_100
_GAIN = 0.6  # a full ten-note chord at velocity 127 stays below clipping
_TIMEOUT_S = 1800

_PREFERRED = ("default", "fluidr3", "generaluser", "musescore", "timgm")  # a better piano first; else by name

_COMPLAINTS = ("error:", "failed to load", "not a soundfont")


def find_soundfont() -> Path:
    """Returns the soundfont to play with: $SIDEMAN_SOUNDFONT, else the best one in the system's usual folders.

    SidemanError: there is none, or the variable names a file that does not exist.
    """
    named = os.environ.get("SIDEMAN_SOUNDFONT")
    if named:
        font = Path(os.path.expanduser(named))  # Path.expanduser raises for a user that the system does not know
        if not font.is_file():
            raise SidemanError(f"SIDEMAN_SOUNDFONT: {font} is no file: set it to a .sf2 or .sf3 soundfont")
        if not _starts_with(font, b"RIFF....sfbk"):
            raise SidemanError(f"SIDEMAN_SOUNDFONT: {font} is no soundfont: set it to a .sf2 or .sf3 file")
        return font
    fonts = [
        font
        for folder in this_system().soundfont_folders
        for font in sorted(Path(os.path.expanduser(folder)).glob("*"))
        if font.suffix.lower() in (".sf2", ".sf3") and font.is_file()
    ]
    if not fonts:
        remedy = this_system().synthesiser_remedy
        raise SidemanError(f"no soundfont found: install one ({remedy}) or set SIDEMAN_SOUNDFONT to a .sf2 file")
    return min(fonts, key=_rank)


def find_synthesiser() -> tuple[str, Path]:
    """Returns FluidSynth's program and the soundfont to play with. SidemanError: one of them is missing."""
    program = shutil.which("fluidsynth")
    if program is None:
        raise SidemanError(f"a WAV file needs the FluidSynth program: install it ({this_system().synthesiser_remedy})")
    return program, find_soundfont()


def render_wav(midi_path: str | Path, wav_path: str | Path) -> None:
    """Plays a MIDI file into a 16-bit stereo WAV file of 44.1 kHz. The file appears whole or not at all.

    MidiFileError: no such MIDI file. SidemanError: no FluidSynth, no soundfont, or FluidSynth failed (its own words).
    """
    if not Path(midi_path).is_file():
        raise MidiFileError(f"{midi_path}: no such file: check the path")
    if not _starts_with(Path(midi_path), b"MThd"):
        raise MidiFileError(f"{midi_path}: not a MIDI file (no MThd header): give a .mid file")
    program, font = find_synthesiser()
    with atomic_write(wav_path) as beside:
        command = [
            program, "-n", "-i", "-q", "-g", str(_GAIN), "-r", str(SAMPLE_RATE_HZ), "-O", "s16", "-T", "wav",
            "-F", str(beside), str(font.resolve()), str(Path(midi_path).resolve()),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise SidemanError(
                f"{midi_path}: FluidSynth took more than {_TIMEOUT_S} s: render a shorter file"
            ) from None
        words = b" ".join(done.stderr.split()).decode(errors="replace")
        # It exits with 0 even when it could not load the file or the font (and plays its own): only its words tell.
        complained = any(sign in words.lower() for sign in _COMPLAINTS)
        if done.returncode != 0 or complained or not beside.is_file() or beside.stat().st_size <= 44:
            reason = words[-300:] or f"exit status {done.returncode}"
            raise SidemanError(
                f"{midi_path}: FluidSynth could not play it with {font} ({reason}): try another soundfont"
            )


def _starts_with(path: Path, magic: bytes) -> bool:
    """Whether the file begins with these bytes; a dot stands for any."""
    with path.open("rb") as file:
        head = file.read(len(magic))
    return len(head) == len(magic) and all(want in (have, ord(".")) for have, want in zip(head, magic, strict=True))


def _rank(font: Path) -> tuple[int, str]:
    name = font.name.lower()
    place = next((i for i, start in enumerate(_PREFERRED) if name.startswith(start)), len(_PREFERRED))
    return place, name
