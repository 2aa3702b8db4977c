"""Branch 1, "SCG + transformer": a diffusion transformer over piano rolls, guided by a rule while it samples.

Denoising diffusion (Ho et al. 2020) with a transformer whose norms are set by the noise level (DiT, Peebles and Xie
2023), and stochastic control guidance (Huang et al. 2024): of several next steps drawn, the one whose foreseen end
keeps the rule best goes on. Written from the papers. Theirs diffuses latents of a VAE at 10 ms with up to 674 million
parameters; this one patches of the roll itself at 80 ms, which is what trains here. The rule is the very figure that
is measured, the share on chord tones: no other contestant is given that.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.comparison.layers import Attention
from benchmarks.comparison.music import CLIP_S, Asked, chord_share, note_arrays, piece_shares
from engine.arrays import F32
from engine.data.shards.shards import PieceArrays, Shard
from engine.notes import Notes, make_notes
from engine.vocabulary import STEP_S

__all__ = ["Scg", "held_out", "play", "training_loss"]

DIM, LAYERS, HEADS, FF, BATCH = 192, 5, 6, 768, 16
FRAMES, FRAME_S, KEYS, LOWEST = 128, 0.08, 88, 21  # 10.24 s from A0 to C8
FRAMES_A_PATCH = 2
LEVELS = 1000  # of noise in training
STEPS, CANDIDATES = 50, 4  # while sampling: steps, and next steps drawn at each
STRUCK, SOUNDING = 0.0, 0.0  # above: the value of a silent place is -1
RATE = 2e-3


class _Block(nn.Module):
    """Attention and network whose norms are scaled, shifted and gated by the noise level."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(DIM, elementwise_affine=False)
        self.attn = Attention(DIM, HEADS, causal=False)
        self.up_proj, self.down_proj = nn.Linear(DIM, FF, bias=False), nn.Linear(FF, DIM, bias=False)
        self.level = nn.Linear(DIM, 6 * DIM)
        nn.init.zeros_(self.level.weight)
        nn.init.zeros_(self.level.bias)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        a, b, c, d, e, f = self.level(level)[:, None].chunk(6, dim=-1)
        x = x + (1 + c) * self.attn(self.norm(x) * (1 + a) + b)
        out: Tensor = x + (1 + f) * self.down_proj(F.gelu(self.up_proj(self.norm(x) * (1 + d) + e)))
        return out


class Scg(nn.Module):
    """Maps (B, 2, KEYS, FRAMES) noisy rolls and (B,) noise levels 0..1 to the noise in them."""

    def __init__(self) -> None:
        super().__init__()
        patch = 2 * KEYS * FRAMES_A_PATCH
        self.into, self.out = nn.Linear(patch, DIM), nn.Linear(DIM, patch)
        self.place = nn.Parameter(0.02 * torch.randn(FRAMES // FRAMES_A_PATCH, DIM))
        self.level = nn.Sequential(nn.Linear(64, DIM), nn.SiLU(), nn.Linear(DIM, DIM), nn.SiLU())
        self.blocks = nn.ModuleList(_Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(DIM)
        nn.init.zeros_(self.out.weight)

    def forward(self, rolls: Tensor, level: Tensor) -> Tensor:
        patches = rolls.unflatten(-1, (-1, FRAMES_A_PATCH)).permute(0, 3, 1, 2, 4)  # (B, P, 2, KEYS, frames)
        shape = patches.shape[2:]
        rate = torch.exp(torch.linspace(0, math.log(1000), 32))
        angle = level[:, None] * rate
        noise = self.level(torch.cat([angle.sin(), angle.cos()], dim=-1))
        x = self.into(patches.flatten(2)) + self.place
        for block in self.blocks:
            x = block(x, noise)
        said = self.out(self.norm(x)).unflatten(-1, shape)
        rolled: Tensor = said.permute(0, 2, 3, 1, 4).flatten(-2)
        return rolled


def kept(level: Tensor) -> Tensor:
    """Returns the share of the signal's power left at a level 0..1: the cosine schedule (Nichol and Dhariwal 2021)."""
    return torch.cos((level * 0.98 + 0.01) * math.pi / 2) ** 2


def roll_of(piece: PieceArrays, rng: np.random.Generator) -> F32 | None:
    """Cuts ten seconds from anywhere in a piece, in one of twelve keys: where keys are struck, and where they sound.

    -1 is silence; a strike is its loudness from 0 to 1, sounding is 1. None: the piece is too short.
    """
    notes = note_arrays(piece)
    end_s = float((notes.onset + notes.length).max()) * STEP_S if len(notes.onset) else 0.0
    if end_s < CLIP_S:
        return None
    start_s = float(rng.uniform(0, end_s - CLIP_S))
    onset = np.floor((notes.onset * STEP_S - start_s) / FRAME_S).astype(int)
    offset = np.maximum(onset + 1, np.ceil(((notes.onset + notes.length) * STEP_S - start_s) / FRAME_S).astype(int))
    pitch = notes.pitch - LOWEST + int(rng.integers(-6, 6))
    roll = np.full((2, KEYS, FRAMES), -1.0, dtype=np.float32)
    for first, stop, key, loud in zip(onset, offset, pitch, notes.velocity, strict=True):
        if stop <= 0 or first >= FRAMES or not 0 <= key < KEYS:
            continue
        roll[1, key, max(0, first) : stop] = 1.0
        if first >= 0:
            roll[0, key, first] = loud / 32
    return roll


def rolls(shard: Shard, count: int, rng: np.random.Generator) -> Tensor:
    """Draws (count, 2, KEYS, FRAMES) rolls, pieces in proportion to their length."""
    shares = piece_shares(shard.pieces)
    found: list[F32] = []
    while len(found) < count:
        roll = roll_of(shard.pieces[int(rng.choice(len(shares), p=shares))], rng)
        if roll is not None:
            found.append(roll)
    return torch.from_numpy(np.stack(found))


def _denoising_loss(model: nn.Module, clean: Tensor, generator: torch.Generator) -> Tensor:
    level = torch.randint(1, LEVELS + 1, (len(clean),), generator=generator) / LEVELS
    noise = torch.randn(clean.shape, generator=generator)
    left = kept(level)[:, None, None, None]
    return F.mse_loss(model(left.sqrt() * clean + (1 - left).sqrt() * noise, level), noise)


def training_loss(model: nn.Module, shard: Shard, number: int) -> Tensor:
    """Returns the mean square of the noise that was not found; 1 before training."""
    clean = rolls(shard, BATCH, np.random.default_rng([1, number]))
    return _denoising_loss(model, clean, torch.Generator().manual_seed(number))


@torch.no_grad()
def held_out(model: nn.Module, shard: Shard, most: int) -> float:
    """Returns the same on held-out rolls. It is no likelihood, and no other contestant's figure compares with it."""
    clean = rolls(shard, most, np.random.default_rng(7))
    generator = torch.Generator().manual_seed(7)
    return float(np.mean([float(_denoising_loss(model, part, generator)) for part in clean.split(16)]))


@torch.no_grad()
def play(model: nn.Module, asked: Asked, seed: int, candidates: int = CANDIDATES) -> Notes:
    """Plays ten seconds at once. candidates: next steps among which the rule chooses; with 1 there is no rule."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((1, 2, KEYS, FRAMES), generator=generator)
    levels = torch.linspace(1, 0, STEPS + 1)
    clean = x
    for now, after in pairwise(levels):
        a, b = kept(now), kept(after) if after > 0 else torch.tensor(1.0)
        mean, deviation = _step(_foreseen(model, x, now), x, a, b)
        steps = mean + deviation * torch.randn((candidates, *x.shape[1:]), generator=generator)
        if candidates > 1 and after > 0:
            ends = _foreseen(model, steps, after)
            best = max(range(candidates), key=lambda i: _kept_rule(ends[i], asked))
            x = steps[best : best + 1]
        else:
            x = steps[:1]
        clean = mean
    return notes_of_roll(clean[0])


def _foreseen(model: nn.Module, x: Tensor, level: Tensor) -> Tensor:
    """Returns the clean roll that is left if the noise found at this level is all there is."""
    left = kept(level)
    noise = model(x, level.expand(len(x)))
    return ((x - (1 - left).sqrt() * noise) / left.sqrt()).clamp(-1.2, 1.2)


def _step(end: Tensor, x: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns mean and standard deviation of DDPM's posterior between two levels that keep a and b of the power."""
    ratio = a / b
    variance = (1 - b) / (1 - a) * (1 - ratio)
    mean = (b.sqrt() * (1 - ratio) * end + ratio.sqrt() * (1 - b) * x) / (1 - a)
    return mean, variance.clamp_min(0).sqrt()


def _kept_rule(roll: Tensor, asked: Asked) -> float:
    notes = notes_of_roll(roll)
    return chord_share(notes, asked) if len(notes) else 0.0


def notes_of_roll(roll: Tensor) -> Notes:
    """Makes a note of every strike in a (2, KEYS, FRAMES) roll, for as long as its key sounds."""
    struck, sounds = (roll[0] > STRUCK).numpy(), (roll[1] > SOUNDING).numpy()
    rows = []
    for key, first in zip(*np.nonzero(struck), strict=True):
        if first > 0 and struck[key, first - 1]:
            continue
        stop = first + 1
        while stop < FRAMES and sounds[key, stop] and not struck[key, stop]:
            stop += 1
        loud = int(np.clip(float(roll[0, key, first]) * 128, 1, 127))
        rows.append((first * FRAME_S, stop * FRAME_S, key + LOWEST, loud))
    return make_notes(*zip(*rows, strict=True)) if rows else make_notes([], [], [], [])
