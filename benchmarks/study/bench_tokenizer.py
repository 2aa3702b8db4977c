"""Notes -> ids on the same files: C++, its numpy twin, miditok's MIDILike, note_seq and aria's tokenizer.

    python -m benchmarks.study.bench_tokenizer [FOLDER] [--files 50] [--rival-python NAME=PYTHON ...]

FOLDER holds MIDI files, of which every n-th is taken; without it 50 pieces are made up. A rival (miditok, note_seq,
aria) runs in its own process, with the Python named for it (default: this one); one that cannot run is named with the
reason. Everyone starts from parsed files. Prints a table, then one JSON line; token counts differ with the encodings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import native
from benchmarks.common.result import say_result
from benchmarks.study.rival_tokenizers import PASSES
from engine.errors import MidiFileError
from engine.midi_io.read import read_performance
from engine.midi_io.write import write_midi
from engine.notes import Notes, make_notes
from engine.vocabulary import LAYOUT
from native.twins import tokenizer as twin

RIVALS = ("miditok", "note_seq", "aria")
REMEDIES = {
    "miditok": "pip install miditok==3.1.0",
    "note_seq": "an environment of its own: pip install --no-deps note-seq, then pip install 'numpy<2' "
    "protobuf==3.20.3 attrs pretty_midi intervaltree pandas scipy absl-py bokeh librosa pydub ipython",
    "aria": "its package ariautils is on no package registry: install it from its repository",
}


def made_up_notes(seed: int, count: int = 2000) -> Notes:
    """Makes some minutes of chords with spread onsets and overlaps."""
    rng = np.random.default_rng(seed)
    onset_s = np.sort(np.repeat(np.cumsum(rng.gamma(2.0, 0.15, size=count // 4)), 4) + rng.uniform(0, 0.02, count))
    pitch = rng.normal(64, 12, size=count).round().clip(21, 108)
    return make_notes(onset_s, onset_s + rng.gamma(1.5, 0.3, size=count), pitch, rng.normal(70, 20, count).clip(1, 127))


def choose_files(folder: Path | None, count: int, scratch: Path) -> list[Path]:
    if folder is None:
        for seed in range(count):
            write_midi(scratch / f"{seed}.mid", made_up_notes(seed), tempo_bpm=120)
        folder = scratch
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    chosen: list[Path] = []
    for path in found[:: max(1, len(found) // count)]:
        try:
            read_performance(path)
        except MidiFileError:
            continue
        chosen.append(path)
    return chosen[:count]


def ours(name: str, codec: Any, pieces: list[Notes]) -> dict[str, Any]:
    columns = [[notes[key].copy() for key in ("onset_s", "offset_s", "pitch", "velocity")] for notes in pieces]
    ids = [codec.encode(LAYOUT, *piece) for piece in columns]
    encode_s = _fastest(lambda: [codec.encode(LAYOUT, *piece) for piece in columns])
    decode_s = _fastest(lambda: [codec.decode(LAYOUT, piece) for piece in ids])
    return {"name": name, "tokens": sum(map(len, ids)), "seconds": encode_s, "decode_seconds": decode_s}


def _fastest(call: Callable[[], object]) -> float:
    """Returns processor seconds of the fastest of a few passes over all files, as for the rivals."""
    seconds = []
    for _ in range(PASSES):
        begin = time.process_time()
        call()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def rival(name: str, python: str, files: list[Path]) -> dict[str, Any]:
    """Runs a rival; returns its figures, or its name and why there are none."""
    command = [python, str(Path(__file__).with_name("rival_tokenizers.py")), name, *map(str, files)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=True)
    except subprocess.CalledProcessError as failure:
        reason = (failure.stderr.strip().splitlines() or ["no message"])[-1]
        return {"name": name, "missing": f"{reason} ({REMEDIES[name]})"}
    except (OSError, subprocess.TimeoutExpired) as failure:
        return {"name": name, "missing": str(failure)}
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--rival-python", action="append", default=[], metavar="NAME=PYTHON")
    args = parser.parse_args()
    pythons = dict(pair.split("=", 1) for pair in args.rival_python)
    with tempfile.TemporaryDirectory() as scratch:
        files = choose_files(args.folder, args.files, Path(scratch))
        begin = time.perf_counter()
        pieces = [read_performance(path).notes for path in files]
        read_s = time.perf_counter() - begin
        rows = [ours(f"native ({native.VARIANT})", native, pieces), ours("numpy twin", twin, pieces)]
        rows += [rival(name, pythons.get(name, sys.executable), files) for name in RIVALS]
    note_count = sum(map(len, pieces))
    base = next((row["tokens"] / row["seconds"] for row in rows if row["name"].startswith("miditok ")), None)
    print(f"{len(files)} files, {note_count} notes, read in {read_s:.2f} s\n")
    print(f"{'notes -> ids':28} {'tokens':>8} {'M tokens/s':>11} {'M notes/s':>10} {'x miditok':>10}")
    for row in rows:
        if "missing" in row:
            print(f"{row['name']:28} not run: {row['missing']}")
            continue
        speed = row["tokens"] / row["seconds"]
        row["x_miditok"] = round(speed / base, 1) if base else None
        times = f"{speed / base:10.1f}" if base else ""
        print(
            f"{row['name']:28} {row['tokens']:8} {speed / 1e6:11.3f} {note_count / row['seconds'] / 1e6:10.3f} {times}"
        )
    for row in rows[:2]:
        print(f"{row['name']:28} ids -> notes {row['tokens'] / row['decode_seconds'] / 1e6:.2f} M tokens/s")
    print()
    say_result("tokenizer", {"files": len(files), "notes": note_count, "rows": rows})


if __name__ == "__main__":
    main()
