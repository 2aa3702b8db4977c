"""What a style's update takes in memory and a whole run in time, computed from the recipe for sizes that were not run.

    python -m benchmarks.study.finetune_memory [CONFIG ...] [--measure tiny small] [--tokens 1024]

Default: medium to 1b. Computed are the weights as they lie in memory (NF4 with double quantisation, bfloat16, float32),
the adapter with its gradients, the optimiser's moments (paged AdamW in 8 bits; all 8-bit states can be paged out), and
what an update keeps for its backward pass. The last is counted by running the real network on tensors without memory
(torch's FakeTensorMode), under bfloat16 as on a GPU, with every block's activations kept or computed again
(`--gradient-checkpointing`). A GPU adds its context and its allocator's gaps, which are not computed.

--measure runs these sizes on the processor in float32, each way in a fresh process, and sets beside what is computed
for a processor what an update's tensors take (torch's profiler) and what resident memory grew by. Time is products over
a stated speed, and the speed that a run of three hours needs: forward and backward through frozen matrices take two
thirds of what training all of them takes, measuring a third. Prints tables, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.profiler import ProfilerActivity, profile

from benchmarks.common.process import in_fresh_process, peak_mb
from benchmarks.common.random_checkpoint import model_config, random_checkpoint
from benchmarks.common.result import say_result
from benchmarks.study.bench_train import synthetic_piece
from engine.data.window_sampler import WindowSampler
from engine.model.config import ModelConfig, QloraConfig
from engine.model.nf4 import BLOCK
from engine.model.perceiver import Inputs, PerceiverMusicTransformer
from engine.model.shapes import count_parameters, is_matrix, parameter_shapes
from engine.training.finetune.checks import CHECK_TOKENS, CHECK_WINDOWS, PRACTICE_WINDOWS
from engine.training.finetune.layers import (
    NESTED_BLOCK,
    Linear16,
    add_lora,
    build,
    checkpoint_blocks,
    import_bitsandbytes,
    import_peft,
)
from engine.training.finetune.recipe import Recipe
from engine.training.finetune.run import CHECKS, JUDGED_WINDOWS
from engine.vocabulary import PAD

SIZES = ("medium", "large", "256m", "512m", "1b")
WAYS = ("nf4", "16-bit", "full")
SPEEDS = {"processor": 21e9, "1 TFLOP/s": 1e12}
"""Products and sums a second over a whole run: what the shipped base's styles had, 626 to 847 s of a processor for all
(docs/STYLES.md, measured), and a round number for a GPU, to divide by."""
AIM_S = 3 * 3600.0  # the time that a style was promised to take
GB = 1e9


class _FrozenProduct(torch.autograd.Function):
    """x W', of which nothing is kept but W: what bitsandbytes' 4-bit product does."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.weight, ctx.dtype = weight, x.dtype
        return x.to(dtype) @ weight.to(dtype).T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return (gradients[0] @ ctx.weight.to(gradients[0].dtype)).to(ctx.dtype), None, None


class _Frozen(nn.Linear):
    """Stands for a 4-bit layer where nothing is computed."""

    def forward(self, x: Tensor) -> Tensor:
        dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else x.dtype
        out: Tensor = _FrozenProduct.apply(x, self.weight, dtype)
        return out


def batch(config: ModelConfig, tokens: int) -> tuple[Inputs, Tensor]:
    """Returns windows of so many tokens in all."""
    length = min(tokens, config.max_seq_len)
    piece = synthetic_piece(np.random.default_rng(0))
    return WindowSampler([piece], length, max(1, tokens // length), 0).batch(0)


def weight_bytes(config: ModelConfig, way: str) -> float:
    """Bytes of the base's weights as they lie in memory."""
    total = 0.0
    for name, shape in parameter_shapes(config).items():
        count = math.prod(shape)
        if not is_matrix(name) or way == "full":
            total += 4 * count
        elif way == "16-bit":
            total += 2 * count
        else:
            scales = count / BLOCK
            total += count / 2 + scales + 4 * scales / NESTED_BLOCK
    return total


def shapes_of(config: ModelConfig, way: str, again: bool) -> nn.Module:
    """Returns a network of the way's form without numbers, on the device meta."""
    with torch.device("meta"):
        model = PerceiverMusicTransformer(config).train()
        if again:
            checkpoint_blocks(model)
        if way == "full":
            return model
        for name, layer in list(model.named_modules()):
            if isinstance(layer, nn.Linear):
                other = (_Frozen if way == "nf4" else Linear16)(layer.in_features, layer.out_features, bias=False)
                if way == "16-bit":
                    other.weight = nn.Parameter(other.weight.to(torch.bfloat16), requires_grad=False)
                parent, _, child = name.rpartition(".")
                setattr(model.get_submodule(parent), child, other)
        return add_lora(model.requires_grad_(False), QloraConfig())


def kept_bytes(config: ModelConfig, way: str, tokens: int, rough: bool, again: bool) -> float:
    """Returns what one update keeps for its backward pass. rough: under bfloat16; again: blocks' are not kept."""
    inputs, targets = batch(config, tokens)
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            storage = tensor.untyped_storage()
            kept[storage._cdata] = storage.nbytes()
        return tensor

    model = shapes_of(config, way, again)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        numbers = {
            name: nn.Parameter(torch.empty(p.shape, dtype=p.dtype), requires_grad=p.requires_grad)
            for name, p in model.named_parameters()
        }
        fakes = {name: None if value is None else mode.from_tensor(value) for name, value in vars(inputs).items()}
        autocast = torch.autocast("cpu", torch.bfloat16, enabled=rough)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), autocast:
            logits = torch.func.functional_call(model, numbers, (Inputs(**fakes),))  # type: ignore[arg-type]
            loss = F.cross_entropy(logits.float().flatten(0, 1), mode.from_tensor(targets).flatten(), ignore_index=PAD)
        assert loss.requires_grad
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == learning_count(config, way)
    return float(sum(kept.values()))


def learning_count(config: ModelConfig, way: str) -> int:
    """Returns how many numbers learn: all, or the adapter's on four projections of every attention."""
    if way == "full":
        return count_parameters(config)
    attentions = 2 + 2 * config.num_layers
    return attentions * 4 * 2 * config.latent_dim * QloraConfig().rank


def computed(config: ModelConfig, way: str, tokens: int, on_gpu: bool) -> dict[str, float]:
    """Returns bytes by kind, and their sums with activations kept and computed again."""
    learning = learning_count(config, way)
    every = kept_bytes(config, way, tokens, on_gpu, again=False)
    outside = kept_bytes(config, way, tokens, on_gpu, again=True)
    entries = config.num_layers * tokens * config.latent_dim * 4  # the blocks' inputs
    again = outside + entries + (every - outside) / config.num_layers
    parts = {
        "weights": weight_bytes(config, way),
        "learning": 0.0 if way == "full" else 4.0 * learning,
        "gradients": 4.0 * learning,
        "moments": (2.0 if on_gpu else 8.0) * learning,
        "unpacked": (2 if on_gpu else 4) * config.latent_dim * config.ff_dim if way != "full" else 0,
    }
    fixed = sum(parts.values())
    return {**parts, "kept": every, "kept again": again, "peak": fixed + every, "peak again": fixed + again}


def run_products(config: ModelConfig, way: str) -> float:
    """Returns the products and sums of a whole run of the recipe: its updates and all its measurements."""
    recipe, parameters = Recipe(), count_parameters(config)
    learnt = recipe.updates * recipe.update_tokens * 1.2  # windows that come again under other chords
    measured = (CHECKS + 1) * CHECK_WINDOWS + 4 * (CHECK_WINDOWS + 2 * PRACTICE_WINDOWS)
    heard = measured * CHECK_TOKENS + 4 * JUDGED_WINDOWS * config.max_seq_len
    return parameters * (learnt * (6 if way == "full" else 4) + heard * 2)


def measured(name: str, way: str, tokens: int) -> dict[str, float]:
    """Returns bytes of this process: what an update's tensors take at their peak, and what resident memory grew by.

    The second is from before the base was there to after the update: with what libraries and the allocator add.
    """
    config = model_config(name)
    import_bitsandbytes()
    import_peft()
    checkpoint = random_checkpoint(name, dequantised=True)
    inputs, targets = batch(config, tokens)
    before_mb = peak_mb()
    model: nn.Module = build(checkpoint, way, "cpu")  # type: ignore[arg-type]
    if way != "full":
        model = add_lora(model, QloraConfig())  # type: ignore[arg-type]
    model.train()
    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=1e-4)

    def update() -> None:
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), ignore_index=PAD)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    update()  # from now on the moments are there
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        update()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = np.cumsum([event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())])
    return {"live": float(live.max()), "grown": 2.0**20 * (peak_mb() - before_mb)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and time of fine-tuning, computed.")
    parser.add_argument("configs", metavar="CONFIG", nargs="*", default=list(SIZES), help="[medium to 1b]")
    parser.add_argument("--tokens", type=int, default=Recipe().update_tokens, help="of an update [1024]")
    parser.add_argument("--measure", metavar="CONFIG", nargs="*", default=[], help="run these on the processor")
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        print(json.dumps(measured(args.row[0], args.row[1], args.tokens)))
        return
    result: dict[str, list[dict[str, object]]] = {"computed": [], "measured": []}
    heads = ("weights", "learn", "kept", "again", "peak", "again")
    print(f"{'computed, GB':<14} {'way':<7} " + " ".join(f"{head:>7}" for head in heads)
          + "".join(f"{f'min, {where}':>16}" for where in SPEEDS) + "  TFLOP/s for 3 h")  # fmt: skip
    for name in args.configs:
        config = model_config(name)
        for way in WAYS:
            row = computed(config, way, args.tokens, on_gpu=True)
            products = run_products(config, way)
            minutes = {where: products / speed / 60 for where, speed in SPEEDS.items()}
            learning = row["learning"] + row["gradients"] + row["moments"]
            figures = (row["weights"], learning, row["kept"], row["kept again"], row["peak"], row["peak again"])
            print(f"{name:<14} {way:<7} " + " ".join(f"{value / GB:>7.3f}" for value in figures)
                  + "".join(f"{value:>16,.1f}" for value in minutes.values())
                  + f"{products / AIM_S / 1e12:>17.3f}", flush=True)  # fmt: skip
            result["computed"].append({"config": name, "way": way, **row, "products": products, "minutes": minutes})
    for name in args.measure:
        for way in WAYS:
            arguments = ["--row", name, way, "--tokens", str(args.tokens)]
            found = in_fresh_process("benchmarks.study.finetune_memory", arguments)
            row = computed(model_config(name), way, args.tokens, on_gpu=False)
            update = row["kept"] + row["gradients"]
            print(f"{name} {way}, processor, MB: an update's tensors {update / 1e6:,.0f} computed, "
                  f"{found['live'] / 1e6:,.0f} measured; in all {row['peak'] / 1e6:,.0f} computed, "
                  f"resident memory grew by {found['grown'] / 1e6:,.0f}", flush=True)  # fmt: skip
            result["measured"].append({"config": name, "way": way, "update": update, "peak": row["peak"], **found})
    say_result("finetune_memory", {"tokens": args.tokens, **result})


if __name__ == "__main__":
    main()
