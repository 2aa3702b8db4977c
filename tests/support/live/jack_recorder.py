"""Records one JACK audio port to a WAV file: python jack_recorder.py PORT FILE SECONDS."""

from __future__ import annotations

import queue
import sys
import time
import wave

import jack
import numpy as np


def main() -> None:
    source, path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    client = jack.Client("Ears", no_start_server=True)
    port = client.inports.register("in")
    rate_hz = client.samplerate
    blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    client.set_process_callback(lambda frames: blocks.put(bytes(port.get_buffer())))
    with client:
        client.connect(source, port)
        time.sleep(seconds)
    samples = np.concatenate([np.frombuffer(blocks.get(), dtype=np.float32) for _ in range(blocks.qsize())])
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())


if __name__ == "__main__":
    main()
