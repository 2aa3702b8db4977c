"""`sideman blindtest`: a page on which people say who is the pianist, and what their answers come to."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands.study.progress import Progress
from engine.atomic import check_file
from engine.errors import SidemanError, check_range
from osc_protocol.table.parameters import DEFAULT_BPM, HIGHEST_BPM, LOWEST_BPM

if TYPE_CHECKING:
    from engine.evaluation.blindtest.judging.scoring import Score, Share

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that make a test, and the actions on one that was made."""
    add = parser.add_argument
    who = "real, sideman, sideman:STYLE, 5-gram, a base, or NAME=FOLDER of MIDI [real sideman small]"
    add("--contestants", metavar="WHO", nargs="+", default=["real", "sideman", "small"], help=who)
    add("--real", metavar="FOLDER", type=Path, help="held-out performances: a folder of MIDI [the test side of --data]")
    add("--data", metavar="DATA", type=Path, help="folder that `sideman prepare` wrote")
    add("--chords", metavar="CHART", action="append", default=[], help="play over this chart instead; may be repeated")
    add("--tempo", metavar="BPM", type=float, default=DEFAULT_BPM, help=f"of --chords [{DEFAULT_BPM:g}]")
    add("--places", metavar="N", type=int, default=20, help="where everybody plays [20]")
    add("--pairs", metavar="N", type=int, default=24, help="that a listener hears [24]")
    add("--seconds", metavar="S", type=float, default=12.0, help="of a clip [12]")
    add("--seed", metavar="N", type=int, default=0, help="of places, playing and pairs [0]")
    add(
        "--leads",
        metavar="FOLDER",
        type=Path,
        help="only write what stands before each place, for others to go on from",
    )
    add("-o", "--output", metavar="PAGE.html", type=Path, help="the page; its key is written beside it")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    scored = actions.add_parser("score", help="who is preferred, by whom, and how sure that is")
    scored.add_argument("key", metavar="KEY.json", type=Path)
    scored.add_argument("answers", metavar="ANSWERS.json", type=Path, nargs="+")
    scored.add_argument("--json", action="store_true", help="print one JSON object")
    machine = actions.add_parser("machine", help="a classifier of real against played, in place of a listener")
    machine.add_argument("key", metavar="KEY.json", type=Path)
    machine.add_argument("-o", "--output", metavar="ANSWERS.json", dest="machine_output", type=Path,
                         help="write its answers on the page's pairs, too")  # fmt: skip
    machine.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Makes a test, or scores one."""
    return {"score": _score, "machine": _machine, None: _make}[args.action](args)


def _make(args: argparse.Namespace) -> int:
    for option, low, high in (("places", 2, 1000), ("pairs", 1, 1000), ("seconds", 2, 60), ("seed", 0, 2**63)):
        check_range(f"--{option}", getattr(args, option), low, high)
    check_range("--tempo", args.tempo, LOWEST_BPM, HIGHEST_BPM)
    if args.output is None and args.leads is None:
        raise SidemanError("nothing to write: give -o test.html, or --leads FOLDER")
    if args.output is not None and not args.output.parent.is_dir():
        raise SidemanError(f"{args.output}: no folder {args.output.parent}: make it first")
    if args.output is not None and args.leads is not None:
        raise SidemanError("--leads writes no page: leave -o out, and make the page once others have gone on from them")
    from engine.evaluation.blindtest.contestants import enlist
    from engine.evaluation.blindtest.make import key_path, make_test, write_leads
    from engine.evaluation.blindtest.places import Place, chart_places, held_out, music_places
    from engine.output.render import find_soundfont

    if args.output is not None:  # now, not after minutes of playing
        check_file(args.output)
        check_file(key_path(args.output))
        if key_path(args.output).exists():
            why = "answers to the page of before are scored by it: give another -o, or remove it"
            raise SidemanError(f"{key_path(args.output)}: is there already, and {why}")
    places: list[Place] = []
    if args.chords:
        places += chart_places(args.chords, args.tempo, args.places, args.seconds)
    else:
        places += music_places(held_out(args.data, args.real, _refused), args.places, args.seconds, args.seed)
    if args.leads is not None:
        write_leads(args.leads, places)
        print(f"{args.leads}: {len(places)} places; what goes on from them goes into a folder under the same names")
        return 0
    contestants = enlist(args.contestants, args.data, _refused)
    with Progress(None, "clips played") as playing, Progress(None, "clips rendered") as rendering:
        bars = {"clips played": playing, "clips rendered": rendering}
        made = make_test(
            args.output, contestants, places, args.pairs, args.seed,
            lambda what, done, total: bars[what].update(done, total),
        )  # fmt: skip
    size = f"{args.pairs} pairs, {made.clips} clips, {made.page_bytes / 1e6:.1f} MB"
    print(f"{args.output}: {size}, played by {find_soundfont().resolve().name}: open it in any browser")
    print(f"{key_path(args.output)}: the key, sealed as {made.sealed[:12]}; keep it from the listeners")
    return 0


def _refused(name: str, reason: str) -> None:
    print(f"refused {name}: {reason}", file=sys.stderr)


def _score(args: argparse.Namespace) -> int:
    from engine.evaluation.blindtest.judging.answers import read_answers
    from engine.evaluation.blindtest.judging.scoring import score
    from engine.evaluation.blindtest.sealed import read_key

    key, sealed = read_key(args.key)
    result = score(key, read_answers(args.answers, sealed, len(key.pairs)))
    if args.json:
        print(json.dumps(result.as_json()))
    else:
        _print_score(result)
    return 0


def _machine(args: argparse.Namespace) -> int:
    from engine.evaluation.blindtest.judging.answers import write_answers
    from engine.evaluation.blindtest.judging.machine import NAME, judge_pairs, listen
    from engine.evaluation.blindtest.judging.statistics import coin_p, interval
    from engine.evaluation.blindtest.sealed import read_key

    key, sealed = read_key(args.key)
    if args.machine_output is not None:
        if args.machine_output.exists() and args.machine_output.samefile(args.key):
            raise SidemanError(f"-o {args.machine_output}: is the key itself: give another name")
        check_file(args.machine_output)
    rows = listen(key)
    if args.machine_output is not None:
        write_answers(args.machine_output, judge_pairs(key, sealed))
    if args.json:
        print(json.dumps({"judge": NAME, "rows": [row.__dict__ for row in rows]}))
        return 0
    print(f"{NAME}, over {len(key.works)} places of {len(set(key.works))} pieces")
    print(f"{'':<20} {'taken for real':>14} {'95 %':>11} {'p of a coin':>12} {'Frechet':>8}")
    for row in rows:
        low, high = interval(row.taken_for_real, row.of)
        share, coin = row.taken_for_real / max(1, row.of), coin_p(row.taken_for_real, row.of)
        judged = f"{share:>14.0%} {low:>5.0%}..{high:>4.0%} {coin:>12.2g}" if row.of else " " * 39
        frechet = "-" if row.frechet is None else f"{row.frechet:.2f}"
        print(f"{row.name[:20]:<20} {judged} {frechet:>8}")
    if args.machine_output is not None:
        print(f"{args.machine_output}: its answers, which `sideman blindtest score` takes")
    return 0


def _print_score(result: Score) -> None:
    print(f"{result.answers} answers of {len(result.listeners)} listeners")
    print(f"\n{'':<20} {'preferred':>10} {'':>9} {'95 %':>11} {'p of a coin':>12} {'strength, 95 %':>24} {'rated':>6}")
    for row in result.contestants:
        rated = "-" if row.rating is None else f"{row.rating:.2f}"
        strength = f"{row.strength:+.2f} ({row.strength_low:+.2f}..{row.strength_high:+.2f})"
        print(f"{row.name[:20]:<20} {_shown(row.preferred)} {strength:>24} {rated:>6}")
    print(f"\n{'against each other':<42} {'preferred':>10} {'':>9} {'95 %':>11} {'p of a coin':>12}")
    for couple in result.couples:
        print(f"{couple.first[:20]:<20} {couple.second[:20]:<21} {_shown(couple.preferred)}")
    print(f"\n{'found the real one':<20} {'':>10} {'':>9} {'95 %':>11} {'p of a coin':>12} {'chose A':>8}")
    for listener in result.listeners:
        print(f"{listener.name[:20]:<20} {_shown(listener.found)} {listener.side.share:>8.0%}")


def _shown(share: Share) -> str:
    counted = f"{share.wins}/{share.of}"
    return f"{share.share:>10.0%} {counted:>9} {f'{share.low:.0%}..{share.high:.0%}':>11} {share.p:>12.2g}"
