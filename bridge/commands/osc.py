"""`sideman osc layout open-stage-control|touchosc -o FILE`: a control surface made from the parameter table."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.atomic import write_whole
from engine.errors import check_range
from osc_protocol.generate import layout_osc, layout_touchosc
from osc_protocol.table.parameters import DEFAULT_PORT

__all__ = ["add_arguments", "run"]

_THEN = {
    "open-stage-control": "load it in Open Stage Control, then press `Show values`",
    "touchosc": "open it in TouchOSC, set its OSC connection to UDP, send port {port}, receive port {feedback}, "
    "then press `Show values`",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("action", choices=("layout",), help="write a control surface")
    parser.add_argument("surface", choices=tuple(_THEN), help="the program that it is for")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where it is written")
    parser.add_argument(
        "--osc-port", type=int, default=DEFAULT_PORT, metavar="N", help="as for sideman play [%(default)s]"
    )
    parser.add_argument(
        "--feedback-port", type=int, metavar="N", help="the UDP port that the surface listens on [8080 or 9000]"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the file and says what to do then. SidemanError for a port that is none, or a file not to be written."""
    is_tosc = args.surface == "touchosc"
    default = layout_touchosc.FEEDBACK_PORT if is_tosc else layout_osc.FEEDBACK_PORT
    feedback = default if args.feedback_port is None else args.feedback_port
    check_range("--osc-port", args.osc_port, 1, 65535)
    check_range("--feedback-port", feedback, 1, 65535)
    if is_tosc:
        content = layout_touchosc.touchosc(feedback)
    else:
        content = layout_osc.open_stage_control(port=args.osc_port, feedback_port=feedback).encode()
    write_whole(args.output, content)
    print(f"wrote {args.output}: {_THEN[args.surface].format(port=args.osc_port, feedback=feedback)}")
    return 0
