"""What each source, share and size is worth: a small base for each, trained and judged the same.

    python -m benchmarks.study.bench_ablations DATA [--form small] [--seeds 2] [--only NAME ...] [--results FILE]

Every variant changes one thing of the reference (benchmarks/study/ablations), learns from as many tokens, from the same
batches as far as the change lets them be the same, and is judged on the same held-out windows, on gaps in those works
(benchmarks/study/gap_nats) and on practice pieces of both editions that nobody trains on. A difference counts if it is
larger than what another seed changes. A variant that leaves a source out is compared on the works of the others.

--form base is the same for a GPU: the shipped base's form, 20 M tokens a run; any other config will do as well.
--results keeps every run that is done in a file of JSON lines, and those it holds are not run again: so the queue may
be stopped, goes on where it was, and may be given in parts. Seeds are the outer loop: every variant has one before any
has two. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.common.result import say_result
from benchmarks.study.ablations import SOURCES, VARIANTS, Form, Variant, decode_products, form_of, untouched
from benchmarks.study.gap_nats import gap_cases, gap_nats
from engine.data.diet import Diet
from engine.data.feed import Feed, default_workers
from engine.data.practice import practice_pieces
from engine.data.reading.entry import tokenise
from engine.data.shards.shards import Shard, load_shard
from engine.data.sources import match_sources
from engine.model.config import Config
from engine.model.shapes import count_parameters
from engine.training.device import make_accelerator
from engine.training.evaluate import evaluate
from engine.training.trainer import Trainer

PRACTICE_SEED, PRACTICE_BARS = 77, 600  # of each edition, to judge on; training has other seeds
REFERENCE = "reference"

Run = dict[str, Any]


def run(
    variant: Variant, form: Form, data: Path, seed: int, tokens: float, judged: Sequence[Shard], windows: int
) -> Run:
    """Trains and judges. Returns nats a token and tokens judged by collection, and what it took."""
    config = Config(model=variant.model(form.model), training=variant.training(form.training))
    training = config.training
    accelerator = make_accelerator(form.device, training.mixed_precision)
    trainer = Trainer(config, 1, seed, accelerator)
    trainer.steps = max(1, round(tokens / trainer.tokens_per_update))
    variant.trainer(trainer)
    shard = data / "train.safetensors"
    mix, manners, _ = match_sources(training.sources, load_shard(shard).collections)
    diet = Diet(
        shard, config.model.max_seq_len, training.batch_size, seed, mix, manners, training.practice,
        config.model.controls, training.practice_edition, training.gaps,
    )  # fmt: skip
    workers = default_workers(accelerator.device)
    batches = Feed(diet, 0, 1, workers, accelerator.device)
    clock = time.monotonic if workers else time.process_time
    started_s, loss = clock(), torch.zeros(())
    for _ in range(trainer.steps):
        loss = trainer.step(batches)
    training_loss = loss.item()
    seconds = clock() - started_s
    nats: dict[str, tuple[float, int]] = {}
    with trainer.averaged() as model:
        for shard_judged in judged:
            scores = evaluate(model, shard_judged, max_windows=windows)
            nats |= {name: (s.nats_per_token, s.tokens) for name, s in scores.items() if name != "all"}
        cases = gap_cases(judged[0], windows, config.model.max_seq_len)
        gaps = gap_nats(model.eval(), cases, training.gaps > 0)
    return {
        "parameters": count_parameters(config.model), "decode_products": decode_products(config.model),
        "updates": trainer.steps, "last_loss": training_loss, "nats": nats, "gaps": gaps,
        "tokens_per_s": trainer.steps * trainer.tokens_per_update / seconds,
    }  # fmt: skip


def judged_on(data: Path) -> list[Shard]:
    """Returns the held-out works that people made, and practice pieces of either edition."""
    shard = load_shard(data / "valid.safetensors")
    real = [piece for piece in shard.pieces if shard.collections[piece.collection] != "practice"]
    practice = [
        Shard([tokenise(piece, 0) for piece in practice_pieces(PRACTICE_SEED, PRACTICE_BARS, edition)],
              [f"practice {edition}"])
        for edition in (1, 2)
    ]  # fmt: skip
    return [replace(shard, pieces=real), *practice]


def real_nats(run: Run, without: str = "") -> float:
    """Returns the mean nats a token over the works that people made, of all sources but one."""
    rows = [
        row for name, row in run["nats"].items()
        if not name.startswith("practice") and not (without and without.lower() in name.lower())
    ]  # fmt: skip
    return float(sum(nats * tokens for nats, tokens in rows) / sum(tokens for _, tokens in rows))


def compare(runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
    """Returns for each variant its nats a token, and how far from the reference's of the same seed they lie."""
    by_name: dict[str, dict[int, Run]] = {}
    for row in runs:
        by_name.setdefault(row["variant"], {})[row["seed"]] = row
    reference = by_name.get(REFERENCE, {})
    compared: dict[str, dict[str, Any]] = {}
    for name, seeds in by_name.items():
        without, one = VARIANTS[name].without, next(iter(seeds.values()))
        both = [(row, reference[seed]) for seed, row in seeds.items() if seed in reference]
        sources = {}
        for key in one["nats"]:
            apart = [row["nats"][key][0] - other["nats"][key][0] for row, other in both] or [float("nan")]
            sources[key] = [round(mean(row["nats"][key][0] for row in seeds.values()), 4), round(mean(apart), 4)]
        compared[name] = {
            "seeds": sorted(seeds), "nats": mean(real_nats(row, without) for row in seeds.values()),
            "apart": [round(real_nats(row, without) - real_nats(other, without), 4) for row, other in both],
            "gaps": [row["gaps"] for row in seeds.values() if "gaps" in row],
            "sources": sources, "decode_products": one["decode_products"], "parameters": one["parameters"],
        }  # fmt: skip
    return compared


def short(name: str) -> str:
    """Returns a collection's name in a column's width."""
    for word in SOURCES:
        if word.lower() in name.lower():
            return word[:9]
    return name[:10]


def show(compared: Mapping[str, Mapping[str, Any]]) -> None:
    """Prints the table: nats a token of the reference, then how far from it the others lie, mean over the seeds."""
    keys = list(next(iter(compared.values()))["sources"])
    head = "".join(f"{short(key):>11}" for key in keys)
    print(f"{'':<20}{'seeds':>6}{'nats':>8}{'apart':>9}{'spread':>8}{'Mprod':>7}{head}")
    for name, row in compared.items():
        apart = row["apart"]
        if name == REFERENCE or not apart:
            difference, shown = " " * 17, "".join(f"{row['sources'][key][0]:>11.3f}" for key in keys)
        else:
            difference = f"{mean(apart):>+9.3f}{max(apart) - min(apart):>8.3f}"
            shown = "".join(f"{row['sources'][key][1]:>+11.3f}" for key in keys)
        products = row["decode_products"] / 1e6
        print(f"{name:<20}{len(row['seeds']):>6}{row['nats']:>8.3f}{difference}{products:>7.2f}{shown}")


def queue(names: Sequence[str], form: Form, seeds: int) -> list[tuple[str, int]]:
    """Returns what is to be run, in order: the reference first, then as named, and every variant once before any twice.

    names: of groups or variants. What changes nothing of this form, being as it is already, is left out.
    """
    chosen = {REFERENCE: None}
    for name in names:
        chosen |= {n: None for n, variant in VARIANTS.items() if name in (n, variant.group)}

    def is_idle(variant: Variant) -> bool:
        sizes, training = variant.model(form.model), variant.training(form.training)
        return variant.trainer is untouched and (sizes, training) == (form.model, form.training)

    idle = {name for name in chosen if name != REFERENCE and is_idle(VARIANTS[name])}
    return [(name, seed) for seed in range(seeds) for name in chosen if name not in idle]


def main() -> None:
    groups = list(dict.fromkeys(variant.group for variant in VARIANTS.values()))
    parser = argparse.ArgumentParser(description="Measures what each source, share and size is worth.")
    parser.add_argument("data", type=Path, help="a prepared folder")
    parser.add_argument("--form", default="small", help="small, or a config: then on a GPU, 20 M tokens a run [small]")
    parser.add_argument("--tokens", type=float, help="of each run [1e6, or 20e6]")
    parser.add_argument("--seeds", type=int, default=2, help="[2]")
    parser.add_argument("--windows", type=int, default=300, help="held-out ones, of practice an eighth [300]")
    parser.add_argument("--only", nargs="+", choices=[*groups, *VARIANTS], metavar="NAME", default=groups,
                        help=f"groups ({', '.join(groups)}) or names of variants [all]")  # fmt: skip
    parser.add_argument("--results", type=Path, help="keep finished runs here, and do not run them again")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    form = form_of(args.form)
    tokens = args.tokens or form.tokens
    kept = (
        [json.loads(line) for line in args.results.read_text().splitlines()]
        if args.results and args.results.exists()
        else []
    )
    runs = [row for row in kept if (row["form"], row["tokens"]) == (args.form, tokens)]
    done = {(row["variant"], row["seed"]) for row in runs}
    judged = judged_on(args.data)
    for name, seed in queue(args.only, form, args.seeds):
        if (name, seed) in done:
            continue
        row = run(VARIANTS[name], form, args.data, seed, tokens, judged, args.windows)
        row = {"form": args.form, "tokens": tokens, "variant": name, "seed": seed, **row}
        runs.append(row)
        if args.results:
            with args.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        print(
            f"{name}, seed {seed}: {real_nats(row):.3f} nats a token, of gaps {row['gaps']['told']:.3f} told and "
            f"{row['gaps']['untold']:.3f} untold, {row['tokens_per_s']:,.0f} tokens/s", flush=True,
        )  # fmt: skip
    compared = compare(runs)
    show(compared)
    say_result("ablations", {"form": args.form, "tokens": tokens, "variants": compared})


if __name__ == "__main__":
    main()
