"""What `sideman play` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.controllers.map import CcMap
from bridge.live.options import SessionOptions
from engine.chords import Chart
from osc_protocol.table.parameters import Setting

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The options of the command line, checked."""

    input: str | None  # an existing port; None for the virtual one
    output: str | None
    control_input: str | None  # both or neither
    control_output: str | None
    osc_port: int
    values: tuple[Setting, ...]  # parameters given on the command line
    chart: Chart | None  # None: follow the keys
    session: SessionOptions
    record: Path | None
    cc_map: CcMap
    feedback: str | None = None  # an existing port with motor faders on it
    mode: str = "follow"
    osc_host: str = "127.0.0.1"  # the IPv4 address that OSC and OSCQuery are bound to
    captures: Path | None = None  # folder of what /sideman/capture writes; None: the user's own
    log: Path | None = None  # of the session, to be played again
    checkpoint: Path | None = None  # None: the shipped base
    device: str = "auto"
    in_channel: int | None = None  # 0..15, on which the player is heard; None: on all
    echo_channel: int | None = None  # 0..15, on which the player's own notes are passed through; None: nowhere
    chart_text: str = ""  # as it was given
    panel: bool = False  # serve the page
    browser: bool = False  # and open it
    oscquery_port: int | None = None  # TCP; None: the number of the OSC port; 0: none
