"""Several ways to go on from one point of a stream: forks that are played and weighed, and give way to others."""

from __future__ import annotations

from collections.abc import Sequence

from engine.inference.backends import StreamDecoder
from engine.inference.streams import TokenStream

__all__ = ["Forks"]


class Forks:
    """N streams with one past, each a stream in its own right; the parent stays as it is. All belong to one thread.

    streams: the forks.
    """

    def __init__(self, decoder: StreamDecoder, stream: TokenStream, seeds: Sequence[int], rollback: int) -> None:
        """A fork a seed of `stream`, which `decoder` computes. Each takes back `rollback` of its own tokens.

        While forks are in use, the decoder's styles stay as they are. ValueError: a seed outside 0..2**64-1.
        """
        self._parent, self._rollback = (decoder, stream), rollback
        self._common = stream.length  # tokens that all forks have from the parent
        self.streams: list[TokenStream] = [self._new(seed) for seed in seeds]

    def renew(self, number: int, source: int, seed: int) -> TokenStream:
        """The stream becomes another one and goes on with random numbers of a seed of its own."""
        fork = self.streams[number]
        fork.copy(self.streams[source], self._common)
        fork.set_seed(seed)
        return fork

    def _new(self, seed: int) -> TokenStream:
        decoder, stream = self._parent
        return stream.fork(decoder.fork(self._rollback + 1), seed, self._rollback)
