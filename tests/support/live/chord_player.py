"""A scripted pianist in a process of its own: plays chords on a real MIDI port.

    python chord_player.py PORT '[[0.0, "on", [50, 53]], [2.0, "off", [50, 53]]]'

Times are seconds from the first event. Prints one JSON line for each, once it is sent: [monotonic us, kind, pitches].
"""

from __future__ import annotations

import json
import sys
import time

import rtmidi


def main() -> None:
    wanted, script = sys.argv[1], json.loads(sys.argv[2])
    out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="Pianist")
    names = out.get_ports()
    out.open_port(next(index for index, name in enumerate(names) if wanted in name), "keys")
    time.sleep(0.2)  # for the connection to be made
    start = time.monotonic()
    for at_s, kind, pitches in script:
        time.sleep(max(0.0, start + at_s - time.monotonic()))
        for pitch in pitches:
            out.send_message([0x90, pitch, 80] if kind == "on" else [0x80, pitch, 0])
        print(json.dumps([time.monotonic_ns() // 1000, kind, pitches]), flush=True)
    time.sleep(0.2)  # for the last message to leave
    out.close_port()  # a client that dies without goodbye stalls jackd -S, and everyone with it, for seconds
    out.delete()


if __name__ == "__main__":
    main()
