"""Sends MIDI messages at given times: python live_pianist.py PORT '[[0.2, [[176, 25, 72], ...]], ...]'.

Prints, for each entry, the monotonic microsecond before its first message was sent.
"""

from __future__ import annotations

import json
import sys
import time

import rtmidi


def main() -> None:
    """Plays the script."""
    wanted, script = sys.argv[1], json.loads(sys.argv[2])
    out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="Knobs")
    out.open_port(next(index for index, name in enumerate(out.get_ports()) if wanted in name), "knobs")
    time.sleep(0.2)  # for the connection to be made
    start = time.monotonic()
    for at_s, messages in script:
        time.sleep(max(0.0, start + at_s - time.monotonic()))
        print(time.monotonic_ns() // 1000, flush=True)
        for message in messages:
            out.send_message(message)
    time.sleep(0.2)  # for the last message to leave
    out.close_port()
    out.delete()


if __name__ == "__main__":
    main()
