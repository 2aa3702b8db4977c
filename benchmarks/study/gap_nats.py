"""What a base makes of gaps in held-out pieces: nats a token of what stands in them, with what stands behind them told
first, and without.

    python -m benchmarks.study.gap_nats DATA/test.safetensors [--checkpoint FOLDER] [--gaps 400]

The gaps are those that training draws (engine/data/gaps), as many from each collection that people played. "told" is
the order of a fill, marked for a base that was trained with gaps; "untold" is what precedes the gap alone, as much of
it as both sides have together. A fill that asks for nothing: no control is known but, to a base trained with gaps, the
end of the gap.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.common.result import say_result
from engine.data.controls import ControlLevels
from engine.data.gaps.places import find_place, gap_at
from engine.data.gaps.windows import GapWindow, gap_window
from engine.data.shards.shards import PieceArrays, Shard, load_shard
from engine.data.windows import Window, collate
from engine.inference.fill.foresight import Foresight
from engine.inference.fill.gap import Gap
from engine.model.checkpoint import load_checkpoint
from engine.model.controls import UNKNOWN
from engine.model.perceiver import PerceiverMusicTransformer
from engine.training.evaluate import load_model
from engine.vocabulary import PAD

GapCase = tuple[PieceArrays, Gap, Foresight]
ROWS = 8  # windows at once


def gap_cases(shard: Shard, count: int, length: int) -> list[GapCase]:
    """Returns gaps of the pieces that people played, with sides that fit into `length` tokens."""
    rng = np.random.default_rng(0)
    sides: dict[int, list[PieceArrays]] = {}
    for piece in shard.pieces:
        if shard.collections[piece.collection] != "practice":
            sides.setdefault(piece.collection, []).append(piece)
    found: list[GapCase] = []
    for turn in range(50 * count):
        if len(found) == count:
            break
        pieces = sides[sorted(sides)[turn % len(sides)]]
        piece = pieces[int(rng.integers(len(pieces)))]
        place = find_place(piece, rng)
        cut = None if place is None else gap_at(piece, place)
        if cut is not None and len(told(piece, *cut, 1 << 14, True).window["beat"]) < length:
            found.append((piece, *cut))
    return found


def told(piece: PieceArrays, gap: Gap, ahead: Foresight, length: int, learnt: bool) -> GapWindow:
    return gap_window(piece, gap, ahead, length, learnt=learnt)


def untold(piece: PieceArrays, gap: Gap, ahead: Foresight, length: int, _learnt: bool) -> GapWindow:
    before = min(ahead.before + ahead.behind, gap.begin)
    shift = before - gap.begin
    lead = tuple((step + shift, pitch, bin_) for step, pitch, bin_ in gap.lead() if step + shift >= 0)
    return gap_window(piece, gap, Foresight(0, before, shift, lead), length, learnt=False)


def gap_nats(model: PerceiverMusicTransformer, cases: list[GapCase], learnt: bool) -> dict[str, float]:
    """Returns nats a token of the gaps, told and untold. learnt: the model was trained with gaps."""
    length, controls = model.config.max_seq_len, ControlLevels(model.config.controls)
    result = {}
    for way in (told, untold):
        nats, tokens = 0.0, 0
        for at in range(0, len(cases), ROWS):
            windows: list[Window] = []
            for case in cases[at : at + ROWS]:
                cut = way(*case, length, learnt)
                if learnt and controls.controls:
                    levels = np.full((len(cut.left_s), len(controls.controls)), UNKNOWN, dtype=np.float32)
                    controls.tell_end(levels, cut.left_s if way is told else np.full(len(levels), np.nan))
                    cut.window["levels"] = levels
                windows.append(cut.window)
            with torch.no_grad():
                inputs, targets = collate(windows, max(len(window["beat"]) for window in windows))
                logits = model(inputs.to(model.head.weight.device)).float().cpu()
                nats += float(F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=PAD, reduction="sum"))
                tokens += int((targets != PAD).sum())
        result[way.__name__] = nats / tokens
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures nats a token of gaps, told what follows them and not.")
    parser.add_argument("shard", type=Path, metavar="DATA/test.safetensors")
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    parser.add_argument("--gaps", type=int, default=400, help="[400]")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    cases = gap_cases(load_shard(args.shard), args.gaps, checkpoint.model.max_seq_len)
    nats = gap_nats(load_model(checkpoint), cases, checkpoint.config.training.gaps > 0)
    print(f"{len(cases)} gaps: " + ", ".join(f"{name} {value:.3f}" for name, value in nats.items()))
    say_result("gap_nats", {"gaps": len(cases), **nats})


if __name__ == "__main__":
    main()
