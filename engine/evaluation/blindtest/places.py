"""Where the contestants play: the same few seconds of held-out music, or the same chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.chords import Chart, parse_chart
from engine.data.reading.corpus import read_piece, survey
from engine.data.reading.entry import tokenise
from engine.data.shards.shards import PieceArrays, Shard, load_shard
from engine.errors import DataError, SidemanError
from engine.evaluation.excerpts import Excerpt, cut_excerpts

__all__ = ["LEAD_S", "ChartPlace", "MusicPlace", "Place", "chart_places", "held_out", "music_places"]

LEAD_S = 8.0  # of the real music, before the excerpt: what there is to go on from


@dataclass(frozen=True)
class MusicPlace:
    """A moment of a held-out performance. work: its piece's number; a classifier never judges one it learnt from."""

    work: int
    excerpt: Excerpt

    @property
    def length_s(self) -> float:
        return self.excerpt.length_s

    @property
    def about(self) -> str:
        """Returns what the key says of it."""
        return f"{self.excerpt.collection}, piece {self.work}"


@dataclass(frozen=True)
class ChartPlace:
    """A chart that is played over from its first bar. work: the number of the chart."""

    work: int
    chart: Chart
    tempo_bpm: float
    text: str

    @property
    def length_s(self) -> float:
        return self.chart.beats * 60.0 / self.tempo_bpm

    @property
    def about(self) -> str:
        """What the key says of it."""
        return f"{self.text} at {self.tempo_bpm:g}"


Place = MusicPlace | ChartPlace


def held_out(
    data: Path | None, real: Path | None, refused: Callable[[str, str], None] = lambda name, reason: None
) -> Shard:
    """Returns the pieces that were really played: the test side of prepared data, or every MIDI file of a folder.

    refused: is told the name of each file of the folder that is not used, and why.

    DataError: neither is given, or nothing in it can be read.
    """
    if real is None:
        if data is None:
            raise DataError(
                "no held-out music: give --real FOLDER of MIDI, --data that `sideman prepare` wrote, or --chords"
            )
        return load_shard(data / "test.safetensors")
    sources, left_out = survey(real)
    for name, reason in left_out:
        refused(name, reason)
    names = sorted({source.collection for source in sources})
    pieces, reasons = [], []
    for source in sources:
        try:
            pieces.append(tokenise(read_piece(source), names.index(source.collection)))
        except SidemanError as error:
            reasons.append(str(error))
            refused(source.name, str(error).removeprefix(f"{source.path}: "))
    if not pieces:
        raise DataError(f"{real}: no file can be read ({reasons[0]}): give a folder of piano performances")
    return Shard(pieces, names)


def music_places(shard: Shard, count: int, length_s: float, seed: int) -> list[MusicPlace]:
    """Chooses up to `count` places, from as many pieces as there are. DataError: fewer than two."""
    rng = np.random.default_rng(seed)
    found: list[list[MusicPlace]] = []
    for work in rng.permutation(len(shard.pieces)):
        if sum(map(bool, found)) == count:
            break
        one: Sequence[PieceArrays] = [shard.pieces[int(work)]]
        most = max(1, -(-count // len(shard.pieces)))
        cut = cut_excerpts(Shard(one, shard.collections), most, length_s, LEAD_S, seed)
        found.append([MusicPlace(int(work), excerpt) for excerpt in cut])
    # One of each piece before a second of any.
    rounds = max(map(len, found), default=0)
    places = [mine[turn] for turn in range(rounds) for mine in found if turn < len(mine)][:count]
    if len(places) < 2:
        raise DataError(
            f"the held-out music has {len(places)} places of {LEAD_S + length_s:.0f} s with two notes "
            "a second: give more or longer files"
        )
    return places


def chart_places(texts: Sequence[str], tempo_bpm: float, count: int, length_s: float) -> list[ChartPlace]:
    """Takes the charts in turn until there are `count` places, each of whole bars that last about length_s."""
    charts = []
    for work, text in enumerate(texts):
        chart = parse_chart(text)
        bar_s = chart.beats_per_bar * 60.0 / tempo_bpm
        charts.append(ChartPlace(work, chart.fill(max(2, round(length_s / bar_s))), tempo_bpm, text))
    return [charts[number % len(charts)] for number in range(count)]
