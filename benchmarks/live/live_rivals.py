"""Other programs that play over a JACK port, as bench_live.py times them. It starts them: this needs no Sideman.

    python live_rivals.py mido SECONDS        mido.MidiFile.play(), twenty messages a second
    python live_rivals.py notochord SECONDS   Notochord feeding itself, its events a tenth of a second apart

Prints one JSON line: how late each message was sent, in milliseconds. Notochord has random weights at its default size:
its costs are a trained one's, its music is noise. It is given the time of each event, so that noise cannot make it
dense; otherwise it plays as its own apps do: send what is due, feed it, sample the next event, wait.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["MIDO_BACKEND"] = "mido.backends.rtmidi/UNIX_JACK"

import mido

EVENT_S = 0.1


def mido_play(seconds: float, out: mido.ports.BaseOutput) -> list[float]:
    """Plays by MidiFile.play(), which sleeps until each message; the file says when each is due."""
    file = mido.MidiFile(ticks_per_beat=480)  # 120 beats a minute where it says nothing
    track = mido.MidiTrack()
    file.tracks.append(track)
    for number in range(int(seconds * 10)):
        pitch = 60 + number * 5 % 24
        track.append(mido.Message("note_on", note=pitch, velocity=64, time=48))
        track.append(mido.Message("note_off", note=pitch, velocity=64, time=48))
    late_ms, due_s = [], 0.0
    begin = time.monotonic()
    for message in file.play():
        out.send(message)
        due_s += message.time
        late_ms.append((time.monotonic() - begin - due_s) * 1000)
    return late_ms


def notochord_play(seconds: float, out: mido.ports.BaseOutput) -> list[float]:
    """Plays by the loop of Notochord's own apps, on one thread, as its authors advise."""
    import torch
    from notochord import Notochord

    torch.set_num_threads(1)
    model = Notochord().eval()
    model.reset()
    model.feed(**_event(model))
    late_ms = []
    event, due_s = _event(model), time.monotonic() + EVENT_S
    for _ in range(int(seconds / EVENT_S)):
        time.sleep(max(0.0, due_s - time.monotonic()))
        out.send(mido.Message("note_on", note=event["pitch"], velocity=round(event["vel"])))
        late_ms.append((time.monotonic() - due_s) * 1000)
        model.feed(**event)
        event = _event(model)
        due_s += EVENT_S
    return late_ms


def _event(model: object) -> dict[str, float]:
    event = model.query(next_inst=1, next_time=EVENT_S)  # type: ignore[attr-defined]
    return {name: event[name] for name in ("inst", "pitch", "time", "vel")}


def main() -> None:
    """Plays, prints."""
    what, seconds = sys.argv[1], float(sys.argv[2])
    with mido.open_output("rival", client_name="Rival", virtual=True) as out:
        late_ms = {"mido": mido_play, "notochord": notochord_play}[what](seconds, out)
    print(json.dumps(late_ms))


if __name__ == "__main__":
    main()
