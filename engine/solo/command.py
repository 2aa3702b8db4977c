"""`sideman generate` and `python -m engine`: chords in, a MIDI file out. No port, no socket, no display."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from engine.asked_tracks import TRACKS_HELP, asked_tracks
from engine.atomic import check_file
from engine.errors import SidemanError, check_range
from engine.output.console import escape_what_cannot_be_said
from osc_protocol.table.options import add_parameter_options, parameters_from
from osc_protocol.table.parameters import HIGHEST_BPM, LOWEST_BPM, ParameterError

__all__ = ["add_arguments", "check_outputs", "run"]

MAX_BARS = 1000
MAX_SEED = 2**64 - 1
NOT_OFFLINE = ("mode", "look_ahead_ms", "keep_clear")  # matters of live play


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `generate`."""
    parser.add_argument("--chords", metavar="CHART", help='chords, such as "Dm7 | G7 | Cmaj7 | %%"')
    parser.add_argument("--prompt", metavar="IN.mid", type=Path, help="go on from the last notes of this file")
    parser.add_argument("--tracks", metavar="WHICH", help=f"of the prompt: {TRACKS_HELP}")
    parser.add_argument(
        "--tempo",
        metavar="BPM",
        type=float,
        help=f"felt beats a minute, dotted quarters in 6/8 [{LOWEST_BPM:g}..{HIGHEST_BPM:g}; default: the prompt's, "
        f"else 120]",
    )
    parser.add_argument("--metre", metavar="N/D", help="3/4, 6/8 ... [default: the chart's, the prompt's, or 4/4]")
    parser.add_argument("--beats-per-bar", metavar="N", type=int, help="[1..16]: short for --metre N/4")
    parser.add_argument(
        "--bars", metavar="N", type=int, help="bars to fill; the chart repeats or is cut [default: the chart once]"
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="another seed, another solo; the same, the same file"
    )
    parser.add_argument(
        "--variations",
        metavar="N",
        type=int,
        default=1,
        help="N solos, of seeds SEED, SEED+1, ...: OUT-1.mid is the best",
    )
    parser.add_argument(
        "--checkpoint", metavar="CKPT", type=Path, help="a base that `sideman train` wrote [default: the shipped one]"
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to decode [auto: on this processor]"
    )
    parser.add_argument(
        "--intro",
        metavar="N",
        type=int,
        default=0,
        help="bars before the first, over the chart's turnaround or beginning",
    )
    parser.add_argument("--tag", action="store_true", help="play the last four bars three times")
    parser.add_argument(
        "--ending", action=argparse.BooleanOptionalAction, default=True,
        help="come home to the last chord; --no-ending plays on to the last bar line, as for a loop",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print files, seeds, scores and diversity as one JSON line")
    parser.add_argument("-o", "--output", metavar="OUT.mid", type=Path, required=True)
    parser.add_argument("--wav", metavar="OUT.wav", type=Path, help="render it with FluidSynth, too")
    parser.add_argument("--plot", metavar="OUT.png", type=Path, help="draw its piano roll, too")
    add_parameter_options(parser, skip=NOT_OFFLINE)


def run(args: argparse.Namespace) -> int:
    """Checks everything that can be wrong before the first note; then writes the files. SidemanError on bad input."""
    from engine.chords import parse_chart
    from engine.chords.files.own_markers import GENERATED
    from engine.inference.backends import DEVICES, compiled_advice
    from engine.metre import COMMON, asked_metre
    from engine.midi_io.write import check_length, write_midi
    from engine.model.checkpoint import load_checkpoint
    from engine.solo.form import MOST_INTRO_BARS, with_intro, with_tag
    from engine.solo.limits import check_limits
    from engine.solo.prompt import go_on, timing_of
    from engine.solo.ranking import diversity, solo_scores, struck

    if args.chords is None and args.prompt is None:
        raise SidemanError('nothing to play over: give --chords "Dm7 | G7 | Cmaj7 | %" or --prompt in.mid')
    check_range("--tempo", args.tempo, LOWEST_BPM, HIGHEST_BPM)
    asked = asked_metre(args.metre, args.beats_per_bar)
    check_range("--variations", args.variations, 1, 1000)
    check_range("--seed", args.seed, 0, MAX_SEED - (args.variations - 1))
    check_range("--bars", args.bars, 1, MAX_BARS)
    check_range("--intro", args.intro, 0, MOST_INTRO_BARS)
    params = parameters_from(args)
    check_limits(params)
    if args.tracks is not None and args.prompt is None:
        raise SidemanError(f"--tracks {args.tracks}: says what of a --prompt is heard: give one, or leave it out")
    text = "N.C." if args.chords is None else args.chords
    tracks = asked_tracks("auto" if args.tracks is None else args.tracks)
    signature = prompt = None
    if args.prompt is not None:
        from engine.midi_io.pedal import as_held
        from engine.midi_io.read import read_performance
        from engine.midi_io.signature import read_signature

        signature, prompt = read_signature(args.prompt), as_held(read_performance(args.prompt, tracks=tracks))
    goes_on = (None if signature is None else signature.metre) or COMMON
    chart = parse_chart(text, metre=asked, otherwise=goes_on)
    metre = asked or (None if chart.metre == goes_on else chart.metre)
    timing = timing_of(args.prompt, signature, tempo_bpm=args.tempo, metre=metre)
    bars = args.bars or (8 if args.chords is None else None)
    if bars is not None:
        chart = chart.fill(bars)
    if args.tag:
        chart = with_tag(chart)
    if args.intro:
        chart = with_intro(chart, args.intro)
    asked_for = [path for path in (args.output, args.wav, args.plot) if path is not None]
    numbers = range(args.variations)
    outputs = [_numbered(path, n, args.variations) for path in asked_for for n in numbers]
    check_outputs(outputs, args.prompt, "the prompt")
    check_length(timing.tempo_bpm, chart.metre, chart.beats * 60.0 / timing.tempo_bpm)
    if args.wav is not None:
        from engine.output.render import find_synthesiser

        find_synthesiser()
    if args.plot is not None:
        from engine.output.plot import check_plot

        check_plot(args.plot, chart.bars)
    checkpoint = load_checkpoint(args.checkpoint)
    if compiled_advice():
        print(f"sideman: {compiled_advice()}", file=sys.stderr)
    if timing.said:
        print(timing.said, file=sys.stderr if args.json else None)
    if prompt is not None and prompt.mended:
        print(f"{args.prompt}: {prompt.mended}", file=sys.stderr)
    if prompt is not None and prompt.selection:
        print(f"{args.prompt}: heard is {prompt.selection}", file=sys.stderr if args.json else None)

    played = []
    for seed in range(args.seed, args.seed + args.variations):
        started = time.perf_counter()
        solo = go_on(
            checkpoint, chart, tempo_bpm=timing.tempo_bpm, seed=seed, params=params, prompt=prompt,
            backend=DEVICES[args.device], ending=args.ending, intro_bars=args.intro,
        )  # fmt: skip
        played.append((solo_scores(solo, chart), seed, solo, time.perf_counter() - started))
    played.sort(key=lambda one: -one[0].total)
    told = []
    for number, (scores, seed, solo, took_s) in enumerate(played):
        midi = _numbered(args.output, number, args.variations)
        told.append({"file": str(midi), "seed": seed, "notes": len(solo.notes), "scores": scores.as_dict()})
        write_midi(
            midi,
            solo.notes,
            tempo_bpm=solo.tempo_bpm,
            metre=solo.metre,
            chords=solo.chords,
            length_s=solo.length_s,
            text=f"{GENERATED}: seed {seed}, {json.dumps(scores.as_dict())}" if args.variations > 1 else GENERATED,
        )
        if not args.json:
            print(
                f"{midi}: {len(solo.notes)} notes, {solo.length_s:.1f} s of music in {took_s:.1f} s "
                f"({solo.length_s / took_s:.0f} x real time)"
                + (f"; seed {seed}, {scores}" if args.variations > 1 else "")
            )
    for number, (_, _, solo, _) in enumerate(played):  # the music is safe by now, whatever becomes of its pictures
        if args.plot is not None:
            from engine.output.plot import plot_png

            plot = _numbered(args.plot, number, args.variations)
            plot_png(plot, solo.notes, solo.chords, tempo_bpm=solo.tempo_bpm, metre=solo.metre)
            print(plot, file=sys.stderr if args.json else None)
        if args.wav is not None:
            from engine.output.render import render_wav

            wav = _numbered(args.wav, number, args.variations)
            render_wav(_numbered(args.output, number, args.variations), wav)
            print(wav, file=sys.stderr if args.json else None)
    spread = round(diversity([struck(solo.notes) for _, _, solo, _ in played]), 3)
    if args.json:
        print(json.dumps({"solos": told, "diversity": spread}))
    elif args.variations > 1:
        print(f"diversity {spread:g}")
    return 0


def check_outputs(paths: list[Path], source: Path | None, what: str) -> None:
    """All can be written, no two are one file, and none is the source: better now than after the work.

    what: the source is, as in "the prompt". SidemanError: otherwise.
    """
    for path in paths:
        if source is not None and path.resolve() == source.resolve():
            raise SidemanError(f"{path}: is {what}, which would be lost: give another name")
        check_file(path)
    if len({path.resolve() for path in paths}) < len(paths):
        raise SidemanError(f"two outputs share a name: {', '.join(map(str, paths))}")


def _numbered(path: Path, number: int, count: int) -> Path:
    """solo.mid -> solo-1.mid where there are several."""
    if count == 1:
        return path
    return path.with_name(f"{path.stem}-{number + 1}{path.suffix}")


def main() -> int:
    """The command alone, for `python -m engine`."""
    escape_what_cannot_be_said()
    parser = argparse.ArgumentParser(prog="python -m engine", description="Write a solo over chords to a MIDI file.")
    add_arguments(parser)
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        return 130
    except (SidemanError, ParameterError) as error:
        print("engine:", " ".join(str(error).split()), file=sys.stderr)
        return 2
