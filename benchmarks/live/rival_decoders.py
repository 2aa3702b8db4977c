"""One player in a process of its own, for bench_rivals: how long a note takes it, and how long it takes to answer.

    python -m benchmarks.live.rival_decoders NAME [--notes 40] [--answers 12]

Sideman plays its shipped base. The others have random weights at the size that is published, so their costs are those
of the real ones and their music is noise. Times are of the processor, one thread. An answer is a note that was computed
after something had changed: a chord for Sideman, a note of the player's for Notochord, and for the rest what they have
to read anew before they can go on. Prints one JSON line.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.common.process import peak_mb

BORN_S = time.monotonic()
CONTEXT = 512  # tokens heard before, of those with a cache
BUDGET_S, FEWEST = 12.0, 3  # of the processor for each kind; but so many are timed in any case


class Player(NamedTuple):
    """note() plays one more; answer() hears something new and plays one. parameters: of the network."""

    parameters: int
    note: Callable[[], object]
    answer: Callable[[], object]


def sideman() -> Player:
    """Plays the shipped base under a chart; an answer takes back a second that is planned ahead."""
    from engine.chords import parse_chart
    from engine.inference.session import Session
    from engine.model.checkpoint import load_checkpoint
    from engine.model.shapes import count_parameters

    checkpoint = load_checkpoint(None)
    session = Session(checkpoint, 1)
    chords = [span.chord for span in parse_chart("Dm7 | G7 | Cmaj7 | A7").spans]
    session.set_tempo(120.0, 4)
    session.set_chords([(0.0, chords[0])])
    session.generate(8.0)
    turn = 0

    def note() -> object:
        return session.generate(session.time_s + 4.0, to_strike=True)

    def answer() -> object:
        nonlocal turn
        turn += 1
        now_s = session.time_s
        session.generate(now_s + 1.0)
        begin = time.process_time()
        session.rollback(now_s)
        session.set_chords([(now_s, chords[turn % 4])], from_s=now_s)
        session.generate(now_s + 4.0, to_strike=True)
        return time.process_time() - begin

    return Player(count_parameters(checkpoint.model), note, answer)


def notochord() -> Player:
    """Plays Notochord at its default size; a note is two of its events, a strike and an end, each fed and queried."""
    import torch
    from notochord import Notochord

    torch.set_num_threads(1)
    model = Notochord().eval()
    model.reset()

    def event() -> object:
        drawn = model.query(next_inst=1, next_time=0.1)
        model.feed(**{name: drawn[name] for name in ("inst", "pitch", "time", "vel")})
        return drawn

    def answer() -> object:
        model.feed(inst=1, pitch=60, time=0.05, vel=80)
        return event()

    return Player(_count(model), lambda: (event(), event()), answer)


def midigpt() -> Player:
    """Plays MIDI-GPT's own network at its trainer's default size, 512 x 6; a note is a time, a pitch and a length.

    It answers a bar at a time: what is timed is reading its context anew and one note, which flatters it.
    """
    import torch
    from midigpt.inference.model import GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(1)
    model = GPT2LMHeadModel(GPT2Config()).eval()

    def step(ids: Any, past: Any) -> Any:
        with torch.no_grad():
            return model(ids, past)[1]

    return _cached(step, model.make_empty_kv, 3, 600, _count(model))


def aria() -> Player:
    """Plays a Llama of Aria medium's size (1536 x 16, 24 heads), by transformers; three tokens a note."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=17_727, hidden_size=1536, num_hidden_layers=16, num_attention_heads=24, intermediate_size=6144,
        max_position_embeddings=8192,
    )).eval()  # fmt: skip
    return _of_transformers(model, 17_000)


def amt() -> Player:
    """Plays a GPT-2 of AMT small's size (768 x 12, 55,028 tokens) with the cache its sampler lacks; 3 tokens a note."""
    return _of_transformers(_amt_network(), 27_000)


def amt_as_published() -> Player:
    """Plays the same as its sampler computes: each token from the whole window of 1,017, without a cache."""
    import torch

    model = _amt_network()
    window = torch.randint(0, 27_000, (1, 1017))

    def note() -> object:
        with torch.no_grad():
            for _ in range(3):
                model(window, use_cache=False)
        return None

    return Player(_count(model), note, note)


def _amt_network() -> Any:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(1)
    return GPT2LMHeadModel(GPT2Config(vocab_size=55_028, n_positions=1024, n_embd=768, n_layer=12, n_head=12)).eval()


def _of_transformers(model: Any, vocabulary: int) -> Player:
    import torch
    from transformers import DynamicCache

    def step(ids: Any, past: Any) -> Any:
        with torch.no_grad():
            return model(ids, past_key_values=past, use_cache=True, logits_to_keep=1).past_key_values

    return _cached(step, DynamicCache, 3, vocabulary, _count(model))


def _cached(
    step: Callable[[Any, Any], Any], empty: Callable[[], Any], tokens_a_note: int, vocabulary: int, parameters: int
) -> Player:
    """Plays one token at a time behind a context; an answer reads the context anew, since it has changed."""
    import torch

    heard = torch.randint(0, vocabulary, (1, CONTEXT))
    past = step(heard, empty())
    one = torch.randint(0, vocabulary, (1, 1))

    def note() -> object:
        nonlocal past
        for _ in range(tokens_a_note):
            past = step(one, past)
        return None

    def answer() -> object:
        nonlocal past
        past = step(heard, empty())
        return note()

    return Player(parameters, note, answer)


def _count(model: Any) -> int:
    return sum(p.numel() for p in model.parameters())


PLAYERS: dict[str, Callable[[], Player]] = {
    "Sideman": sideman, "Notochord": notochord, "MIDI-GPT": midigpt, "AMT small": amt,
    "AMT small, no cache": amt_as_published, "Aria medium": aria,
}  # fmt: skip


def measure(name: str, notes: int, answers: int) -> dict[str, Any]:
    """Returns processor milliseconds, seconds to the first note by processor and by wall clock, and megabytes."""
    import numpy as np

    player = PLAYERS[name]()
    player.note()
    start_s, start_cpu_s = time.monotonic() - BORN_S, time.process_time()
    times: dict[str, list[float]] = {"note": [], "answer": []}
    for kind, call, count in (("note", player.note, notes), ("answer", player.answer, answers)):
        until_s = time.process_time() + BUDGET_S
        for number in range(count):
            begin = time.process_time()
            if number >= FEWEST and begin > until_s:
                break
            own = call()
            times[kind].append(1e3 * (own if isinstance(own, float) else time.process_time() - begin))
    figures: dict[str, Any] = {"parameters": player.parameters, "start_s": start_s, "start_cpu_s": start_cpu_s}
    for kind, ms in times.items():
        figures[f"{kind}s"] = len(ms)
        figures |= {f"{kind}_p50_ms": float(np.percentile(ms, 50)), f"{kind}_p99_ms": float(np.percentile(ms, 99))}
    return figures | {"peak_mb": peak_mb()}


def main() -> None:
    parser = argparse.ArgumentParser(description="One player of bench_rivals.")
    parser.add_argument("name", choices=PLAYERS)
    parser.add_argument("--notes", type=int, default=40)
    parser.add_argument("--answers", type=int, default=12)
    args = parser.parse_args()
    print(json.dumps(measure(args.name, args.notes, args.answers)))


if __name__ == "__main__":
    main()
