"""Memory, speed and gain of the ways to fine-tune: LoRA on dense matrices, QLoRA (4 bits), 16 bits, the whole network.

    python -m benchmarks.study.bench_finetune --data DATA [--base CKPT] [--keep DATA] [--updates 60] [--threads 1]

DATA is a folder of `sideman prepare`: ten songs of a style. Each way runs in a process of its own with the same
windows and updates. `weights` are the frozen and learning weights as they lie in memory, `learning` what has gradients
and optimiser states, `peak` the growth of the process's resident memory from before the base is built (activations
weigh most at the size of the shipped base). Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.common.process import in_fresh_process, peak_mb
from benchmarks.common.result import say_result

WAYS = ("32-bit", "nf4", "nf4 checkpointed", "16-bit", "full")


def measure(way: str, args: argparse.Namespace) -> dict[str, object]:
    """Measures one way in this process."""
    import torch

    from engine.model.checkpoint import load_checkpoint
    from engine.training.finetune import finetune as finetuning
    from engine.training.finetune.layers import add_lora, build, import_bitsandbytes, import_peft, stored_bytes

    torch.set_num_threads(args.threads)
    form, _, checkpointed = way.partition(" ")
    import_bitsandbytes()
    import_peft()
    checkpoint = load_checkpoint(args.base)
    model = build(checkpoint, form, "cpu")  # type: ignore[arg-type]
    if form != "full":
        add_lora(model, checkpoint.config.qlora)
    learning = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    weights = stored_bytes(model)
    del model
    before_mb = peak_mb()
    recipe = finetuning.Recipe(
        qlora=checkpoint.config.qlora,
        form=form,  # type: ignore[arg-type]
        updates=args.updates,
        gradient_checkpointing=bool(checkpointed),
    )
    rates = []
    with tempfile.TemporaryDirectory() as folder:
        done = finetuning.finetune(
            args.base, args.data, "benchmark", Path(folder) / "out", recipe, args.keep,
            lambda news: rates.append(news.tokens_per_s),
        )  # fmt: skip
        size = sum(path.stat().st_size for path in (Path(folder) / "out").iterdir())
    return {
        "way": way,
        "weights_mb": weights / 1e6,
        "learning": learning,
        "optimiser_mb": 8 * learning / 1e6,  # AdamW's two float32 moments
        "peak_mb": peak_mb() - before_mb,
        "tokens_per_s": rates[-1],
        "base_nats": done.held_out[0],
        "nats": done.held_out[1],
        "others_percent": None if done.others is None else 100 * (done.others[1] / done.others[0] - 1),
        "output_mb": size / 1e6,
        "best_update": done.updates,
        "minutes": done.seconds / 60,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="QLoRA beside 16-bit LoRA and full fine-tuning.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--keep", type=Path, help="other data, on which the loss is measured, too")
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(measure(args.way, args)))
        return
    rows = []
    header = f"{'way':<17} {'weights':>8} {'learning':>9} {'AdamW':>7} {'peak':>7} {'tokens/s':>8} {'unheard':>8} "
    print(f"{header}{'others':>7} {'output':>8} {'minutes':>7}")
    for way in WAYS:
        row = in_fresh_process("benchmarks.study.bench_finetune", [*sys.argv[1:], "--way", way])
        rows.append(row)
        others = "" if row["others_percent"] is None else f"{row['others_percent']:+.1f} %"
        gain = f"{100 * (row['nats'] / row['base_nats'] - 1):+.1f} %"
        print(
            f"{way:<17} {row['weights_mb']:>5.2f} MB {row['learning']:>9,} {row['optimiser_mb']:>4.1f} MB "
            f"{row['peak_mb']:>4.0f} MB {row['tokens_per_s']:>8,.0f} {gain:>8} {others:>7} {row['output_mb']:>5.2f} MB "
            f"{row['minutes']:>7.1f}",
            flush=True,
        )
    say_result("finetune", {"updates": args.updates, "rows": rows})


if __name__ == "__main__":
    main()
