"""Makes the streaming decoder in C++ (native/src/decoder) of a checkpoint; its face is the numpy decoder's.

Reads the checkpoint's NF4 codes as they lie in the file and lays them out anew once. `precision` says what is kept and
how products are taken:

    exact    float32 throughout: what the numpy decoder computes, to rounding
    int16    inputs and caches in 14 bits: logits within 1e-4
    int8     caches in 8 bits: half their memory traffic, a divergence of 1e-4 nats a token at most (the default)
"""

from __future__ import annotations

import native
from engine.model.checkpoint import Checkpoint
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORD_CLIP, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import NO_CHORD, NOTE_OFF, NOTE_ON, NUM_CHORDS, NUM_EVENT_IDS

__all__ = ["native_decoder"]


def native_decoder(
    checkpoint: Checkpoint, rollback: int = 1024, precision: str = "int8", streams: int = 2, kernel: str | None = None
) -> native.Decoder:
    """Returns a decoder of one stream of tokens. One thread at a time; other Python threads run meanwhile.

    streams: 2 computes logits with and without the chords, 1 only with. kernel: of native.kernels(). Beside the numpy
    decoder's methods it has feed(), which takes n known tokens under one view of the chords, eight through the weights
    at a time, and returns what the last of n steps would. A decoder and its forks belong to one thread.
    ValueError: sizes that the compiled decoder does not take, an unknown precision or kernel.
    """
    model = checkpoint.model
    sizes = {
        "dim": model.latent_dim,
        "band": model.latent_len,
        "layers": model.num_layers,
        "heads": model.num_heads,
        "ff_dim": model.ff_dim,
        "context": model.max_seq_len,
        "distances": model.max_relative_distance,
        "vocabulary": model.vocab_size,
        "event_ids": NUM_EVENT_IDS,
        "note_on": NOTE_ON,
        "note_off": NOTE_OFF,
        "first_chord": NO_CHORD,
        "num_chords": 1 + NUM_CHORDS,
        "beat_bins": BEAT_BINS + 1,
        "bar_bins": BAR_BINS + 1,
        "chord_rows": 2 * CHORD_CLIP + 1,
        "chords_in_view": CHORDS_BACK + 1 + CHORDS_AHEAD,
        "controls": [(control.name, control.levels, bool(control.edges)) for control in model.controls],
    }
    tensors = checkpoint.stored or checkpoint.weights
    return native.Decoder(sizes, dict(tensors), precision, rollback, streams, kernel)
