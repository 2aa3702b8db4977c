"""Several ways to go on from one point of a stream: forks that are played, weighed and chosen among together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import native
from engine.inference.backends import StreamDecoder
from engine.inference.stream import Event, Stream
from engine.inference.streams import TokenStream

__all__ = ["Forks"]


class Forks:
    """N streams with one past. One thread at a time, the parent's; the parent stays as it is.

    streams: the forks, each a stream in its own right until the next call here.
    """

    def __init__(self, decoder: StreamDecoder, stream: TokenStream, seeds: Sequence[int], rollback: int) -> None:
        """A fork a seed of `stream`, which `decoder` computes. rollback: tokens that a fork can take back, of the past, too.

        ValueError: a seed outside 0..2**64-1. While forks are in use, the decoder's styles stay as they are.
        """
        self._common = stream.length  # tokens that all forks have from the parent
        self._decoders = [decoder.fork(rollback + 1) for _ in seeds]
        self.streams: list[Any] = [
            _fork(stream, of, seed, rollback) for of, seed in zip(self._decoders, seeds, strict=True)
        ]

    def generate(self, until: int, which: Sequence[int] | None = None) -> list[list[Event]]:
        """Each improvises on to a step: their new events. which: the forks that do, all of them by default."""
        streams = self._chosen(which)
        if streams and isinstance(streams[0], Stream):
            return [stream.generate(until) for stream in streams]
        return native.generate_together(streams, until)

    def feed(self, events: Sequence[Sequence[Event]], which: Sequence[int] | None = None) -> None:
        """Each takes its events as having happened. ValueError: a pitch or a velocity bin out of range."""
        streams = self._chosen(which)
        if streams and isinstance(streams[0], Stream):
            for stream, fed in zip(streams, events, strict=True):
                stream.feed(fed)
        else:
            native.feed_together(streams, [list(fed) for fed in events])

    def choose(self, sources: Sequence[int]) -> list[int]:
        """As many forks as before, each going on as one of `sources`; returns which fork then follows which.

        A fork that is chosen stays; those that are not become what is chosen more than once, and go on otherwise. What
        the forks took back until now must not reach into the parent's past.
        """
        count = len(self.streams)
        after: list[int] = [-1] * count
        spare: list[int] = []
        for source in sources:
            if after[source] < 0:
                after[source] = source
            else:
                spare.append(source)
        for i in range(count):
            if after[i] < 0:
                after[i] = spare.pop()
                self.streams[i].copy(self.streams[after[i]], self._common)
        return after

    def _chosen(self, which: Sequence[int] | None) -> list[Any]:
        return self.streams if which is None else [self.streams[i] for i in which]


def _fork(stream: Any, decoder: StreamDecoder, seed: int, rollback: int) -> Any:
    if isinstance(stream, Stream):
        return stream.fork(decoder, seed, rollback)
    from engine.inference.native_decoder import NativeDecoder

    assert isinstance(decoder, NativeDecoder)
    return stream.fork(decoder.compiled, seed, rollback)
