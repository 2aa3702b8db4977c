"""The streaming decoder in C++ (native/src/decoder), with the same face as the numpy decoder.

Reads the checkpoint's NF4 codes as they lie in the file and lays them out anew once. `precision` says what is kept and
how products are taken:

    exact    float32 throughout: what the numpy decoder computes, to rounding
    int16    inputs and caches in 14 bits: logits within 1e-4
    int8     caches in 8 bits: half their memory traffic, a divergence of 1e-4 nats a token at most (the default)
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import native
from engine.arrays import F32, I64
from engine.inference.decoders.style_slots import Adapter
from engine.model.checkpoint import Checkpoint
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORD_CLIP, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import NO_CHORD, NOTE_OFF, NOTE_ON, NUM_CHORDS, NUM_EVENT_IDS

__all__ = ["NativeDecoder"]


class NativeDecoder:
    """One stream of tokens. One thread at a time; other Python threads run meanwhile.

    length: tokens fed so far, less those rolled back. kernel: the instruction set in use.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        rollback: int = 1024,
        precision: str = "int8",
        streams: int = 2,
        kernel: str | None = None,
    ) -> None:
        """streams: 2 computes logits with and without the chords, 1 only with. kernel: of native.kernels().

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
        self._decoder = native.Decoder(sizes, dict(tensors), precision, rollback, streams, kernel)

    @property
    def compiled(self) -> native.Decoder:
        """The extension's own decoder, which the compiled stream takes."""
        return self._decoder

    @property
    def length(self) -> int:
        return self._decoder.length

    @property
    def kernel(self) -> str:
        return self._decoder.kernel

    @property
    def token_bytes(self) -> int:
        """Bytes of weights, tables and full caches that a token reads."""
        return self._decoder.token_bytes

    @property
    def memory_bytes(self) -> int:
        return self._decoder.memory_bytes

    def step(self, token: int, beat: int, bar: int, chord_ids: I64, chord_rows: I64, levels: F32 | None = None) -> F32:
        """See numpy_decoder. ValueError: what lies out of range."""
        return self._decoder.step(token, beat, bar, chord_ids, chord_rows, levels)

    def feed(
        self, tokens: I64, beats: I64, bars: I64, chord_ids: I64, chord_rows: I64, levels: F32 | None = None
    ) -> F32:
        """Feeds (n,) known tokens under one view of the chords, eight through the weights at a time.

        levels: (n, K), or None. The same as n steps; returns the logits after the last.
        """
        return self._decoder.feed(tokens, beats, bars, chord_ids, chord_rows, levels)

    def rollback(self, tokens: int) -> None:
        """See numpy_decoder."""
        self._decoder.rollback(tokens)

    def fork(self, rollback: int, streams: int = 2) -> NativeDecoder:
        """Returns a decoder with the same weights, styles and past; from here on each goes its own way.

        The fork can roll back what it was fed since, up to `rollback` tokens, and one token of the parent's. streams: 1
        computes the logits with the chords alone, in half the time. Do not change styles while forks are in use. A
        decoder and its forks belong to one thread.
        """
        other = copy.copy(self)
        other._decoder = self._decoder.fork(rollback, streams)
        return other

    def copy(self, other: NativeDecoder, same: int) -> None:
        """Takes over the state of another fork. same: how many of their first tokens are common and need no copying.

        ValueError: no fork of the same decoder.
        """
        self._decoder.copy(other._decoder, same)

    def set_style(self, slot: int, modules: Adapter | None) -> None:
        """See numpy_decoder."""
        self._decoder.set_style(slot, dict(modules or {}))

    def set_style_weights(self, weights: Sequence[float]) -> None:
        """See numpy_decoder."""
        self._decoder.set_style_weights(list(weights))
