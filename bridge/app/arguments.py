"""The command line of `sideman play`: its options, and the settings that they make."""

from __future__ import annotations

import argparse
import ipaddress
import random
from pathlib import Path

from bridge.app.remote import check_live
from bridge.app.settings import Settings
from bridge.controllers.map import load_cc_map
from bridge.errors import BridgeError
from bridge.live.modes.mode import MODES
from bridge.live.options import SessionOptions
from engine.chords import Chart, parse_chart
from engine.errors import check_range
from engine.metre import COMMON, asked_metre
from osc_protocol.table.options import add_parameter_options, parameters_from
from osc_protocol.table.parameters import BY_NAME, DEFAULT_PORT, ParameterError, Value, check_arguments

__all__ = ["add_arguments", "settings_from"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    ports = parser.add_argument_group("ports")
    ports.add_argument("--in", dest="input", metavar="PORT", help="take notes from this port, not from Sideman In")
    ports.add_argument("--out", dest="output", metavar="PORT", help="send notes to this port, not to Sideman Out")
    ports.add_argument("--channel", type=int, metavar="N", help="hear you on this channel alone, 1..16 [on all]")
    ports.add_argument("--out-channel", type=int, default=1, metavar="N", help="play on this channel [%(default)s]")
    ports.add_argument(
        "--echo", type=int, metavar="N", help="pass your own playing through to the out port, on this channel"
    )
    ports.add_argument("--control-in", metavar="PORT", help="hear FL Studio's script here, not on Sideman Control")
    ports.add_argument("--control-out", metavar="PORT", help="answer FL Studio's script here, not on Sideman Control")
    ports.add_argument("--osc-port", type=int, default=DEFAULT_PORT, metavar="N", help="UDP port of OSC [%(default)s]")
    ports.add_argument(
        "--osc-host",
        default="127.0.0.1",
        metavar="IP",
        help="take OSC at this address of yours; 0.0.0.0: at all of them",
    )
    ports.add_argument(
        "--oscquery-port",
        type=int,
        metavar="N",
        help="TCP port that tells hosts what there is; 0: none [as --osc-port]",
    )
    ports.add_argument("--cc-map", type=Path, metavar="FILE", help="controllers by this map, not by the user's own")
    ports.add_argument("--feedback", metavar="PORT", help="move the motor faders on this port as values change")
    music = parser.add_argument_group("music")
    music.add_argument(
        "--mode",
        choices=BY_NAME["mode"].choices,
        help="follow your keys, play over the --chords, trade bars with you, go on from your phrases, or accompany you "
        "over the --chords [follow]",
    )
    music.add_argument("--chords", metavar="CHART", help="play over this chart, round and round: 'Dm7 | G7 | Cmaj7'")
    music.add_argument(
        "--tempo", type=float, metavar="BPM", help="felt beats per minute, dotted quarters in 6/8; 120 with --chords"
    )
    music.add_argument("--metre", metavar="N/D", help="such as 3/4 or 6/8 [default: the chart's, or 4/4]")
    music.add_argument("--beats-per-bar", metavar="N", type=int, help="[1..16]: short for --metre N/4")
    music.add_argument(
        "--clock",
        choices=("internal", "midi"),
        default="internal",
        help="midi: take tempo, beat and a chart's start and stop from the MIDI clock on the In port [%(default)s]",
    )
    music.add_argument("--trade-bars", type=int, default=4, metavar="N", help="of a turn in mode trade [%(default)s]")
    music.add_argument(
        "--count-in", type=int, default=0, metavar="N", help="bars of clicks on channel 10 before the chart"
    )
    music.add_argument(
        "--output-latency-ms", type=float, default=0.0, metavar="N",
        help="from sending a note to hearing it: what must meet a beat from outside is sent so much earlier [0]",
    )  # fmt: skip
    music.add_argument("--seed", type=int, metavar="N", help="the same seed and the same playing give the same take")
    music.add_argument("--release", type=float, default=1.5, metavar="S", help="rest so long after the last key [1.5]")
    music.add_argument("--checkpoint", type=Path, metavar="CKPT", help="the base to play with, if not the shipped one")
    music.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to decode [auto: on this processor]"
    )
    parser.add_argument(
        "--panel",
        nargs="?",
        choices=("open", "serve"),
        const="open",
        help="a page to look at, to play on and to hear, in your browser; serve: without opening it",
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write what was played, in and out, as a MIDI file")
    parser.add_argument(
        "--captures", type=Path, metavar="DIR", help="where /sideman/capture writes the last bars [your data folder]"
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="write all that happens, for `sideman replay`")
    add_parameter_options(parser)


def settings_from(args: argparse.Namespace) -> Settings:
    """Makes the settings of what the options say. SidemanError, OscError, BridgeError: an option makes no sense."""
    values = parameters_from(args)
    for setting in values:
        check_live(setting)
    tempo_bpm = None if args.tempo is None else float(_checked("--tempo", "/sideman/transport/tempo", args.tempo))
    seed = random.SystemRandom().randrange(2**31) if args.seed is None else args.seed
    _checked("--seed", "/sideman/seed", seed)
    if not 0 <= args.release <= 60:
        raise BridgeError(f"--release {args.release:g} lies outside 0..60 seconds")
    check_range("--trade-bars", args.trade_bars, 1, 32)
    check_range("--count-in", args.count_in, 0, 8)
    check_range("--output-latency-ms", args.output_latency_ms, 0, 500)
    check_range("--channel", args.channel, 1, 16)
    check_range("--out-channel", args.out_channel, 1, 16)
    check_range("--echo", args.echo, 1, 16)
    check_range("--osc-port", args.osc_port, 0, 65535)
    check_range("--oscquery-port", args.oscquery_port, 0, 65535)
    if args.echo == args.out_channel:
        raise BridgeError(f"--echo {args.echo} is the sideman's own channel: choose another, or another --out-channel")
    if args.panel and args.oscquery_port == 0:
        raise BridgeError("--panel is served by OSCQuery's port: leave --oscquery-port 0 out")
    if args.log is not None and args.record is not None and args.log.resolve() == args.record.resolve():
        raise BridgeError(f"--record and --log both name {args.log}: the take would replace the log, give two files")
    if args.captures is not None and args.captures.exists() and not args.captures.is_dir():
        raise BridgeError(f"--captures {args.captures}: is a file: give a folder, which gets a file for each capture")
    if (args.control_in is None) != (args.control_out is None):
        raise BridgeError("FL Studio's script needs both ways: give --control-in and --control-out together")
    return Settings(
        input=args.input,
        output=args.output,
        control_input=args.control_in,
        control_output=args.control_out,
        osc_port=args.osc_port,
        values=values,
        chart=_chart(args),
        session=SessionOptions(
            seed=seed,
            release_s=args.release,
            tempo_bpm=tempo_bpm,
            metre=str(asked_metre(args.metre, args.beats_per_bar) or COMMON),
            trade_bars=args.trade_bars,
            count_in_bars=args.count_in,
            output_latency_ms=args.output_latency_ms,
            midi_clock=args.clock == "midi",
            channel=args.out_channel - 1,
        ),
        record=args.record,
        captures=args.captures,
        log=args.log,
        checkpoint=args.checkpoint,
        device=args.device,
        mode=_mode(args),
        cc_map=load_cc_map(args.cc_map),
        feedback=args.feedback,
        osc_host=_address(args.osc_host),
        oscquery_port=args.oscquery_port,
        chart_text=args.chords or "",
        panel=args.panel is not None,
        browser=args.panel == "open",
        in_channel=None if args.channel is None else args.channel - 1,
        echo_channel=None if args.echo is None else args.echo - 1,
    )


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise BridgeError(f"--osc-host {text!r} is no IPv4 address: give one of this machine's, or 0.0.0.0") from error


def _checked(option: str, address: str, value: float) -> Value:
    """The value as OSC would take it; the refusal names the option."""
    try:
        return check_arguments(address, (value,))[0]
    except ParameterError as error:
        raise BridgeError(str(error).replace(address, option)) from error


def _mode(args: argparse.Namespace) -> str:
    return str(args.mode or ("follow" if args.chords is None else "changes"))


def _chart(args: argparse.Namespace) -> Chart | None:
    mode = _mode(args)
    if MODES[mode].needs_chart and args.chords is None:
        raise BridgeError(f"--mode {mode} needs a chart: add --chords 'Dm7 | G7 | Cmaj7 | %'")
    if args.chords is not None and not MODES[mode].takes_chart:
        raise BridgeError(f"--mode {mode} listens to your keys: leave --chords out, or use --mode changes")
    if args.count_in and not MODES[mode].needs_chart:
        raise BridgeError(f"--count-in is for a chart: --mode {mode} begins with your first note")
    if args.count_in and args.clock == "midi":
        raise BridgeError("--count-in is the host's where the clock is its: leave --count-in or --clock midi out")
    metre = asked_metre(args.metre, args.beats_per_bar)
    return None if args.chords is None else parse_chart(args.chords, metre=metre)
