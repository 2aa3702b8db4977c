"""Finds ports and cables between programs: the port that a name means, our end of a cable, how a cable is made.

Where programs cannot make MIDI ports, as on Windows, the user makes cables. loopMIDI's have one name at both ends.
Windows MIDI Services make pairs: what goes into `Sideman In (A)`, the other program's end, comes out of `Sideman In
(B)`, which is ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bridge.errors import PortError
from engine.platform.system import this_system

__all__ = [
    "CABLES",
    "find_again",
    "find_named",
    "how_to_make",
    "lacking_cables",
    "name_of_several",
    "our_end",
    "their_end",
    "told_apart",
]

CABLES: Final = ("Sideman In", "Sideman Out", "Sideman Control")
"""The cables that other programs play to, listen to, and use for FL Studio's script."""

_OURS, _THEIRS = "{} (B)", "{} (A)"
_NUMBERS: Final = re.compile(r"\s+\d+(:\d+)?$")  # "Piano:Piano MIDI 1 24:0" of ALSA, "Piano 2" of Windows
_ONE_OF_SEVERAL: Final = re.compile(r" \(\d+\)$")
_LOOPMIDI: Final = "https://www.tobias-erichsen.de/software/loopmidi.html"
_NONE: Final = {  # where no port exists at all
    "Windows": "none; `sideman doctor` says how a cable is made here",
    "CoreMIDI": "none; the IAC driver makes a cable: Audio MIDI Setup, MIDI Studio, 'Device is online'",
    "ALSA": "none; plug one in, or start the program that has it",
    "JACK": "none; start the program that has it (`a2jmidid -e` shows JACK the hardware's)",
}


def how_to_make(cables: Sequence[str]) -> list[str]:
    """Returns lines that say what to type or click to make these cables on Windows, its own way first."""
    services = this_system().midi_services()
    if services == "console":
        return [f'midi loopback create --root-name "{name}"' for name in cables]
    names = ", ".join(cables)
    if services == "service":
        return [
            "winget install Microsoft.WindowsMIDIServicesSDK",
            f"then open MIDI Settings, Loopback, and create a pair for each of: {names}",
        ]
    return [f"install loopMIDI from {_LOOPMIDI}", f"type each of these names there and press +: {names}"]


def our_end(cable: str, names: Sequence[str]) -> str | None:
    """Returns the port that is our end of a cable; None if there is no such cable."""
    return find_again(_OURS.format(cable), names) or find_again(cable, names)


def their_end(cable: str, names: Sequence[str]) -> str | None:
    """Returns the port that is the other program's end of a cable; None if there is no such cable."""
    return find_again(_THEIRS.format(cable), names) or find_again(cable, names)


def lacking_cables(inputs: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """Returns those of our cables that are missing among the names of all ports."""
    return [name for name in CABLES if our_end(name, inputs) is None or our_end(name, outputs) is None]


def find_named(wanted: str, names: Sequence[str], option: str, direction: str, system: str) -> str:
    """Returns the port of that whole name, else the one whose name contains the text in any case.

    PortError, listing those there are, where it is none or several. option: what the name was given with; direction:
    input or output; system: the MIDI system's name.
    """
    if wanted in names:
        return wanted
    hits = [name for name in names if wanted.casefold() in name.casefold()]
    if len(hits) == 1:
        return hits[0]
    if len(hits) > 1:
        meant = ", ".join(map(repr, hits))
        raise PortError(f"{option} {wanted!r} could mean {meant}: give more of the name")
    there = ", ".join(repr(name) for name in names) if names else _NONE[system]
    raise PortError(f"there is no MIDI {direction} port {wanted!r} for {option}: those there are {there}")


def told_apart(names: Sequence[str]) -> list[str]:
    """The names that the user is shown and gives: of several ports of one name, `Keys (1)` and `Keys (2)`.

    As CoreMIDI shows two keyboards of one make. They are counted in the system's order.
    """
    counts, seen = Counter(names), Counter[str]()
    shown = []
    for name in names:
        seen[name] += 1
        shown.append(name if counts[name] == 1 else f"{name} ({seen[name]})")
    return shown


def name_of_several(shown: str) -> str:
    """`Keys (2)` -> `Keys`; any other name stays as it is."""
    return _ONE_OF_SEVERAL.sub("", shown)


def find_again(wanted: str, names: Sequence[str]) -> str | None:
    """Returns the port of that name, even if the system numbers it anew each time it is plugged in."""
    if wanted in names:
        return wanted
    hits = [name for name in names if _NUMBERS.sub("", name) == _NUMBERS.sub("", wanted)]
    return hits[0] if len(hits) == 1 else None
