"""Branch 2, Moonbeam's form (Guo and Dixon 2025) at our size: one token a note, LoRA for what comes after.

A note is onset, length, octave, pitch class and velocity. Quantities enter as sines of their values (Fundamental Music
Embedding), each head is turned by one field (Multidimensional Relative Attention, without parameters of its own), and
a GRU names the fields of the next note one after the other. Written from the paper; there is
one instrument here, and the chords enter as two embeddings beside each note. The published ones have 309 and 839
million parameters and 81,600 hours of MIDI behind them; this has neither.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.comparison.layers import Block, Cache, draw
from benchmarks.comparison.music import CLIP_S, Asked, NoteArrays, note_arrays, note_windows, notes_of_rows
from engine.data.shards.shards import Shard
from engine.notes import Notes
from engine.vocabulary import STEP_S, VOCAB_SIZE

__all__ = ["Moonbeam", "held_out", "play", "training_loss"]

DIM, LAYERS, HEADS, FF, CONTEXT, BATCH = 192, 5, 6, 768, 128, 8
FIELDS = {"wait": 501, "length": 1001, "octave": 11, "class": 12, "velocity": 32}
"""What the GRU names of the next note, and how many values each field has: steps of 10 ms since the last onset (to 5
s), steps that it lasts (to 10 s), and 32 bins of velocity. Longer waits and notes count as the longest."""
HEAD_FIELDS = ("onset", "onset", "length", "octave", "class", "velocity")
RATE = 3e-3

Batch = dict[str, Tensor]


class Sines(nn.Module):
    """(…,) numbers -> (…, DIM): sines and cosines over the octaves of the period, and one learned matrix."""

    def __init__(self, longest: float) -> None:
        super().__init__()
        self.rate: Tensor
        self.register_buffer("rate", 2 * torch.pi / torch.logspace(0.3, float(np.log10(longest)), 32), persistent=False)
        self.sines_proj = nn.Linear(64, DIM, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        angle = x[..., None] * self.rate
        out: Tensor = self.sines_proj(torch.cat([angle.sin(), angle.cos()], dim=-1))
        return out


class Moonbeam(nn.Module):
    """Maps fields of notes to hidden states, and measures the notes after them in nats."""

    def __init__(self) -> None:
        super().__init__()
        self.sines = nn.ModuleDict({
            "onset": Sines(8000), "length": Sines(2000), "octave": Sines(22), "class": Sines(24), "velocity": Sines(64)
        })  # fmt: skip
        self.chord, self.coming = nn.Embedding(VOCAB_SIZE, DIM), nn.Embedding(VOCAB_SIZE, DIM)
        nn.init.normal_(self.chord.weight, std=0.02)
        nn.init.normal_(self.coming.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(DIM, HEADS, FF) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(DIM)
        self.gru = nn.GRU(DIM, DIM, batch_first=True)
        self.said = nn.ModuleDict({name: nn.Embedding(size, DIM) for name, size in FIELDS.items()})
        self.heads = nn.ModuleDict({name: nn.Linear(DIM, size) for name, size in FIELDS.items()})

    def forward(self, notes: Batch, cache: Cache | None = None) -> Tensor:
        """(B, L) of each field -> (B, L, d)."""
        x = self.chord(notes["chord"]) + self.coming(notes["coming"])
        for name, sines in self.sines.items():
            x = x + sines(notes[name].float())
        rate = 10_000 ** (-torch.arange(DIM // HEADS // 2) / (DIM // HEADS // 2))
        angles = torch.stack([notes[name].float() for name in HEAD_FIELDS], dim=1)[..., None] * rate
        for layer, block in enumerate(self.blocks):
            x = block(x, angles, cache, layer)
        out: Tensor = self.norm(x)
        return out

    def nats(self, hidden: Tensor, wanted: Batch) -> Tensor:
        """(N, d) states and (N,) of each of FIELDS -> (N,) nats of the notes: the sum over their fields."""
        said = [embedding(wanted[name])[:, None] for name, embedding in self.said.items()][:-1]
        out, _ = self.gru(torch.cat([torch.zeros_like(hidden)[:, None], *said], dim=1), hidden[None].contiguous())
        return sum(  # type: ignore[return-value]
            F.cross_entropy(head(out[:, i]), wanted[name], reduction="none")
            for i, (name, head) in enumerate(self.heads.items())
        )

    def say(self, hidden: Tensor, generator: torch.Generator) -> dict[str, int]:
        """Draws the fields of one note from a (1, d) state, one after the other."""
        state, said, fields = hidden[None].contiguous(), torch.zeros_like(hidden)[:, None], {}
        for name, head in self.heads.items():
            out, state = self.gru(said, state)
            fields[name] = draw(head(out[0, 0]), generator)
            said = self.said[name](torch.tensor([[fields[name]]]))
        return fields


def fields_of(rows: dict[str, np.ndarray]) -> tuple[Batch, Batch]:
    """(B, L) fields of NoteArrays -> inputs of all notes, and what is to be said of each; onsets from the window's."""
    onset = rows["onset"] - rows["onset"][:, :1]
    wait = np.diff(onset, axis=1, prepend=onset[:, :1])
    inputs = {
        "onset": onset, "length": rows["length"], "octave": rows["pitch"] // 12, "class": rows["pitch"] % 12,
        "velocity": rows["velocity"], "chord": rows["chord"], "coming": rows["coming"],
    }  # fmt: skip
    wanted = {
        "wait": np.clip(wait, 0, FIELDS["wait"] - 1), "length": np.clip(rows["length"], 0, FIELDS["length"] - 1),
        "octave": inputs["octave"], "class": inputs["class"], "velocity": rows["velocity"],
    }  # fmt: skip
    return tuple({n: torch.from_numpy(np.ascontiguousarray(x)) for n, x in part.items()} for part in (inputs, wanted))  # type: ignore[return-value]


def _nats(model: Moonbeam, rows: dict[str, np.ndarray], first: int = 1) -> Tensor:
    """Returns (B, L - first) nats of the notes from `first` on, each after those before it."""
    inputs, wanted = fields_of(rows)
    hidden = model({name: x[:, :-1] for name, x in inputs.items()})[:, first - 1 :]
    flat = {name: x[:, first:].flatten() for name, x in wanted.items()}
    return model.nats(hidden.flatten(0, 1), flat).unflatten(0, hidden.shape[:2])


def training_loss(model: Moonbeam, shard: Shard, number: int) -> Tensor:
    """Returns the mean nats a note of batch `number`."""
    rows = note_windows(shard.pieces, CONTEXT + 1, BATCH, np.random.default_rng([0, number]))
    return _nats(model, rows).mean()


@torch.no_grad()
def held_out(model: Moonbeam, shard: Shard, most: int) -> float:
    """Returns nats a note over evenly spread windows; each note but a piece's first ones has half a window of past."""
    places = []
    for piece in shard.pieces:
        notes = note_arrays(piece)
        starts = range(0, max(1, len(notes.onset) - CONTEXT), CONTEXT // 2)
        places += [(notes, start) for start in starts]
    chosen = [places[i] for i in np.unique(np.linspace(0, len(places) - 1, min(most, len(places))).astype(int))]
    nats, count = 0.0, 0
    for notes, start in chosen:
        rows = {n: getattr(notes, n)[None, start : start + CONTEXT + 1] for n in NoteArrays.__dataclass_fields__}
        if rows["onset"].shape[1] < 2:
            continue
        first = 1 if start == 0 else CONTEXT // 2 + 1
        if rows["onset"].shape[1] <= first:
            continue
        surprise = _nats(model, rows, first)
        nats += float(surprise.sum())
        count += surprise.numel()
    return nats / max(1, count)


@torch.no_grad()
def play(model: Moonbeam, asked: Asked, seed: int) -> Notes:
    """Plays the chart's first seconds from its root in the bass, note by note, with a cache of keys and values."""
    generator = torch.Generator().manual_seed(seed)
    root = int((asked.ids[0] - 401) // 24)
    row = {"onset": 0, "length": 50, "octave": 3, "class": root, "velocity": 16}
    played, cache = [row], Cache()
    while len(played) < 8 * CONTEXT:
        now = int(np.searchsorted(asked.starts_s, row["onset"] * STEP_S + 1e-6, side="right")) - 1
        after = min(now + 1, len(asked.ids) - 1)
        fields = {**row, "chord": int(asked.ids[now]), "coming": int(asked.ids[after])}
        said = model.say(model({n: torch.tensor([[x]]) for n, x in fields.items()}, cache)[:, -1], generator)
        row = {**said, "onset": row["onset"] + said["wait"]}
        if row["onset"] * STEP_S >= CLIP_S:
            break
        played.append(row)
        if cache[0][0].shape[2] >= CONTEXT:
            cache = [(k[:, :, -CONTEXT // 2 :], v[:, :, -CONTEXT // 2 :]) for k, v in cache]
    columns = {n: np.array([r[n] for r in played]) for n in ("onset", "length", "octave", "class", "velocity")}
    pitch = np.clip(columns["octave"] * 12 + columns["class"], 0, 127)
    return notes_of_rows(columns["onset"], np.maximum(1, columns["length"]), pitch, columns["velocity"])
