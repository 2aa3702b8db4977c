"""Sends raw bytes to a real MIDI port, as broken or busy gear would.

    python raw_player.py PORT '[["90 3C 50", 0.0], ...]'          or - for the script on stdin

Each entry: bytes in hexadecimal, and seconds to wait after them. Prints how many were sent.
"""

from __future__ import annotations

import json
import sys
import time

import rtmidi


def main() -> None:
    wanted, script = sys.argv[1], json.loads(sys.stdin.read() if sys.argv[2] == "-" else sys.argv[2])
    out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="Gear")
    out.open_port(next(index for index, name in enumerate(out.get_ports()) if wanted in name), "wire")
    time.sleep(0.2)  # for the connection to be made
    for text, wait_s in script:
        out.send_message(bytes.fromhex(text))
        if wait_s:
            time.sleep(wait_s)
    print(len(script))
    time.sleep(0.2)  # for the last message to leave
    out.close_port()
    out.delete()


if __name__ == "__main__":
    main()
