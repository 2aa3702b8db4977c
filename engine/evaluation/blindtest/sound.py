"""Notes -> equally loud clips, small enough to stand inside a page."""

from __future__ import annotations

import io
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from engine.arrays import F64
from engine.evaluation.blindtest.loudness import matched
from engine.midi_io.write import write_midi
from engine.notes import Notes
from engine.output.render import render_wav

__all__ = ["Clip", "encoded", "mime_type", "rendered"]

TEMPO_BPM = 120.0  # of the files that are rendered: it only sets their ticks, of 1 ms
TAIL_S, FADE_S = 1.0, 0.4  # after the last note; the end of it fades
MP3_QUALITY = 0.75  # of soundfile's 0 (best, large) to 1: about 48 kbit/s for one channel
WAV_RATE_HZ = 22_050


@dataclass(frozen=True)
class Clip:
    """Samples (N,) within -1..1 of one channel."""

    samples: F64
    rate_hz: int


def rendered(clips: list[tuple[Notes, float]], progress: Callable[[int], None] = lambda done: None) -> list[Clip]:
    """Renders (notes, length_s) of each clip, all equally loud. SidemanError: no FluidSynth or no soundfont."""
    sounds: list[F64] = []
    rate_hz = 0
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder, "clip.mid"), Path(folder, "clip.wav")
        for notes, length_s in clips:
            write_midi(midi, notes, tempo_bpm=TEMPO_BPM, length_s=length_s)
            render_wav(midi, wav)
            sound, rate_hz = _read(wav)
            sounds.append(_cut(sound.mean(axis=1), length_s, rate_hz))
            progress(len(sounds))
    return [Clip(sound, rate_hz) for sound in matched(sounds, rate_hz)]


def mime_type() -> str:
    """Returns the type that `encoded` makes here: MP3 where soundfile is installed, else WAV."""
    return "audio/mpeg" if find_spec("soundfile") else "audio/wav"


def encoded(clip: Clip) -> bytes:
    """Encodes a clip as mime_type() says: MP3, which every browser plays, or WAV at 22 kHz, six times as large."""
    if find_spec("soundfile"):
        import soundfile

        file = io.BytesIO()
        samples = clip.samples.astype(np.float32)
        soundfile.write(
            file, samples, clip.rate_hz, format="MP3", subtype="MPEG_LAYER_III",
            compression_level=MP3_QUALITY, bitrate_mode="VARIABLE",
        )  # fmt: skip
        return file.getvalue()
    every = max(1, clip.rate_hz // WAV_RATE_HZ)
    even = clip.samples[: len(clip.samples) // every * every].reshape(-1, every).mean(axis=1)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(clip.rate_hz // every)
        out.writeframes((np.clip(even, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _read(path: Path) -> tuple[F64, int]:
    """Reads (N, channels) samples within -1..1 of a 16-bit WAV file, and their rate."""
    with wave.open(str(path), "rb") as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return raw.reshape(-1, file.getnchannels()) / 32768.0, file.getframerate()


def _cut(sound: F64, length_s: float, rate_hz: int) -> F64:
    """Cuts or pads to exactly length_s and its tail: all clips of a place are equally long."""
    length, fade = int((length_s + TAIL_S) * rate_hz), int(FADE_S * rate_hz)
    cut = np.zeros(length)
    cut[: min(length, len(sound))] = sound[:length]
    cut[-fade:] *= np.linspace(1.0, 0.0, fade)
    return cut
