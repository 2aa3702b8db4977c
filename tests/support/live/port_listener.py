"""Writes down what comes out of a real MIDI port, in a process of its own.

    python port_listener.py PORT [virtual]

PORT is an existing one, or with `virtual` one that it opens for others.
Prints `ready`, then one JSON line for each message: [monotonic us, status, data1, data2]. Ends when stdin does.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from typing import Any

import rtmidi


def main() -> None:
    heard: queue.SimpleQueue[list[int]] = queue.SimpleQueue()

    def hear(event: tuple[list[int], float], _: Any) -> None:
        heard.put([time.monotonic_ns() // 1000, *event[0]])

    source = rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK, name="Listener")
    source.set_callback(hear)
    if sys.argv[2:] == ["virtual"]:
        source.open_virtual_port(sys.argv[1])
    else:
        names = source.get_ports()
        source.open_port(next(index for index, name in enumerate(names) if sys.argv[1] in name), "ears")
    print("ready", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), heard.put([])), daemon=True).start()
    while message := heard.get():
        print(json.dumps(message), flush=True)
    source.cancel_callback()
    time.sleep(0.01)
    source.close_port()  # a client that dies without goodbye stalls jackd -S, and everyone with it, for seconds
    source.delete()


if __name__ == "__main__":
    main()
