"""The session thread: takes what the player does and what the knobs say, decides, keeps music ready ahead.

It alone owns the improviser and the producer's side of the scheduler. Other threads reach it through three doors that
never wait: `midi_in` (a lock-free ring), `set_parameter` and the commands (a deque of thunks), `stop_thread`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from bridge.ahead import START_MARGIN_US, EventSink, PlayAhead
from bridge.changes import ChartPlayer
from bridge.continuing import Continuing
from bridge.errors import ModeError
from bridge.heard import HeardNotes
from bridge.held import HeldChord
from bridge.improviser import Improviser
from bridge.midi_clock import CLOCK, MidiClock
from bridge.trading import Trading
from engine.chords import Chart, Chord
from engine.errors import SidemanError
from engine.feel import FEEL_NAMES
from native import MidiRing
from osc_protocol.errors import OscError
from osc_protocol.parameters import Value

__all__ = ["LiveSession", "Report"]

RING_CAPACITY: Final = 4096  # messages
KNOB_PERIOD_US: Final = 50_000  # a turning knob makes new music at most 20 times a second
BUSY_S, IDLE_S = 0.01, 0.1  # between two rounds, with and without something to watch
SYSTEM: Final = 0xF0  # messages from here on are of no channel: clock, transport, sensing
SYNC_PERIOD_US: Final = 500_000  # between two looks at how far we are from an outside clock
SYNC_SHARE: Final = 0.003  # of the tempo: less is not worth new music
BEATS_PER_BAR: Final = 4  # of an outside clock, which does not say
LOCATE_TOLERANCE_S: Final = 0.015  # a position nearer than this to ours is where we are
DEFAULT_TEMPO_BPM: Final = 120.0  # of a chart, and of a trade


class Report(Protocol):
    """Hears what happens, on the session thread. It must return at once."""

    def __call__(self, what: str, text: str, /) -> None:
        """what: `chord`, `rest`, `count-in`, `playing`, `listening`, `feel`, `error`. text: one line."""


class LiveSession:
    """One sideman. Methods under "any thread" are safe from every thread; the rest is the session thread's."""

    def __init__(
        self,
        make_improviser: Callable[[int], Improviser],
        sink: EventSink,
        clock: Callable[[], int],
        report: Report,
        *,
        seed: int = 0,
        release_s: float = 1.5,
        look_ahead_ms: int = 1000,
        tempo_bpm: float | None = None,
        trade_bars: int = 4,
        count_in_bars: int = 0,
        output_latency_ms: float = 0.0,
        midi_clock: MidiClock | None = None,
        channel: int = 0,
        on_input: Callable[[int, bytes], None] = lambda time_us, message: None,
    ) -> None:
        """make_improviser: a fresh stream for a seed. clock: monotonic microseconds, the scheduler's own.

        release_s: how long after the last key the sideman rests. tempo_bpm: None for no beat in follow mode.
        trade_bars: of a turn in mode trade. count_in_bars: of clicks on channel 10 before a chart.
        output_latency_ms: from sending a note to hearing it. What must fall on a beat that comes from outside (a
        position, the player's own in a trade) is sent so much earlier.
        midi_clock: followed in tempo, beat and transport, where one is given: a chart waits for its start.
        on_input(time_us, message): what the player did, on the session thread.
        """
        self._on_input = on_input
        self._make_improviser, self._sink, self._clock, self._report = make_improviser, sink, clock, report
        self._release_us = round(release_s * 1e6)
        self._look_ahead_us = look_ahead_ms * 1000
        self._improviser = make_improviser(seed)
        self._ahead = PlayAhead(self._improviser, sink, clock, channel=channel)
        self._ahead.feel = replace(self._ahead.feel, seed=seed)
        self._ring = MidiRing(RING_CAPACITY)
        self._thunks: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._has_chart = False  # or will have, once the session thread has seen it
        # Session thread only, from here on.
        self._mode = "follow"
        self._enabled = True
        self._held = HeldChord()
        self._latched: Chord | None = None  # set by name instead of keys; holds until keys are pressed
        self._chord: Chord | None = None  # that the music now follows
        self._changes: ChartPlayer | None = None
        self._start_beat = 0.0  # of the chart, where it starts next
        self._tempo_bpm = tempo_bpm
        self._trade_bars, self._count_in_bars = trade_bars, count_in_bars
        self._midi_clock = midi_clock
        self._next_sync_us = 0
        self._latency_us = round(output_latency_ms * 1000)
        self._heard = HeardNotes()
        self._answering: Continuing | Trading | None = None  # in modes continue and trade
        self._knobs: dict[str, Value] = {}  # turned and not yet in force
        self._params: dict[str, Value] = {}  # in force, for a fresh stream
        self._next_knob_us = 0

    # ---- any thread -------------------------------------------------------------------------------------------------

    def midi_in(self, message: bytes) -> None:
        """One message from the player, called by the MIDI system's thread alone (the ring has one writer)."""
        if 1 <= len(message) <= 3:
            self._ring.push(self._clock(), message)
            if message[0] != CLOCK:  # 48 a second and more: the next round is early enough for them
                self._wake.set()

    def set_parameter(self, name: str, value: Value) -> None:
        """A checked value; in force from the next note that can still change. ModeError for a mode not to be had."""
        if name == "look_ahead_ms":
            self._post(lambda: self._set_look_ahead(int(value)))
        elif name == "mode":
            self._check_mode(str(value))
            self._post(lambda: self._set_mode(str(value)))
        else:
            self._post(lambda: self._knobs.__setitem__(name, value))

    def set_chord(self, chord: Chord | None) -> None:
        """The chord to follow until keys say otherwise; None rests."""
        self._post(lambda: self._latch(chord))

    def set_chart(self, chart: Chart) -> None:
        """The chart to play over, from its first bar; it also turns the mode to changes."""
        self._has_chart = True
        self._post(lambda: self._set_chart(chart))

    def set_tempo(self, tempo_bpm: float) -> None:
        """The tempo from now on; a chart's beat goes on where it is."""
        self._post(lambda: self._set_tempo(tempo_bpm))

    def locate(self, beat: float) -> None:
        """Goes to a beat of the chart: the host is there now. At rest the chart will start there."""
        at_us = self._clock()
        self._post(lambda: self._locate(beat, at_us))

    def set_seed(self, seed: int) -> None:
        """A fresh stream with this seed: what comes now can be had again."""
        self._post(lambda: self._set_seed(seed))

    def play(self) -> None:
        """Plays again after stop(); the chart from its first bar."""
        self._post(self._play)

    def stop(self) -> None:
        """Silence, until play()."""
        self._post(self._stop)

    def panic(self) -> None:
        """Silence on all channels; the next chord plays again."""
        self._post(self._panic)

    def start_thread(self, on_failure: Callable[[BaseException], None]) -> None:
        """Runs rounds on a thread of its own; on_failure is called there if a round fails, after silence."""
        self._thread = threading.Thread(target=self._run, args=(on_failure,), name="sideman-session", daemon=True)
        self._thread.start()

    def stop_thread(self, timeout_s: float = 2.0) -> bool:
        """Silences and ends the thread; False if it is stuck."""
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        return True

    @property
    def dropped_input(self) -> int:
        """Messages of the player that found the ring full."""
        return self._ring.dropped

    @property
    def skipped(self) -> int:
        """Notes that came too late to be played."""
        return self._ahead.skipped

    # ---- session thread ---------------------------------------------------------------------------------------------

    def step(self) -> float:
        """One round. Returns the longest time, in seconds, until the next one is due."""
        self._wake.clear()  # before looking: what comes while we look wakes the next round
        for time_us, message in self._ring.pop_all():
            if self._midi_clock is not None:
                self._follow_transport(self._midi_clock, time_us, message)
            if message[0] >= SYSTEM:
                continue
            self._on_input(time_us, message)
            if self._held.take(time_us, message):
                self._latched = None
            for note in self._heard.take(time_us, message):
                if self._answering is not None and self._enabled:
                    self._answering.hear(note)
        while self._thunks:
            self._thunks.popleft()()
        now_us = self._clock()
        if self._midi_clock is not None and now_us >= self._next_sync_us:
            self._next_sync_us = now_us + SYNC_PERIOD_US
            self._sync(self._midi_clock, now_us)
        knobs_due = bool(self._knobs) and (now_us >= self._next_knob_us or not self._ahead.playing)
        if self._mode == "follow":
            self._follow(now_us, knobs_due)
        elif self._mode == "changes":
            self._over_changes(knobs_due)
        else:
            self._answer(now_us, knobs_due)
        self._ahead.fill(self._look_ahead_us, self._has_news, self._skipped)
        wait_s = BUSY_S if self._ahead.playing or self._knobs or self._answering is not None else IDLE_S
        settles_in_us = self._held.settles_in_us(self._clock())
        return wait_s if settles_in_us is None else min(wait_s, settles_in_us / 1e6)

    def _run(self, on_failure: Callable[[BaseException], None]) -> None:
        try:
            while not self._ending.is_set():
                self._wake.wait(self.step())
        except Exception as error:
            on_failure(error)
        finally:
            self._sink.silence()

    def _has_news(self) -> bool:
        # The ring is looked at through the event that its writer sets: its own state belongs to both sides.
        return self._wake.is_set() or self._ending.is_set()

    def _check_mode(self, mode: str) -> None:
        if mode == "changes" and not self._has_chart:
            raise ModeError("mode 'changes' needs a chord chart: give --chords or send /sideman/chords first")

    def _post(self, thunk: Callable[[], None]) -> None:
        self._thunks.append(thunk)
        self._wake.set()

    def _follow(self, now_us: int, knobs_due: bool) -> None:
        wanted = self._wanted(now_us)
        if wanted is None:
            if self._ahead.playing:
                self._rest()
            if knobs_due:
                self._turn_knobs()
        elif not self._ahead.playing:
            self._chord = wanted
            self._ahead.start(self._prepare_follow, at_first_note=True)
            self._report("chord", wanted.name)
        elif wanted != self._chord:
            self._chord = wanted
            self._ahead.change(self._prepare_follow)
            self._report("chord", wanted.name)
        elif knobs_due:
            self._ahead.change(lambda _: self._turn_knobs())

    def _wanted(self, now_us: int) -> Chord | None:
        """The chord to follow now; None to rest."""
        if not self._enabled:
            return None
        if self._latched is not None:
            return self._latched
        chord = self._held.chord(now_us)
        if chord is not None and self._held.released_for_us(now_us) >= self._release_us:
            self._held.forget()
            return None
        return chord

    def _prepare_follow(self, from_s: float) -> None:
        if self._knobs:
            self._turn_knobs()
        if not self._ahead.playing:
            self._set_beat(from_s)  # the first chord falls on a bar line
        self._improviser.set_chords([(from_s, self._chord)], from_s=from_s)

    def _over_changes(self, knobs_due: bool) -> None:
        assert self._changes is not None
        if not self._enabled:
            if knobs_due:
                self._turn_knobs()
        elif not self._ahead.playing:
            if self._midi_clock is not None and not self._midi_clock.running:
                return
            self._start_chart(self._changes)
            bars = "1 bar" if self._changes.chart.bars == 1 else f"{self._changes.chart.bars} bars"
            self._report("playing", f"{bars} at {self._changes.clock.tempo_bpm:g} bpm")
        elif knobs_due:
            self._ahead.change(lambda _: self._turn_knobs())
        if self._ahead.playing:
            self._changes.keep_ahead(self._improviser)

    def _start_chart(self, changes: ChartPlayer) -> None:
        beats = self._count_in_bars * changes.chart.beats_per_bar
        beat_us = 60e6 / changes.clock.tempo_bpm
        at_us = self._clock() + START_MARGIN_US + round(beats * beat_us)
        if beats:
            self._ahead.count_in(at_us, beats, beat_us, changes.chart.beats_per_bar)
            self._report("count-in", "1 bar" if self._count_in_bars == 1 else f"{self._count_in_bars} bars")
        self._ahead.start(self._prepare_changes, at_first_note=False, at_us=at_us if beats else None)

    def _answer(self, now_us: int, knobs_due: bool) -> None:
        assert self._answering is not None
        if self._enabled:
            self._answering.step(now_us, self._heard)
        if knobs_due and self._ahead.playing:
            self._ahead.change(lambda _: self._turn_knobs())
        elif knobs_due:
            self._turn_knobs()

    def _prepare_answer(self, from_s: float) -> None:
        if self._knobs:
            self._turn_knobs()
        if self._mode == "continue":
            self._set_beat(from_s)

    def _prepare_changes(self, from_s: float) -> None:
        assert self._changes is not None
        if self._knobs:
            self._turn_knobs()
        self._changes.start(self._improviser, from_s, self._start_beat)
        self._start_beat = 0.0
        self._follow_clock(self._changes)

    def _skipped(self, from_s: float, skipped_s: float) -> None:
        if self._mode == "changes" and self._changes is not None:
            self._changes.skip(self._improviser, from_s, skipped_s)
            self._follow_clock(self._changes)

    def _set_beat(self, from_s: float) -> None:
        """Tells model and feel the beat of follow mode, which may be none."""
        origin_s = self._outside_origin_s(from_s)
        self._ahead.set_beat(self._tempo_bpm, origin_s=origin_s)
        self._say_if_beatless()

    def _follow_transport(self, clock: MidiClock, time_us: int, message: bytes) -> None:
        """One message: a chart starts, stops and moves with the outside clock; in other modes only the tempo counts."""
        did = clock.take(time_us, message)
        if did is None or self._mode != "changes":
            return
        if did == "position" and clock.running:
            self._locate(clock.position_beats, time_us)
        elif did != "position":
            self._start_beat = clock.position_beats
            self._rest()  # where the clock runs, this round starts the chart again
            self._enabled = True

    def _sync(self, clock: MidiClock, now_us: int) -> None:
        """Takes over the clock's tempo, and in a chart its beat, where ours has come off."""
        tempo_bpm = clock.tempo_bpm
        if tempo_bpm is None:
            return
        if self._tempo_bpm is None or abs(tempo_bpm / self._tempo_bpm - 1) > SYNC_SHARE:
            self._set_tempo(tempo_bpm)
        beat = clock.beat_at(now_us)
        if beat is None or not self._ahead.playing:
            return
        self._locate(beat, now_us)
        if self._mode in ("follow", "continue"):
            beat_s = 60.0 / tempo_bpm
            off_s = (self._outside_origin_s(self._improviser.time_s) - self._ahead.feel.origin_s) % beat_s
            if LOCATE_TOLERANCE_S < off_s < beat_s - LOCATE_TOLERANCE_S:
                self._ahead.change(self._set_beat)

    def _outside_origin_s(self, from_s: float) -> float:
        """Where the outside clock has the last bar line before a stream second; that second where nothing is known."""
        now_us = self._clock()
        beat = None if self._midi_clock is None else self._midi_clock.beat_at(now_us)
        if beat is None or self._tempo_bpm is None or not self._ahead.playing:
            return from_s
        beat += (self._ahead.wall_us(from_s) + self._latency_us - now_us) / 60e6 * self._tempo_bpm
        return from_s - beat % BEATS_PER_BAR * 60.0 / self._tempo_bpm

    def _follow_clock(self, changes: ChartPlayer) -> None:
        """Tells feel the beat of a chart."""
        clock = changes.clock
        self._ahead.feel = replace(self._ahead.feel, tempo_bpm=clock.tempo_bpm, origin_s=clock.origin_s)

    def _say_if_beatless(self) -> None:
        if self._ahead.feel.params.needs_beat and self._ahead.feel.tempo_bpm is None:
            self._report("feel", "quantise and swing wait for a beat: set a tempo")

    def _turn_knobs(self) -> None:
        turned, self._knobs = self._knobs, {}
        self._next_knob_us = self._clock() + KNOB_PERIOD_US
        for name, value in turned.items():  # one by one: a refused one must not hold up the others
            try:
                self._improviser.set_params(**{name: value})
                self._params[name] = value
                if name in FEEL_NAMES:
                    self._ahead.feel = self._ahead.feel.turned(**{name: float(value)})
                    if self._ahead.playing:
                        self._say_if_beatless()
            except (OscError, SidemanError) as error:
                self._report("error", str(error))

    def _rest(self) -> None:
        self._chord = None
        if self._answering is not None:
            self._answering.rest()
        if self._ahead.playing:
            self._ahead.rest()
            self._report("rest", "")

    # ---- commands, on the session thread ----------------------------------------------------------------------------

    def _set_look_ahead(self, look_ahead_ms: int) -> None:
        self._look_ahead_us = look_ahead_ms * 1000

    def _set_mode(self, mode: str) -> None:
        if mode == self._mode:
            return
        self._mode = mode
        self._rest()  # keys held already are followed at once
        self._answering = None
        if mode == "continue":
            self._answering = Continuing(self._ahead, self._report, self._prepare_answer)
        elif mode == "trade":
            self._answering = Trading(
                self._ahead,
                self._report,
                self._prepare_answer,
                bars=self._trade_bars,
                tempo_bpm=self._tempo_bpm or DEFAULT_TEMPO_BPM,
                chart=None if self._changes is None else self._changes.chart,
                latency_us=self._latency_us,
            )

    def _latch(self, chord: Chord | None) -> None:
        self._held.forget()
        self._latched = chord

    def _set_chart(self, chart: Chart) -> None:
        self._changes = ChartPlayer(chart, self._tempo_bpm or DEFAULT_TEMPO_BPM)
        self._mode = "changes"
        self._rest()  # the next round starts from its first bar
        self._answering = None

    def _set_tempo(self, tempo_bpm: float) -> None:
        self._tempo_bpm = tempo_bpm
        if isinstance(self._answering, Trading):
            self._answering.set_tempo(tempo_bpm, self._clock())
            return

        def prepare(from_s: float) -> None:
            if self._mode == "changes" and self._changes is not None:
                self._changes.set_tempo(self._improviser, tempo_bpm, from_s)
                self._follow_clock(self._changes)
            else:
                self._set_beat(from_s)

        if self._ahead.playing:
            self._ahead.change(prepare)
        elif self._changes is not None:
            self._changes = ChartPlayer(self._changes.chart, tempo_bpm)

    def _locate(self, beat: float, at_us: int) -> None:
        """The outside is at this beat at that moment."""
        changes = self._changes
        if changes is None or self._mode != "changes":
            return
        if not self._ahead.playing:
            self._start_beat = beat
            return

        def beat_at(stream_s: float) -> float:
            heard_us = self._ahead.wall_us(stream_s) + self._latency_us
            return beat + (heard_us - at_us) / 1e6 * changes.clock.tempo_bpm / 60.0

        present_s = self._improviser.time_s
        off_s = (beat_at(present_s) - changes.clock.beat(present_s)) * 60.0 / changes.clock.tempo_bpm
        if abs(off_s) < LOCATE_TOLERANCE_S:
            return  # a host that repeats where it is

        def prepare(from_s: float) -> None:
            changes.start(self._improviser, from_s, max(beat_at(from_s), 0.0))
            self._follow_clock(changes)

        self._ahead.change(prepare)

    def _set_seed(self, seed: int) -> None:
        self._rest()
        self._improviser = self._make_improviser(seed)
        self._improviser.set_params(**self._params)
        self._ahead.replace(self._improviser)
        self._ahead.feel = replace(self._ahead.feel, seed=seed)

    def _play(self) -> None:
        self._enabled = True

    def _stop(self) -> None:
        self._enabled = False
        self._held.forget()
        self._latched = None
        self._rest()

    def _panic(self) -> None:
        self._stop()
        self._ahead.all_notes_off()
        self._enabled = self._mode != "changes"  # a chart waits for play; keys say for themselves when to play
