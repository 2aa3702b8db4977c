"""What `sideman chords` says of POP909 songs that lie alone in a folder, all tracks, as a user's file does.

No annotation lies beside the file and no track is picked by hand. Chord recall is mir_eval's, in sets of 91 songs, the
worst set beside all songs. A song has false beats if it has beats of which a third or more lie over 60 ms from every
annotated beat and from every half between two. Prints a table, the songs with false beats, then one JSON line.
"""

from __future__ import annotations

import argparse
import collections
import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common.corpora import add_data_option, pop909_folders
from benchmarks.common.result import say_result
from benchmarks.music.bench_chord_labels import MEASURES, score
from engine.arrays import F64
from engine.chords.files.labels import read_pop909
from engine.data.reading.corpus import Source, read_piece

SET = 91
TOLERANCE_S = 0.06
FALSE_SHARE = 1 / 3


def share_off(beats_s: F64, annotated_s: F64) -> float:
    """The share of beats, within what is annotated, that lie on no annotated beat and on no half of one."""
    marks = np.sort(np.concatenate([annotated_s, (annotated_s[1:] + annotated_s[:-1]) / 2]))
    beats_s = beats_s[(beats_s >= marks[0]) & (beats_s <= marks[-1])]
    if len(beats_s) == 0:
        return 0.0
    after = np.searchsorted(marks, beats_s).clip(1, len(marks) - 1)
    distances_s = np.minimum(np.abs(marks[after] - beats_s), np.abs(beats_s - marks[after - 1]))
    return float((distances_s > TOLERANCE_S).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser, "folder with chords/pop909")
    parser.add_argument("--songs", type=int, help="an evenly spread sample [all]")
    args = parser.parse_args()
    folders = pop909_folders(args.data)
    if args.songs:
        folders = folders[:: max(1, len(folders) // args.songs)][: args.songs]
    results, wrong, sources = [], [], collections.Counter[str]()
    for folder in folders:
        with tempfile.TemporaryDirectory() as alone:
            file = Path(shutil.copy(folder / f"{folder.name}.mid", alone))
            piece = read_piece(Source(file, file.name, "files", file.name, "unknown"))
        sources[piece.beat_source] += 1
        off = share_off(np.asarray(piece.performance.beats_s), read_pop909(folder)[1])
        if off >= FALSE_SHARE:
            wrong.append((folder.name, piece.beat_source, round(off, 2)))
        results.append(score(folder, piece.chords))
    weights = np.array([seconds for _, seconds in results])
    values = np.array([[row[name] for name in MEASURES] for row, _ in results])
    sets = [slice(start, None, max(1, len(folders) // SET)) for start in range(max(1, len(folders) // SET))]
    of_sets = np.array([np.average(values[one], axis=0, weights=weights[one]) for one in sets])
    rows = {"all": np.average(values, axis=0, weights=weights), f"worst of {len(sets)} sets": of_sets.min(axis=0)}
    print(f"{'':<20} " + " ".join(f"{name:>12}" for name in MEASURES))
    for label, row in rows.items():
        print(f"{label:<20} " + " ".join(f"{value:>12.3f}" for value in row))
    print(f"beats: {dict(sources)}; false in {len(wrong)} of {len(folders)} songs: {wrong}")
    told = {label: dict(zip(MEASURES, row.round(4).tolist(), strict=True)) for label, row in rows.items()}
    say_result("lone songs", {"songs": len(folders), "rows": told, "beats": dict(sources), "false_beats": wrong})


if __name__ == "__main__":
    main()
