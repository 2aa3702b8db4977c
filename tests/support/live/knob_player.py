"""A hardware controller in a process of its own: python knob_player.py PORT '[[176, 74, 10], ...]', 20 ms apart."""

from __future__ import annotations

import json
import sys
import time

import rtmidi


def main() -> None:
    wanted, messages = sys.argv[1], json.loads(sys.argv[2])
    out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="Knobs")
    names = out.get_ports()
    out.open_port(next(index for index, name in enumerate(names) if wanted in name), "knobs")
    time.sleep(0.2)  # for the connection to be made
    for message in messages:
        out.send_message(message)
        time.sleep(0.02)
    time.sleep(0.2)  # for the last message to leave
    out.close_port()
    out.delete()


if __name__ == "__main__":
    main()
