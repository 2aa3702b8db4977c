"""All that a GPU machine has to say about training, in ten minutes; on a processor the same in small.

    python -m benchmarks.study.check_gpu [--device cuda] [--parts forms training decoder decoding memory]

    forms      the compiled form against the plain one, random windows: float32 to 1e-5, bfloat16 to 1e-2
    training   tokens a second of `base` (bench_train); on a processor of `tiny`
    decoder    the torch decoder against the numpy decoder, 300 events
    decoding   bench_gpu; on a GPU only
    memory     an update of a style on `medium` to `1b`: QLoRA, 16-bit LoRA and the whole network, with the paged 8-bit
               optimiser on a GPU; on a processor `tiny`

Each part is a process of its own with its share of the time, so that one that fails costs no other. Exits with 1 if
one did. Prints what each printed, then one JSON line.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import numpy as np

from benchmarks.common.random_checkpoint import chord_view, model_config, random_checkpoint
from benchmarks.common.result import say_result

LIMIT_S = {"forms": 120, "training": 150, "decoder": 60, "decoding": 90, "memory": 180}
SIZES = ("medium", "large", "256m", "512m", "1b")
FORMS = ("nf4", "16-bit", "full")


def forms(device: str) -> None:
    """Prints how far the compiled form lies from the plain one; raises if that is too far."""
    import torch

    from benchmarks.study.bench_train import synthetic_piece
    from engine.data.diet import BaseSampler
    from engine.model.config_file import load_config
    from engine.model.perceiver import PerceiverMusicTransformer
    from engine.training.device import FastForm, pad_chords

    config = load_config("base" if device == "cuda" else "tiny").model
    torch.manual_seed(0)
    pieces = [synthetic_piece(np.random.default_rng(seed)) for seed in range(2)]
    inputs, _ = BaseSampler(pieces, config.max_seq_len, 2, 0, controls=config.controls).batch(0)
    model = PerceiverMusicTransformer(config).eval()
    with torch.no_grad():
        plain = model(inputs)
        model.to(device)
        FastForm(model, "inductor")
        there = pad_chords(inputs.to(device))
        exact = model(there).cpu()
        with torch.autocast(device, dtype=torch.bfloat16):
            rough = model(there).float().cpu()
    for name, value, most in (("float32", exact, 1e-5), ("bfloat16", rough, 1e-2)):
        apart = float((value - plain).norm() / plain.norm())
        print(f"{name}: relative distance {apart:.1e}, at most {most:g}")
        if not apart <= most:
            raise SystemExit(f"the compiled form in {name} is another function")


def decoder(device: str) -> None:
    """Prints the largest difference between logits of the two decoders; raises if one is large."""
    from engine.inference.decoders.numpy_decoder import Decoder
    from engine.inference.decoders.torch_decoder import TorchDecoder

    checkpoint = random_checkpoint("tiny", dequantised=True)
    mine, reference = TorchDecoder(checkpoint, 1025, device), Decoder(checkpoint)
    view, largest = chord_view(), 0.0
    for token in np.random.default_rng(0).integers(0, 388, 300).tolist():
        one, other = (np.asarray(d.step(token, 3, 2, *view), dtype=np.float64) for d in (mine, reference))
        largest = max(largest, float(np.abs(one - other).max() / max(1e-6, np.abs(other).max())))
    print(f"largest relative difference of a logit over 300 events: {largest:.1e}")
    if largest > (5e-2 if device == "cuda" else 1e-4):  # bfloat16 products of 4-bit matrices
        raise SystemExit("the torch decoder is another function")


def memory(device: str) -> None:
    """Prints memory and time of an update, by size and way."""
    import torch

    from benchmarks.study.bench_train import synthetic_piece
    from engine.data.window_sampler import WindowSampler
    from engine.model.config import QloraConfig
    from engine.training.finetune.layers import add_lora, build, checkpoint_blocks, import_bitsandbytes
    from engine.vocabulary import PAD

    piece = synthetic_piece(np.random.default_rng(0))
    for name in SIZES if device == "cuda" else ("tiny",):
        checkpoint, config = random_checkpoint(name, dequantised=True), model_config(name)
        inputs, targets = WindowSampler([piece], min(512, config.max_seq_len), 4, 0).batch(0)
        for way in FORMS:
            if device == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            model = build(checkpoint, way, device)  # type: ignore[arg-type]
            if way != "full":
                add_lora(model, QloraConfig())
            if device == "cuda":
                checkpoint_blocks(model)
            learning = [p for p in model.parameters() if p.requires_grad]
            kind = import_bitsandbytes().optim.PagedAdamW8bit if device == "cuda" else torch.optim.AdamW
            optimiser = kind(learning, lr=1e-4)
            for _ in range(3):
                start = time.perf_counter()
                with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                    logits = model(inputs.to(device))
                loss = torch.nn.functional.cross_entropy(
                    logits.float().flatten(0, 1), targets.to(device).flatten(), ignore_index=PAD
                )
                loss.backward()
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                value = loss.item()
            seconds = time.perf_counter() - start
            peak = f"{torch.cuda.max_memory_allocated() / 1e9:.2f} GB" if device == "cuda" else "memory not counted"
            print(f"{name} {way}: {seconds:.2f} s an update, {peak}, loss {value:.2f}", flush=True)
            del model, optimiser, learning, logits, loss


def command(part: str, device: str) -> list[str] | None:
    """Returns the command of a part; None: the part does not apply to this device."""
    python = [sys.executable, "-m"]
    if part == "training":
        small = ["tiny", "--updates", "2", "--threads", "1"]
        large = ["base", "--updates", "60", "--device", "cuda"]
        return [*python, "benchmarks.study.bench_train", *(large if device == "cuda" else small)]
    if part == "decoding":
        return [*python, "benchmarks.decoding.bench_gpu"] if device == "cuda" else None
    return [*python, "benchmarks.study.check_gpu", "--device", device, "--inside", part]


def main() -> int:
    parser = argparse.ArgumentParser(description="All checks of a GPU machine.")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="[cpu: the small form]")
    parser.add_argument("--parts", choices=tuple(LIMIT_S), nargs="+", default=list(LIMIT_S), help="[all]")
    parser.add_argument("--inside", choices=("forms", "decoder", "memory"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside is not None:
        {"forms": forms, "decoder": decoder, "memory": memory}[args.inside](args.device)
        return 0
    results: dict[str, object] = {}
    for part in args.parts:
        line = command(part, args.device)
        if line is None:
            print(f"== {part}: on a GPU only", flush=True)
            continue
        print(f"== {part}", flush=True)
        start = time.monotonic()
        limit_s = LIMIT_S[part] if args.device == "cuda" else 10 * LIMIT_S[part]  # a compiler of C++ takes its time
        try:
            status = subprocess.run(line, timeout=limit_s, check=False).returncode
        except subprocess.TimeoutExpired:
            status = -1
            print(f"{part}: not done after {limit_s} s")
        results[part] = {"passed": status == 0, "seconds": round(time.monotonic() - start)}
    say_result("check_gpu", {"device": args.device, "parts": results})
    return int(not all(row["passed"] for row in results.values()))  # type: ignore[index]


if __name__ == "__main__":
    sys.exit(main())
