"""A host's MIDI clock in a process of its own: python clock_sender.py PORT BPM SECONDS.

Ticks leave at their own times, however late the one before was; JACK hands them out once an audio block. A start comes
first, a stop last.
"""

from __future__ import annotations

import sys
import time

import rtmidi


def main() -> None:
    wanted, tempo_bpm, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    out = rtmidi.MidiOut(rtapi=rtmidi.API_UNIX_JACK, name="Host")
    out.open_port(next(index for index, name in enumerate(out.get_ports()) if wanted in name), "clock")
    time.sleep(0.3)  # for the connection to be made
    out.send_message([0xFA])
    start = time.monotonic()
    for tick in range(round(seconds * tempo_bpm / 60 * 24)):
        time.sleep(max(0.0, start + tick * 60 / tempo_bpm / 24 - time.monotonic()))
        out.send_message([0xF8])
    out.send_message([0xFC])
    time.sleep(0.3)  # for the last message to leave
    out.close_port()
    out.delete()


if __name__ == "__main__":
    main()
