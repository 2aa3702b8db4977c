"""What an asked role, groove or left hand sounds like, recalled while the music plays, and taken up at a bar line.

The model goes on as the music goes that it has heard (engine/solo/recollection), and of itself it has heard what was
asked before. So a fork of the stream is fed, beside the music and a few events a round, four bars of a practice
pianist's playing of what is asked now, over the bars that lead up to a bar line ahead. There it takes over, as a bank
does: what sounded before keeps its time, and nothing of it is taken back. Nobody hears those bars, and nobody waits for
them, but for the first start of a stream that has played nothing yet.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bridge.live.playing.context import Context
from bridge.live.playing.felt_stream import grid
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.timeline import StreamTimeline
from bridge.live.rounds.takeover import has_moved, is_due, line_s
from engine.chords import Chart
from engine.judgement import RECALLED, auto_values, judge
from engine.metre import Metre
from engine.notes import NoteEvent
from engine.solo.recollection import begin_at, leading_in
from engine.vocabulary import STEP_S
from osc_protocol.table.parameters import AUTO, DEFAULT_BPM, Value

__all__ = ["Playing", "Recollecting"]

EVENTS_A_ROUND: Final = 4  # some ten tokens: what a player does in a round's midst waits for no more
GRACE_S: Final = 0.05  # a bar that comes back begins so long before its line at most, for what is struck early
MAKING_S: Final = 0.8  # it takes about so long beside the music: the bar line after that is led up to

Asked = Mapping[str, Value]


@dataclass(frozen=True)
class Playing:
    """What plays. mode, tempo_bpm: as they are judged; None: there is no beat. lead: see Mode."""

    mode: str
    tempo_bpm: float | None
    metre: Metre
    lead: Callable[[int], Chart | None]


@dataclass
class _Making:
    """A fork that is being fed.

    events: those to come; ends_s: up to where in its own time. at_s: the stream second at which it takes over, once
    known, on the timeline of that time.
    """

    asked: Asked
    improviser: Improviser
    events: deque[NoteEvent]
    ends_s: float
    at_s: float | None = None
    timeline: StreamTimeline | None = None


class Recollecting:
    """Recalls what is asked anew. The session thread owns it.

    What was asked last is known to the stream (`_known`). Something else begins a fork (`_making`), which is fed as
    long as it has events, then waits for a bar line (its `at_s`), and takes over there. A question that no practice
    pianist can answer (`_refused`) is not put again until it is another one.
    """

    def __init__(self, context: Context) -> None:
        self._ahead, self._knobs = context.ahead, context.knobs
        self._known: tuple[Improviser, Asked] = context.ahead.improviser, {}  # who has heard of what
        self._refused: object = None  # the question to which no practice pianist has an answer
        self._making: _Making | None = None

    @property
    def works(self) -> bool:
        """Whether it has something to do in every round."""
        return self._making is not None

    def know(self) -> None:
        """Hears that the stream is another one now, which has a past under what is asked."""
        self._known, self._making = (self._ahead.improviser, self._asked()), None

    def step(self, playing: Playing, seed: int, now_us: int) -> bool:
        """Does what is due; returns whether another stream took over. seed: of the stream."""
        if self._making is not None and self._making.at_s is not None:
            return self._take_over(self._making, seed, now_us, playing.metre)
        asked, improviser = self._asked(), self._ahead.improviser
        if not asked or self._known == (improviser, asked):
            self._known, self._making = (improviser, asked), None
            return False
        if self._making is None or self._making.asked != asked:
            self._making = self._begin(asked, playing, seed, now_us)
        making = self._making
        if making is None:
            return False
        if not self._ahead.playing and improviser.time_s == 0.0:
            self._feed(making, len(making.events))  # nothing has begun that could be late
        if making.events:
            return False
        if not self._ahead.playing:
            return self._take_over(making, seed, now_us, playing.metre)
        home_s = self._ahead.home_s
        if home_s is None or line_s(self._ahead, playing.metre) < home_s:  # beyond the last chord nobody takes over
            self._wait_for_line(making, playing.metre)
        return False

    def work(self) -> None:
        """Feeds a few events; the music of this round is made."""
        if self._making is not None:
            self._feed(self._making, EVENTS_A_ROUND)

    def _asked(self) -> Asked:
        asked = self._knobs.asked
        return {name: asked[name] for name in RECALLED if asked.get(name, AUTO) != AUTO}

    def _begin(self, asked: Asked, playing: Playing, seed: int, now_us: int) -> _Making | None:
        lead = playing.lead(now_us)
        if lead is None:
            return None
        tempo_bpm = playing.tempo_bpm or DEFAULT_BPM
        wishes = self._knobs.asked
        question = (wishes, playing.mode, tempo_bpm, lead.metre, any(span.chord is None for span in lead.spans))
        if self._refused == question:
            return None
        judgement = judge(lead, tempo_bpm, mode=playing.mode, asked=wishes)
        improviser = self._ahead.improviser
        on_the_beat = self._ahead.playing and self._ahead.timeline is not None
        chart, grace_s = self._led_up_to(lead, tempo_bpm, now_us), GRACE_S if on_the_beat else 0.0
        found = leading_in(chart, tempo_bpm, judgement, seed, improviser.time_s, grace_s)
        if found is None:
            self._refused = question
            return None
        fork = improviser.fork()
        fork.bring_home(None)
        fork.set_auto(auto_values(judgement, fork.controls))
        fork.set_tempo(None if playing.tempo_bpm is None else tempo_bpm, found.beats_per_bar, found.begin_s)
        fork.set_form(None)
        fork.set_chords(found.chords, from_s=improviser.time_s)
        events = found.events if grace_s else (*found.events, begin_at(found.ends_s))
        return _Making(asked, fork, deque(events), found.ends_s)

    def _led_up_to(self, lead: Chart, tempo_bpm: float, now_us: int) -> Chart:
        """The chart from the bar on at which the recollection will likely take over."""
        if not self._ahead.playing:
            return lead
        ahead_s = self._ahead.free_s - self._ahead.stream_s(now_us) + MAKING_S
        bars = 1 + int(ahead_s * tempo_bpm / 60.0 / lead.beats_per_bar)
        return lead.turned(bars)

    def _feed(self, making: _Making, count: int) -> None:
        making.improviser.feed([making.events.popleft() for _ in range(min(count, len(making.events)))])
        if not making.events:
            making.improviser.wait(making.ends_s)

    def _take_over(self, making: _Making, seed: int, now_us: int, metre: Metre) -> bool:
        at_s, playing = making.at_s, self._ahead.playing
        if at_s is not None and playing and has_moved(self._ahead, at_s, making.timeline):
            self._wait_for_line(making, metre)
            return False
        if at_s is not None and not is_due(self._ahead, at_s, now_us):
            return False
        self._ahead.come_to_hold()
        making.improviser.set_params(*self._knobs.in_force.values())  # some may have been turned since
        self._ahead.exchange(making.improviser, seed)
        self._known, self._making = (self._ahead.improviser, making.asked), None
        if self._ahead.playing and self._ahead.timeline is not None:
            self._strike_on_the_line(self._ahead.timeline, metre)
        return True

    def _wait_for_line(self, making: _Making, metre: Metre) -> None:
        making.at_s, making.timeline = self._ahead.hold(line_s(self._ahead, metre)), self._ahead.timeline

    def _strike_on_the_line(self, timeline: StreamTimeline, metre: Metre) -> None:
        """Has the first note fall on the bar line: it would fall where the streams change, or a bar later."""
        improviser, home_s = self._ahead.improviser, self._ahead.home_s
        bar = math.ceil(timeline.beat(improviser.time_s) / metre.beats - 1e-6)
        at_s = grid(timeline.seconds(bar * metre.beats))
        if home_s is not None and home_s < at_s + STEP_S:
            return  # the last chord falls there by itself, and has to lie ahead
        if at_s - improviser.time_s < 2 * GRACE_S:  # else there was no line to wait for
            improviser.feed([begin_at(at_s)])
