"""Options of `sideman play` that are refused before any port is opened."""

from __future__ import annotations

import pytest

from bridge import cli


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--mode", "continue", "--chords", "C"], "--mode continue listens to your keys: leave --chords out"),
        (["--trade-bars", "0"], "--trade-bars 0 lies outside 1..32"),
        (["--count-in", "9"], "--count-in 9 lies outside 0..8"),
        (["--count-in", "1", "--mode", "trade"], "--mode trade begins with your first note"),
        (["--count-in", "1", "--chords", "C", "--clock", "midi"], "leave --count-in or --clock midi out"),
        (["--output-latency-ms", "-1"], "--output-latency-ms -1 lies outside 0..500"),
        (["--mode", "changes"], "--mode changes needs a chart"),
        (["--mode", "follow", "--chords", "C"], "leave --chords out"),
        (["--chords", "Dm7 | X7"], "column 7: 'X7' is no chord symbol"),
        (["--chords", ""], "the chord chart is empty"),
        (["--record", "a.mid", "--log", "./a.mid"], "both name a.mid: the take would replace the log"),
        (["--osc-port", "70000"], "--osc-port 70000 lies outside 0..65535"),
        (["--oscquery-port", "-1"], "--oscquery-port -1 lies outside 0..65535"),
        (["--captures", __file__], "is a file: give a folder"),
        (["--tempo", "5"], "--tempo 5.0 lies outside 10..999"),
        (["--seed", "-1"], "--seed -1 lies outside 0..2147483647"),
        (["--release", "99"], "--release 99 lies outside 0..60 seconds"),
        (["--control-in", "x"], "give --control-in and --control-out together"),
        (["--top-p", "2"], "top_p 2.0 lies outside 0.05..1"),
        (["--swing", "0.8"], "swing 0.8 lies outside 0.5..0.75"),
        (["--osc-host", "studio.local"], "--osc-host 'studio.local' is no IPv4 address"),
        (["--cc-map", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["--style", "../evans"], "'../evans' is no name for a style"),
        (["--style", "evans"], "no style 'evans'"),
        (["--scale", "X dorian"], "X dorian"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(
    options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["play", *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert text in error
