"""`sideman` alone: offers the three things that people come for, checks whether they work here, and does them."""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bridge.errors import PortError
from bridge.midi.cables import CABLES, how_to_make, lacking_cables, their_end
from engine.errors import SidemanError
from engine.platform.system import this_system

if TYPE_CHECKING:
    from bridge.midi.system import MidiSystem

__all__ = ["OFFER", "run", "synthesiser_command"]

SOLO: Final = "sideman-solo.mid"
CHART: Final = "Dm7 | G7 | Cmaj7 | Am7"
OFFER: Final = f"""\
Sideman improvises piano over your chords, as MIDI. What would you like?

  1  hear a solo now      sideman generate --chords "{CHART}" --bars 16 -o {SOLO}
  2  play live            sideman play --panel
  3  set up FL Studio     sideman fl install
"""
MORE: Final = "`sideman doctor` measures this machine, `sideman --help` lists all commands."
BUILT_IN_SYNTHESISER: Final = "Microsoft GS Wavetable"  # Windows has it
JOIN_S: Final = 5.0  # until a synthesiser has loaded its sounds
MIDI_DRIVERS: Final = {"ALSA": "alsa_seq", "JACK": "jack", "CoreMIDI": "coremidi", "Windows": "winmidi"}


def run(ask: Callable[[str], str] = input) -> int:
    """Asks what is wanted and does it, or prints what there is where nobody can answer. ask: prompt -> answer."""
    print(OFFER)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(MORE)
        return 0
    answer = _answer(ask, "1, 2 or 3 [1]: ")
    if answer is None:
        return 0
    if answer in ("", "1"):
        return hear()
    if answer == "2":
        return play(ask)
    if answer == "3":
        return set_up_fl(ask)
    print(MORE)
    return 2


def hear() -> int:
    """Makes a solo and has it sound: by FluidSynth, else by whatever opens MIDI files here."""
    from engine.solo import command

    path = Path(SOLO)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    seed = str(random.SystemRandom().randrange(10_000))
    options = ["--chords", CHART, "--bars", "16", "--tempo", "140", "--seed", seed, "-o", str(path)]
    code = command.run(parser.parse_args(options))
    if code:
        return code
    synthesiser = _synthesiser()
    if synthesiser is not None:
        print("it plays now; Ctrl-C ends it")
        program, font = synthesiser
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run([program, "-n", "-i", "-q", font, str(path)], check=False, stdin=subprocess.DEVNULL)
    elif this_system().open_file(path.resolve()):
        print("the program for MIDI files opens it")
    else:
        print(f"to hear it here, install FluidSynth ({this_system().synthesiser_remedy}), or drop it into your DAW")
    return 0


def play(ask: Callable[[str], str]) -> int:
    """Opens ports, a synthesiser if there is one, and the page with a piano on it; all runs until Ctrl-C."""
    from bridge.commands import play as command
    from bridge.midi.system import find_system

    system = find_system()
    options = [*_keyboard(system, ask), *_ports(system)]
    synthesiser = None if "--out" in options else _synthesiser()
    if synthesiser is None and "--out" not in options:
        print("no FluidSynth here: the page in the browser sounds, and any instrument that hears `Sideman Out`")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args([*options, "--panel"])
    with contextlib.ExitStack() as exits:

        def opened() -> None:
            if synthesiser is not None:
                exits.enter_context(_running(synthesiser_command(system, *synthesiser)))
                if system.name == "JACK":
                    _join_on_jack()

        return command.run(args, opened=opened)


def set_up_fl(ask: Callable[[str], str]) -> int:
    """Installs the script, says what is lacking, and leaves `sideman play` running for FL Studio to find."""
    from bridge.commands import fl as command
    from bridge.commands import play as play_command
    from bridge.fl.doctor import examine_ports

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(["install"]))
    findings = examine_ports()
    print("", *findings, sep="\n")
    if any(finding.good is False for finding in findings):
        _answer(ask, "Do that in another window, then press Enter: ")
    parser = argparse.ArgumentParser()
    play_command.add_arguments(parser)
    return play_command.run(parser.parse_args([]))


def synthesiser_command(system: MidiSystem, program: str, font: str) -> list[str]:
    """FluidSynth, so that it plays what comes out of `Sideman Out`."""
    command = [program, "-i", "-s", "-q", "-m", MIDI_DRIVERS[system.name], "-o", "midi.autoconnect=1"]
    if system.name == "JACK":
        command += ["-a", "jack", "-o", "audio.jack.autoconnect=1"]
    if system.name == "Windows":
        end = their_end(CABLES[1], system.input_names())
        command += [] if end is None else ["-o", f"midi.winmidi.device={end}"]
    return [*command, font]


def _answer(ask: Callable[[str], str], prompt: str) -> str | None:
    """What is typed; None for a Ctrl-D."""
    try:
        return ask(prompt).strip()
    except EOFError:
        print()
        return None


def _keyboard(system: MidiSystem, ask: Callable[[str], str]) -> list[str]:
    """The options that name the player's keyboard, where there is one."""
    ours = tuple(name.casefold() for name in CABLES)
    found = [name for name in system.input_names() if not name.casefold().startswith((*ours, "midi through"))]
    if not found:
        return []
    for number, name in enumerate(found, 1):
        print(f"  {number}  {name}")
    answer = _answer(ask, "Your keyboard's number, or Enter for none: ") or ""
    return ["--in", found[int(answer) - 1]] if answer.isdecimal() and 1 <= int(answer) <= len(found) else []


def _ports(system: MidiSystem) -> list[str]:
    """The option that names where the sideman sounds, where programs make no ports; PortError says what to make."""
    if system.has_virtual:
        return []
    outputs = system.output_names()
    lacking = lacking_cables(system.input_names(), outputs)
    built_in = next((name for name in outputs if BUILT_IN_SYNTHESISER in name), None)
    if CABLES[1] in lacking and built_in is not None:
        return ["--out", built_in]
    if CABLES[1] in lacking:
        raise PortError(f"there is no cable {CABLES[1]!r}: {'; '.join(how_to_make(CABLES))}; then `sideman` again")
    return []


def _synthesiser() -> tuple[str, str] | None:
    """FluidSynth and a soundfont; None where either is not here."""
    from engine.output.render import find_soundfont

    program = shutil.which("fluidsynth")
    with contextlib.suppress(SidemanError):
        return None if program is None else (program, str(find_soundfont()))
    return None


def _join_on_jack() -> None:
    """JACK's synthesiser looks for hardware alone: it is joined to our port as soon as it is there."""
    give_up = time.monotonic() + JOIN_S
    ends = (f"{CABLES[1]}:{CABLES[1]}", "fluidsynth-midi:midi_00")
    with contextlib.suppress(OSError):  # without the program the user joins them in a patchbay
        while subprocess.run(["jack_connect", *ends], check=False, capture_output=True).returncode:
            if time.monotonic() > give_up:
                return
            time.sleep(0.1)


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[None]:
    """A program beside ours, as long as ours runs."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        **this_system().child_options(),
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
