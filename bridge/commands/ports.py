"""`sideman ports`: the MIDI ports that --in and --out can name."""

from __future__ import annotations

import argparse
import json

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the MIDI system and its ports. PortError where there is no MIDI system."""
    from bridge.midi.cables import lacking_cables
    from bridge.midi.system import find_system

    system = find_system()
    inputs, outputs = system.input_names(), system.output_names()
    if args.json:
        print(json.dumps({"system": system.name, "virtual": system.has_virtual, "inputs": inputs, "outputs": outputs}))
        return 0
    if system.has_virtual:
        own = "`sideman play` makes its own: Sideman In, Sideman Out"
    else:
        lacking = lacking_cables(inputs, outputs)
        own = f"no virtual ports, and no cable {', '.join(lacking)}" if lacking else "`sideman play` uses its cables"
    print(f"{system.name} ({own})")
    for option, names in (("--in ", inputs), ("--out", outputs)):
        print(f"{option}  " + ("\n       ".join(names) if names else "none"))
    return 0
