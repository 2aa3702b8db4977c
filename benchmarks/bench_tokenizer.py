"""Tokens a second, notes -> tokens and back: C++, its Python twin, and miditok's MIDILike where it is installed.

    python benchmarks/bench_tokenizer.py

Prints a table, then one JSON line. miditok starts from a parsed score, as we start from arrays; neither reads a file.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from machine import describe, seconds_per_call

import native
from engine.vocabulary import LAYOUT
from native.twins import tokenizer as twin

N_NOTES = 20_000
Columns = tuple[npt.NDArray[Any], ...]


def notes() -> Columns:
    """Half an hour of chords with spread onsets and overlaps."""
    rng = np.random.default_rng(0)
    onset_s = np.sort(np.repeat(np.cumsum(rng.gamma(2.0, 0.15, size=N_NOTES // 4)), 4) + rng.uniform(0, 0.02, N_NOTES))
    pitch = rng.normal(64, 12, size=N_NOTES).round().clip(21, 108).astype(np.uint8)
    velocity = rng.normal(70, 20, size=N_NOTES).round().clip(1, 127).astype(np.uint8)
    return onset_s, onset_s + rng.gamma(1.5, 0.3, size=N_NOTES), pitch, velocity


def miditok_calls(columns: Columns) -> dict[str, tuple[Callable[[], object], Callable[[], object], int]]:
    """The rival's encode, decode and number of tokens; empty where miditok is not installed."""
    if importlib.util.find_spec("miditok") is None or importlib.util.find_spec("symusic") is None:
        return {}
    import miditok
    import symusic

    config = miditok.TokenizerConfig(num_velocities=32, use_programs=False, beat_res={(0, 12): 50})
    tokenizer = miditok.MIDILike(config)
    score = symusic.Score(500)  # at 120 a minute a millisecond is a tick
    track = symusic.Track()
    for onset_s, offset_s, pitch, velocity in zip(*columns, strict=True):
        track.notes.append(
            symusic.Note(int(onset_s * 1000), max(1, int((offset_s - onset_s) * 1000)), int(pitch), int(velocity))
        )
    score.tracks.append(track)
    score.tempos.append(symusic.Tempo(0, qpm=120))
    tokens = tokenizer.encode(score)
    count = sum(len(sequence) for sequence in tokens) if isinstance(tokens, list) else len(tokens)
    return {"miditok MIDILike": (lambda: tokenizer.encode(score), lambda: tokenizer.decode(tokens), count)}


def main() -> None:
    columns = notes()
    tokens = native.encode(LAYOUT, *columns)
    rivals: dict[str, tuple[Callable[[], object], Callable[[], object], int]] = {
        f"native ({native.VARIANT})": (
            lambda: native.encode(LAYOUT, *columns), lambda: native.decode(LAYOUT, tokens), len(tokens)
        ),
        "Python twin": (lambda: twin.encode(LAYOUT, *columns), lambda: twin.decode(LAYOUT, tokens), len(tokens)),
        **miditok_calls(columns),
    }  # fmt: skip
    print(f"{N_NOTES} notes\n\n{'':20} {'tokens':>7} {'encode M/s':>11} {'decode M/s':>11}")
    rows: list[dict[str, object]] = []
    for name, (encode, decode, count) in rivals.items():
        speeds = [count / seconds_per_call(call, 1.0, repeats=3) / 1e6 for call in (encode, decode)]
        print(f"{name:20} {count:7} {speeds[0]:11.2f} {speeds[1]:11.2f}")
        rows.append({"name": name, "tokens": count, "encode_million_per_s": round(speeds[0], 3),
                     "decode_million_per_s": round(speeds[1], 3)})  # fmt: skip
    print()
    print(json.dumps({"benchmark": "tokenizer", "notes": N_NOTES, "machine": describe(), "rows": rows}))


if __name__ == "__main__":
    main()
