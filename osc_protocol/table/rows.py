"""The one parameter table: every name, range, default, OSC address and CC number of Sideman.

From it come the OSC server's checks, the CC map, the panel, the command line's options, the FL script's constants and
docs/osc.md. Pure data: nothing here knows the engine, a port or a socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from osc_protocol.table.row import Command, Parameter, Value
from osc_protocol.table.scaling import AUTO

__all__ = [
    "BY_ADDRESS", "BY_CC", "BY_NAME", "COMMANDS", "COMMAND_BY_ADDRESS", "CONTROL_NAMES", "DEFAULTS", "DEFAULT_BPM",
    "HIGHEST_BPM", "LOWEST_BPM", "NEXT", "PARAMETERS",
]  # fmt: skip

LOWEST_BPM, HIGHEST_BPM = 10.0, 999.0  # tempos that are taken, wherever they come from
DEFAULT_BPM: Final = 120.0  # of what needs a tempo and was given none
_P: Final = "/sideman/param/"
# The words of the base's controls, each with its meaning; a test holds them to the shipped base's.
_ROLES: Final = {
    "solo": "a solo with both hands", "right": "the right hand's line alone", "left": "the left hand alone",
    "comping": "chords behind another's solo, both hands in one rhythm",
    "accompany": "chords over a bass that goes its own way",
}  # fmt: skip
_GROOVES: Final = {
    "swing": "100 to 200 beats a minute", "up": "swing from 200 on", "blues": "slow and middle blues",
    "stride": "bass and chord in turn", "modal": "one chord for many bars", "ballad": "held chords below 84",
    "waltz": "three in a bar", "bossa": "straight eighths, 104 to 160", "pop": "straight, over triads",
    "soul": "slow, over ninths",
}  # fmt: skip
_LEFT_HANDS: Final = {
    "rootless": "third, fifth, seventh and ninth", "shell": "root, seventh, third", "three": "three notes, no root",
    "fourths": "stacks of fourths", "close": "four notes in close position", "walk": "a walking bass",
    "two": "a bass in halves", "stride": "bass on one, chord on two", "arpeggios": "broken open chords",
    "open": "tenths and open chords", "bossa": "root and fifth, dotted", "pop": "roots in octaves on one rhythm",
}  # fmt: skip
_BANKS: Final = ("A", "B", "C", "D")
_MANNERS: Final = {
    "jazz": "textbook jazz and pop piano, the one that knows roles, grooves and left hands", "pop": "pop songs' piano",
    "classical": "concert pianists", "score": "engraved scores", "rolls": "piano rolls",
    "lead": "lead sheets, melody and chords",
}  # fmt: skip

# fmt: off
PARAMETERS: Final[tuple[Parameter, ...]] = (
    Parameter("temperature", "f", 0.05, 2.0, 0.8, "", "Higher plays more daring notes, lower safer ones.",
              _P + "temperature", 20, "knob"),
    Parameter("top_p", "f", 0.05, 1.0, 0.9, "", "Draws from the likeliest tokens that together hold this probability.",
              _P + "top_p", 21, "knob"),
    Parameter("top_k", "i", 0, 388, 0, "", "Draws from this many of the likeliest tokens; 0 turns it off.",
              _P + "top_k", 22, "knob"),
    Parameter("min_p", "f", 0.0, 0.5, 0.0, "", "Drops tokens less likely than this share of the likeliest one.",
              _P + "min_p", 23, "knob"),
    Parameter("density", "f", 0.0, 1.0, AUTO, "", "How many notes are played, from few to a flood.",
              _P + "density", 24, "knob", auto=True),
    Parameter("loudness", "f", 0.0, 1.0, AUTO, "", "How softly or loudly it is played, touch and all.",
              _P + "loudness", 116, "knob", auto=True),
    Parameter("register", "f", 0.0, 1.0, AUTO, "", "Where on the keyboard the music lies, from low to high.",
              _P + "register", 117, "knob", auto=True),
    Parameter("thickness", "f", 0.0, 1.0, AUTO, "", "How many notes sound together, from one line to full chords.",
              _P + "thickness", 118, "knob", auto=True),
    Parameter("bass", "f", 0.0, 1.0, AUTO, "", "How much is played below A3, from nothing to a busy bass.",
              _P + "bass", 119, "knob", auto=True),
    Parameter("register_low", "i", 0, 127, 21, "MIDI note", "The lowest note that may be played.",
              _P + "register_low", 25, "slider"),
    Parameter("register_high", "i", 0, 127, 108, "MIDI note", "The highest note that may be played.",
              _P + "register_high", 26, "slider"),
    Parameter("polyphony", "i", 1, 16, 8, "notes", "The most notes that may sound at once.",
              _P + "polyphony", 27, "stepper"),
    Parameter("keep_clear", "i", 0, 24, 0, "semitones", "Keeps away from the keys you play; 0: off (comp begins at 3).",
              _P + "keep_clear", 90, "stepper"),
    Parameter("chord_strength", "f", 0.0, 3.0, 1.0, "", "How strongly the chords steer the solo; 0 ignores them.",
              _P + "chord_strength", 28, "knob"),
    Parameter("velocity", "f", 0.25, 2.0, 1.0, "x", "Scales how hard every note is played.",
              _P + "velocity", 29, "knob"),
    Parameter("quantise", "f", 0.0, 1.0, 0.0, "", "Pulls onsets to the beat grid: 0 leaves them, 1 puts them on it.",
              _P + "quantise", 30, "knob"),
    Parameter("swing", "f", 0.5, 0.75, 0.5, "", "Where the off-beat eighth falls in its beat; 0.5 is straight.",
              _P + "swing", 31, "knob"),
    Parameter("humanise", "f", 0.0, 1.0, 0.0, "", "Adds small random shifts of time and velocity.",
              _P + "humanise", 32, "knob"),
    Parameter("look_ahead_ms", "i", 50, 4000, 1000, "ms", "How much music is kept ready ahead of what sounds.",
              _P + "look_ahead_ms", None, "stepper"),
    Parameter("style", "s", None, None, "", "", "A style by name, or two to blend: `ragtime, klezmer`; empty: none.",
              "/sideman/style", None, "text"),
    Parameter("style_blend", "f", 0.0, 1.0, 0.0, "", "From the first style (0) to the second, or to none (1).",
              "/sideman/style/blend", 33, "knob"),
    Parameter("repetition", "f", 1.0, 2.0, 1.0, "", "Penalises pitches heard lately; 1 adds no penalty.",
              _P + "repetition", 34, "knob"),
    Parameter("theme", "f", 0.0, 1.0, 0.0, "", "How like its first time a section is that comes again, up to a head.",
              _P + "theme", 35, "knob"),
    Parameter("scale", "s", None, None, "off", "", "Keeps to one scale such as `D dorian`; off allows every note.",
              _P + "scale", None, "text"),
    Parameter("role", "s", None, None, AUTO, "", "What it plays: a solo, one hand of one, chords, or all behind you.",
              "/sideman/role", 112, "choice", (AUTO, *_ROLES), meanings=_ROLES),
    Parameter("groove", "s", None, None, AUTO, "", "The feel that it plays in.",
              "/sideman/groove", 113, "choice", (AUTO, *_GROOVES), meanings=_GROOVES),
    Parameter("left_hand", "s", None, None, AUTO, "", "How the left hand voices and moves.",
              "/sideman/left_hand", 114, "choice", (AUTO, *_LEFT_HANDS), meanings=_LEFT_HANDS),
    Parameter("manner", "s", None, None, AUTO, "", "The kind of music that its playing is like.",
              "/sideman/manner", 115, "choice", (AUTO, *_MANNERS), meanings=_MANNERS),
    Parameter("mode", "s", None, None, "follow", "", "What the sideman does with your playing.",
              "/sideman/mode", None, "choice", ("follow", "changes", "trade", "continue", "comp")),
)
"""Every parameter, in the order that panels and pages show them."""

COMMANDS: Final[tuple[Command, ...]] = (
    Command("/sideman/chords", "s", "Sets the chord chart, such as `Dm7 | G7 | Cmaj7 | %`."),
    Command("/sideman/metre", "s", "Sets the metre, such as `6/8`, of what has no chart and of later charts without; "
            "tempo counts the felt beat, a dotted quarter in 6/8."),
    Command("/sideman/chord", "s", "Sets the chord that sounds now; `N.C.` for none."),
    Command("/sideman/play", "", "Starts playing.", cc=102),
    Command("/sideman/stop", "", "Stops playing and ends every sounding note.", cc=103),
    Command("/sideman/panic", "", "Ends every sounding note at once, on all channels.", cc=104),
    Command("/sideman/mode/next", "", "Goes on to the next mode that can be had now.", cc=105),
    Command("/sideman/style/next", "", "Goes on to the next style that is installed, after the last to none.", cc=106),
    Command("/sideman/role/next", "", "Goes on to the next role, after the last to auto.", cc=108),
    Command("/sideman/groove/next", "", "Goes on to the next groove, after the last to auto.", cc=109),
    Command("/sideman/left_hand/next", "", "Goes on to the next left hand, after the last to auto.", cc=110),
    Command("/sideman/manner/next", "", "Goes on to the next manner, after the last to auto.", cc=111),
    Command("/sideman/ending", "i", "Brings the music home in so many bars, then rests; 0: at the end of the round.",
            0, 64, cc=107, bare=0),
    Command("/sideman/keep", "s", "Keeps bars of the chart such as `5-8`, no text for all, as they were heard last: "
            "they come back in every round.", cc=85, bare=""),
    Command("/sideman/again", "s", "Plays bars that were kept, no text for all of them, anew from the next round on.",
            cc=86, bare=""),
    Command("/sideman/variation", "s", "Chooses a way to play bars, 1 to 4, such as `2 5-8`, or `2` for all: it comes "
            "back from then on; one that was never played is made where the bars come next."),
    Command("/sideman/density/bars", "s", "Gives bars of the chart a density of their own, such as `5-8 0.9`; `auto` "
            "leaves them to the knob."),
    Command("/sideman/undo", "", "Takes back the last keep, again or variation.", cc=87),
    Command("/sideman/capture", "i", "Writes the last so many bars, yours and the sideman's, as a MIDI file.", 1, 64,
            cc=89, bare=16),
    Command("/sideman/bank/store", "s", "Stores what was played, the parameters and the seed in a bank, from the next "
            "bar line on.", choices=_BANKS),
    Command("/sideman/bank/recall", "s", "Goes on at the next bar line from what a bank holds.", choices=_BANKS),
    Command("/sideman/seed", "i", "Sets the seed of the draws, so that a take can be had again.", 0, 2**31 - 1),
    Command("/sideman/transport/tempo", "f", "Sets the tempo in beats per minute.", LOWEST_BPM,
            HIGHEST_BPM),
    Command("/sideman/transport/position", "f", "Sets the song position in beats from its start.", 0.0, 1e6),
    Command("/sideman/transport/quarters/tempo", "f", "Sets the tempo in quarters per minute, as hosts count it; it "
            "stays so where another metre counts other beats.", LOWEST_BPM, HIGHEST_BPM),
    Command("/sideman/transport/quarters/position", "f", "Sets the song position in quarters from its start.", 0.0,
            1e6),
    Command("/sideman/get", "s", "Asks for a value by name, or `*` for all of them; `/sideman/value` answers."),
    Command("/sideman/ping", "", "Asks whether the engine is there; `/sideman/pong` answers, with the whole "
            "number that came along, if one did."),
    Command("/sideman/subscribe", "i", "Sends values and errors to this UDP port from now on; 0 from where "
            "you asked ends it.", 0, 65535),
    Command("/sideman/feedback", "i", "Sends every value at its own address to this UDP port, for faders; 0 from "
            "where you asked ends it.", 0, 65535),
)
"""Every command. Parameters are set at their own addresses."""
# fmt: on

BY_NAME: Final = {row.name: row for row in PARAMETERS}
BY_ADDRESS: Final = {row.address: row for row in PARAMETERS}
DEFAULTS: Final[Mapping[str, Value]] = {row.name: row.default for row in PARAMETERS}
BY_CC: Final = {row.cc: row for row in PARAMETERS if row.cc is not None}
COMMAND_BY_ADDRESS: Final = {row.address: row for row in COMMANDS}
CONTROL_NAMES: Final = tuple(row.name for row in PARAMETERS if row.auto or AUTO in row.choices)
"""Rows that ask something of the music itself; AUTO leaves it to the sideman."""
NEXT: Final = {row.address: BY_ADDRESS[row.address.removesuffix("/next")] for row in COMMANDS if "/next" in row.address}
"""The commands that go on to a row's next value, with that row."""
