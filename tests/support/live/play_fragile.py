"""`sideman play` on a double that fails where it is told to: python play_fragile.py [options of sideman play].

The decoder fails once after /sideman/seed 666 and hangs for four seconds after 667, the OSC server fails at every
/sideman/break, the controllers' thread at every position 66.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from bridge import cli
from bridge.commands import play as play_command
from bridge.controllers.decoder import CcDecoder
from engine.notes import NoteEvent
from osc_protocol.server.udp import UdpPort
from tests.support.live.fake_session import FakeSession


class Fragile(FakeSession):
    """Fails or hangs once."""

    failed = False

    def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
        if self.seed == 666 and not Fragile.failed and self.time_s > 0.5:
            Fragile.failed = True
            raise RuntimeError("decoder lost")
        if self.seed == 667 and not Fragile.failed and self.time_s > 1.5 and self.sounding():
            Fragile.failed = True
            time.sleep(4.0)
        return super().generate(until_s, to_strike)


def main() -> int:
    run = play_command.run
    play_command.run = lambda args: run(args, lambda checkpoint, device: Fragile)  # type: ignore[assignment,misc]
    open_port = UdpPort.__init__

    def fragile(self: UdpPort, host: str, port: int, on_packet: Any, *more: Any, **named: Any) -> None:
        def take(packet: bytes, sender: Any) -> None:
            if packet.startswith(b"/sideman/break"):
                raise RuntimeError("OSC lost")
            on_packet(packet, sender)

        open_port(self, host, port, take, *more, **named)

    UdpPort.__init__ = fragile  # type: ignore[method-assign]
    turn = CcDecoder.take

    def turn_or_fail(self: CcDecoder, message: bytes, time_s: float = 0.0) -> Any:
        if message[2] == 66:
            raise RuntimeError("knob lost")
        return turn(self, message, time_s)

    CcDecoder.take = turn_or_fail  # type: ignore[method-assign]
    return cli.main(["play", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
