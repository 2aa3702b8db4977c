"""Notes -> ids with another project's tokenizer, in whatever environment has it. bench_tokenizer.py runs this.

    python benchmarks/study/rival_tokenizers.py {miditok,note_seq,aria} FILE.mid ...

Stands alone: needs nothing of this project. Files are parsed before the clock, which counts processor
seconds, starts. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

PASSES = 3


def miditok(paths: list[str]) -> tuple[str, list[Any], Callable[[Any], int]]:
    """MIDILike at 10 ms and 32 velocities; a score that symusic parsed."""
    import miditok as package
    import symusic

    config = package.TokenizerConfig(num_velocities=32, use_programs=False, beat_res={(0, 12): 50})
    tokenizer = package.MIDILike(config)

    def encode(score: Any) -> int:
        tokens = tokenizer.encode(score)
        return sum(map(len, tokens)) if isinstance(tokens, list) else len(tokens)

    return f"miditok {version('miditok')} MIDILike", [symusic.Score(path) for path in paths], encode


def note_seq(paths: list[str]) -> tuple[str, list[Any], Callable[[Any], int]]:
    """Magenta's performance encoding at 10 ms and 32 velocities; a parsed NoteSequence."""
    import note_seq as package
    from note_seq import performance_encoder_decoder, performance_lib, sequences_lib

    encoder = performance_encoder_decoder.PerformanceOneHotEncoding(num_velocity_bins=32)

    def encode(sequence: Any) -> int:
        quantized = sequences_lib.quantize_note_sequence_absolute(sequence, 100)
        events = performance_lib.Performance(quantized, num_velocity_bins=32)
        return len([encoder.encode_event(event) for event in events])

    return f"note_seq {version('note-seq')}", [package.midi_file_to_note_sequence(path) for path in paths], encode


def aria(paths: list[str]) -> tuple[str, list[Any], Callable[[Any], int]]:
    """EleutherAI's absolute tokenizer; a parsed MidiDict."""
    from ariautils.midi import MidiDict
    from ariautils.tokenizer import AbsTokenizer

    tokenizer = AbsTokenizer()

    def encode(midi: Any) -> int:
        return len(tokenizer.encode(tokenizer.tokenize(midi)))

    return "aria AbsTokenizer", [MidiDict.from_midi(path) for path in paths], encode


def main() -> None:
    name, pieces, encode = {"miditok": miditok, "note_seq": note_seq, "aria": aria}[sys.argv[1]](sys.argv[2:])
    seconds = []
    for _ in range(PASSES):
        begin = time.process_time()
        tokens = sum(encode(piece) for piece in pieces)
        seconds.append(time.process_time() - begin)
    print(json.dumps({"name": name, "tokens": tokens, "seconds": min(seconds)}))


if __name__ == "__main__":
    main()
