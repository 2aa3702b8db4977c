"""Playing ahead: music is generated before it sounds, and what has not sounded can be taken back exactly.

Two clocks meet here. The stream counts seconds of music from its own start, on the engine's 10 ms grid; the scheduler
counts microseconds of the monotonic clock. While music plays, one origin ties them: `wall = origin + stream`. At rest
there is no origin: the stream stands still, so that the model never hears a silence that nobody played.

A change holds from the latest of three moments on: now and the margin that making music takes, the moment from which
the change before it holds (`_handed_over_us`), and the second up to which nothing is taken back any more (`_kept_s`,
where another stream took over or an answer has begun to sound). Two seconds bound what is generated: `_hold_s`, where
the stream waits to give way to another one, and `limit_s`, where a turn ends; the earlier one counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from bridge.live.playing.delivery import Delivery, EventSink
from bridge.live.playing.felt_stream import FeltStream, first_strike, grid
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.turns import Tell
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["START_MARGIN_US", "PlayAhead", "Prepare"]

CHUNK_S: Final = 0.2  # music generated between two looks at what the player did, unless a strike comes before
FIRST_CHUNK_S: Final = 0.05  # the same after a handover, which waits for it
SEARCH_LATE_US: Final = 30_000  # after the handover itself a change looks no longer: music must go on
START_MARGIN_US: Final = 5_000  # from the decision to the first note of a chart, generation not counted
AT_ONCE_US: Final = 2_000  # for the scheduler to hear of a handover that waits for nothing, or of a first note
MARGIN_LOW_US, MARGIN_HIGH_US = 8_000, 120_000  # of a handover; in between it follows what handovers cost
FILL_US: Final = 200_000  # that a round may generate: what comes without a wake, a host's clock, waits for its end
ENDS_AHEAD_US: Final = 50_000  # an end that a later strike might still bring forward waits for this moment
SKIP_US: Final = 250_000  # a stream further behind than this skips ahead

Prepare = Callable[[float], None]
"""Called with the stream second from which a change shall hold, once everything after it is forgotten."""


class PlayAhead(FeltStream):
    """Plays one stream of music on one scheduler. The session thread owns it."""

    def __init__(
        self, improviser: Improviser, sink: EventSink, clock: Callable[[], int], *, channel: int = 0, seed: int = 0
    ) -> None:
        """clock: monotonic microseconds, the scheduler's own. channel: 0..15, of every note. seed: of humanise."""
        super().__init__(improviser, clock, seed)
        self.delivery = Delivery(sink, clock, channel)
        self._origin_us: int | None = None
        self._handed_over_us = 0  # handovers never go back in time
        self._cost_us = float(MARGIN_LOW_US)  # of recent handovers: a peak that decays
        self._kept_s = 0.0  # stream second up to which nothing is taken back any more
        self.limit_s = math.inf  # nothing is generated beyond; until the next start or rest
        self._hold_s = math.inf  # the same; until the next exchange, start or rest
        self.on_cut: Callable[[int], None] = lambda at_us: None  # nothing lies ready from that moment on, just now

    @property
    def playing(self) -> bool:
        """Whether music is being made; False at rest."""
        return self._origin_us is not None

    @property
    def handed_over_us(self) -> int:
        """The moment from which the last change holds; 0 since a start. It may lie ahead."""
        return self._handed_over_us

    @property
    def ready_us(self) -> int:
        """The moment up to which music is made; 0 at rest."""
        return 0 if self._origin_us is None else self.wall_us(self._improviser.time_s)

    @property
    def margin_us(self) -> int:
        """How long it is from a decision to its music: what handovers cost of late, and a half more."""
        return int(min(max(1.5 * self._cost_us, MARGIN_LOW_US), MARGIN_HIGH_US))

    def stream_s(self, wall_us: int) -> float:
        """Returns the stream second that sounds at a moment. Call it only while playing."""
        assert self._origin_us is not None
        return (wall_us - self._origin_us) / 1e6

    def wall_us(self, stream_s: float) -> int:
        """Returns the moment at which a stream second sounds. Call it only while playing."""
        assert self._origin_us is not None
        return self._origin_us + round(stream_s * 1e6)

    def abandon(self, improviser: Improviser) -> None:
        """Goes on with another stream, at rest: this one has failed. The scheduler is silent already."""
        if self._returning is not None and self.playing:
            self._returning.stop(min(self.stream_s(self._clock()), self._improviser.time_s))
        self._mover.clear()
        self._origin_us = None
        self._improviser = improviser

    def replace(self, improviser: Improviser, seed: int) -> None:
        """Goes on with another stream and another seed of humanise; only at rest."""
        assert not self.playing
        self._improviser = improviser
        self._mover.feel = replace(self._mover.feel, seed=seed)

    def start(self, prepare: Prepare, *, at_first_note: bool, at_us: int | None = None) -> None:
        """Starts music from rest.

        at_first_note: the stream is laid so that its first note sounds now, whatever wait the model put before it;
        otherwise the stream's present second sounds at at_us, or now.
        """
        start_s = self._kept_s = self._improviser.time_s
        self.limit_s = self._hold_s = math.inf
        self._mover.clear(not_before_s=start_s)
        self._hands.begin(start_s)
        if at_us is not None:
            self._origin_us = at_us - round(start_s * 1e6)
        prepare(start_s)
        moved = self._to_first_note() if at_first_note else []
        if at_us is None:
            first = first_strike(moved)
            sounds_now_s = start_s if first is None else first.time_s
            self._origin_us = self._clock() + AT_ONCE_US - round(sounds_now_s * 1e6)
        self._handed_over_us = 0
        self._push(moved)

    def change(self, prepare: Prepare, *, first_note_us: int | None = None) -> None:
        """Takes back what has not sounded, from a moment just ahead; prepares; goes on from there.

        Notes that sound at that moment sound on, and the new music ends them. first_note_us: there is no beat to keep,
        so the old music stops at once, and the first new note sounds as soon as it is known: a wait that the model put
        before it is shortened to end at first_note_us, or at once where that is past.
        """
        began_us = self._clock()
        at_once = first_note_us is not None
        margin_us = AT_ONCE_US if at_once else self.margin_us
        at_us = max(began_us + margin_us, self._handed_over_us, self.wall_us(self._kept_s))
        sounds_s = self._take_back(self.stream_s(at_us), back=at_once)
        at_s = self._improviser.time_s
        self._handed_over_us = self.wall_us(at_s if sounds_s is None else sounds_s)
        prepare(at_s)
        if first_note_us is not None:
            self._kept_s = at_s
            self._strike_soon(first_note_us)
        else:
            self._push(self._take(grid(at_s + FIRST_CHUNK_S)))  # all that must be ready in time: the rest catches up
            self._cost_us = max(float(self._clock() - began_us), 0.9 * self._cost_us)

    def plan(self, at_s: float, tell: Tell) -> None:
        """Plans that something else holds from a stream second ahead on, instead of all that was planned.

        Call it only while playing.
        """
        self._take_back(at_s)
        self.turns.plan(max(grid(at_s), self._improviser.time_s), tell)

    @property
    def free_s(self) -> float:
        """The first stream second at which bars that come back can still be others. Call it only while playing."""
        at_us = max(self._clock() + self.margin_us, self._handed_over_us, self.wall_us(self._kept_s))
        return self.stream_s(at_us) + self._mover.feel.early_s + STEP_S

    def make_anew(self, at_s: float) -> None:
        """Takes back what lies ready from a stream second on, free_s or later: it is made anew.

        Call it only while playing.
        """
        self._take_back(at_s - self._mover.feel.early_s - STEP_S)

    def hold(self, at_s: float) -> float:
        """Has the stream wait at a second, free_s or later, for exchange(); returns where. Only while playing."""
        self.make_anew(at_s)
        self._hold_s = max(grid(at_s), self._improviser.time_s)
        return self._hold_s

    def come_to_hold(self) -> None:
        """Generates up to where the stream is held; nothing at rest."""
        if self._origin_us is None:
            return
        while self._improviser.time_s < self._hold_s - STEP_S / 2:
            self._push(self._take(self._hold_s))
        self.turns.reach(self._improviser.time_s)

    def exchange(self, improviser: Improviser, seed: int) -> None:
        """Goes on with another stream and another seed of humanise, where the present one has come to hold, or at rest.

        It takes place there, and knows the beat. What sounds there ends; nothing before is taken back any more.
        """
        before = self._improviser
        if self._origin_us is not None:
            self._push(self._mover.take(before.end(), before.time_s))
            self._kept_s = before.time_s
            self._handed_over_us = self.wall_us(self._kept_s)
        self._hold_s = math.inf
        improviser.move(before.time_s)
        self._improviser = improviser
        self._mover.feel = replace(self._mover.feel, seed=seed)
        self._tell_beat(before.time_s)
        self.turns.tell_again()

    def will_strike(self, low: int, high: int) -> bool:
        """Tells whether a note from low to high lies ready that a change would still take back.

        Call it only while playing.
        """
        return self._mover.will_strike(low, high, self.stream_s(self._clock() + self.margin_us))

    def rest(self) -> None:
        """Falls silent now: takes back what has not sounded, and ends what sounds."""
        now_us = self._clock()
        self.delivery.silence()
        if self._origin_us is None:
            return
        now_s = grid(math.floor(self.stream_s(now_us) / STEP_S) * STEP_S)
        if now_s < self._improviser.time_s:
            self._roll_back(max(now_s, min(self._kept_s, self._improviser.time_s)))
        if self._returning is not None:
            self._returning.stop(self._improviser.time_s)
        self._improviser.end()  # the scheduler has ended them already; the stream must know
        self._mover.clear()
        self._origin_us = None

    def fill(self, ahead_us: int, interrupted: Callable[[], bool], skipped: Callable[[float, float], None]) -> None:
        """Generates until ahead_us from now is ready, or until interrupted or FILL_US are over, but one note at least.

        skipped(stream_s, seconds): called when the stream had fallen far behind, and was laid anew, so much later.
        """
        began_us = None
        while self._origin_us is not None:
            now_us = self._clock()
            began_us = now_us if began_us is None else began_us
            if now_us - began_us > FILL_US:
                return
            behind_us = now_us - self.wall_us(self._improviser.time_s)
            if behind_us > SKIP_US:
                # Playing it all late would bunch it up: the stream goes on from now, its notes as they are.
                moved_us = behind_us + MARGIN_LOW_US
                self._origin_us += moved_us
                skipped(self._improviser.time_s, moved_us / 1e6)
            self._mover.is_now(self.stream_s(now_us))
            self._push(self._mover.release(self.stream_s(now_us + ENDS_AHEAD_US)))
            target_s = grid(
                min(self.stream_s(now_us + ahead_us) + self._mover.feel.early_s, self.limit_s, self._hold_s)
            )
            if self._improviser.time_s >= target_s:
                return
            self._push(self._take(min(target_s, grid(self._improviser.time_s + CHUNK_S))))
            if interrupted():
                return

    def _take_back(self, sounds_s: float, *, back: bool = False) -> float | None:
        """Forgets what is to sound from sounds_s on; the second that it came to, None where there is nothing so far.

        back: see NoteMover.cut.
        """
        sounds_s = max(sounds_s, self._mover.feel.warped_s(self._kept_s))
        stream_s, cut_s = self._mover.cut(sounds_s, back=back)
        at_s = grid(stream_s)
        if at_s >= self._improviser.time_s:
            self.on_cut(self.wall_us(self._improviser.time_s))
            return None
        self.delivery.cancel_from(self.wall_us(cut_s))
        self.on_cut(self.wall_us(cut_s))
        self._roll_back(at_s)
        self._push(self._mover.rollback(at_s, cut_s, at_s if back else sounds_s))
        return cut_s

    def _strike_soon(self, latest_us: int) -> None:
        """Lays the stream so that its first note sounds by latest_us, or as soon as it is known where that is later."""
        moved = self._to_first_note(max(latest_us, self._handed_over_us) + SEARCH_LATE_US)
        first = first_strike(moved)
        first_s = self._improviser.time_s if first is None else first.time_s
        soon_us = max(self._handed_over_us, self._clock())
        sounds_us = max(self.wall_us(first_s), soon_us)  # what takes long to find must not come late of itself
        if first is not None:
            sounds_us = min(sounds_us, max(latest_us, soon_us))
            # Ends in a wait that is shortened might lie before the handover now.
            moved = [event._replace(time_s=max(event.time_s, first_s)) for event in moved]
        self._origin_us = sounds_us - round(first_s * 1e6)
        self._push(moved)

    def _push(self, events: Sequence[NoteEvent]) -> None:
        self.delivery.push(events, self.wall_us)
