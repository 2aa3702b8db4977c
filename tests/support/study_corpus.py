"""A small corpus and a small network for tests of the study path: seconds, not hours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.data.shards.shards import PieceArrays
from engine.midi_io.write import write_midi
from engine.notes import Notes, make_notes

CONFIG = """
model: {latent_dim: 64, latent_len: 16, num_layers: 1, num_heads: 2, ff_dim: 64, dropout: 0.1, max_seq_len: 64,
        max_relative_distance: 32}
training: {learning_rate: 3.0e-3, batch_size: 4, epochs: EPOCHS, warmup_steps: 4}
"""


def write_config(folder: Path, epochs: float) -> Path:
    path = folder / "small.yaml"
    path.write_text(CONFIG.replace("EPOCHS", str(epochs)), encoding="utf-8")
    return path


def song(seed: int, bars: int = 16) -> Notes:
    """Makes broken chords over a turnaround at 120 bpm, in eighths, with a bass."""
    rng = np.random.default_rng(seed)
    rows = []
    for bar in range(bars):
        root = 48 + [0, 9, 2, 7][bar % 4] + int(seed % 3)
        chord = [root + 12 + step for step in ((0, 4, 7, 10) if bar % 4 == 3 else (0, 3, 7, 10))]
        rows.append((2.0 * bar, 2.0 * bar + 1.9, root - 12, 70))
        for eighth in range(8):
            onset_s = 2.0 * bar + 0.25 * eighth
            rows.append((onset_s, onset_s + 0.2, chord[int(rng.integers(4))], int(rng.integers(50, 90))))
    return make_notes(*zip(*rows, strict=True))


def write_corpus(folder: Path, files: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(files):
        write_midi(folder / f"song{seed}.mid", song(seed), tempo_bpm=120)
    return folder


def random_piece(seed: int, length: int = 300, collection: int = 0) -> PieceArrays:
    """Makes tokens of notes in the middle of the keyboard with many chords and beats; BOS to EOS."""
    rng = np.random.default_rng(seed)
    body = []
    while len(body) < length - 2:
        pitch = int(rng.integers(40, 80))
        body += [356 + int(rng.integers(32)), pitch, 256 + int(rng.integers(40)), 128 + pitch]
    tokens = np.array([389, *body[: length - 2], 390], dtype=np.uint16)
    chords = 1 + length // 12
    steps = np.sort(rng.choice(np.arange(1, 10 * length), chords - 1, replace=False))
    beats = np.arange(5.0, 8.0 * length, 47.5)
    return PieceArrays(
        tokens, np.array([400, *rng.integers(400, 689, chords - 1)]), np.array([0, *steps]),
        beats, np.arange(len(beats)) % 4, collection,
    )  # fmt: skip
