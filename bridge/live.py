"""The session thread: takes what the player does and what the knobs say, decides, keeps music ready ahead.

It alone owns the improviser and the producer's side of the scheduler. Other threads reach it through bridge/doors.py,
which never makes them wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from bridge.ahead import EventSink, PlayAhead
from bridge.beat import BEATS_PER_BAR, Beat
from bridge.charting import Charting
from bridge.continuing import Continuing
from bridge.controls import Controls
from bridge.doors import Doors
from bridge.following import Following
from bridge.heard import HeardNotes
from bridge.improviser import Improviser
from bridge.knobs import Knobs
from bridge.midi_clock import MidiClock
from bridge.trading import Trading
from bridge.witness import Witness
from engine.chords import Chart

__all__ = ["LiveSession", "Report"]

BUSY_S, IDLE_S = 0.01, 0.1  # between two rounds, with and without something to watch
SYSTEM: Final = 0xF0  # messages from here on are of no channel: clock, transport, sensing
SYNC_PERIOD_US: Final = 500_000  # between two looks at how far we are from an outside clock
SYNC_SHARE: Final = 0.003  # of the tempo: less is not worth new music


class Report(Protocol):
    """Hears what happens, on the session thread. It must return at once."""

    def __call__(self, what: str, text: str, /) -> None:
        """what: `chord`, `rest`, `count-in`, `playing`, `listening`, `feel`, `error`. text: one line."""


class LiveSession(Controls):
    """One sideman. Controls, start_thread and stop_thread are for other threads; the rest is the session thread's."""

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
        witness: Witness | None = None,
        doors: Doors | None = None,
    ) -> None:
        """make_improviser: a fresh stream for a seed. clock: monotonic microseconds, the scheduler's own.

        release_s: how long after the last key the sideman rests. tempo_bpm: None for no beat in follow mode.
        trade_bars: of a turn in mode trade. count_in_bars: of clicks on channel 10 before a chart.
        output_latency_ms: from sending a note to hearing it. What must fall on a beat that comes from outside (a
        position, the player's own in a trade) is sent so much earlier.
        midi_clock: followed in tempo, beat and transport, where one is given: a chart waits for its start.
        witness: is told what the player and the session do, where one is given.
        doors: what the session hears, and the time it goes by; None makes them.
        """
        super().__init__(clock, doors)
        self._witness = witness or Witness()
        self._make_improviser, self._sink, self._report = make_improviser, sink, report
        self._thread: threading.Thread | None = None
        # Session thread only, from here on.
        now_us = self.doors.now_us
        self._look_ahead_us = look_ahead_ms * 1000
        self._trade_bars, self._count_in_bars = trade_bars, count_in_bars
        self._midi_clock = midi_clock
        self._mode = "follow"
        self._enabled = True
        self._next_sync_us = 0
        self._ahead = PlayAhead(make_improviser(seed), sink, now_us, channel=channel)
        self._ahead.feel = replace(self._ahead.feel, seed=seed)
        latency_us = round(output_latency_ms * 1000)
        self._beat = Beat(
            self._ahead, now_us, report, tempo_bpm=tempo_bpm, midi_clock=midi_clock, latency_us=latency_us
        )
        self._knobs = Knobs(self._ahead, self._beat, now_us, report, self._witness)
        self._heard = HeardNotes()
        self._following = Following(
            self._ahead, report, self._knobs, self._beat, self._witness, release_us=round(release_s * 1e6)
        )
        self._charting: Charting | None = None  # kept while another mode plays
        self._answering: Continuing | Trading | None = None  # in modes continue and trade
        self._commands: dict[str, Callable[..., None]] = {
            "look_ahead": self._set_look_ahead,
            "mode": self._set_mode,
            "knob": self._knobs.set,
            "chord": self._following.latch,
            "chart": self._set_chart,
            "tempo": self._set_tempo,
            "locate": self._locate,
            "seed": self._set_seed,
            "play": self._play,
            "stop": self._stop,
            "panic": self._panic,
        }

    def start_thread(self, on_failure: Callable[[BaseException], None]) -> None:
        """Runs rounds on a thread of its own; on_failure is called there if a round fails, after silence."""
        self._thread = threading.Thread(target=self._run, args=(on_failure,), name="sideman-session", daemon=True)
        self._thread.start()

    def stop_thread(self, timeout_s: float = 2.0) -> bool:
        """Silences and ends the thread; False if it is stuck."""
        self.doors.close()
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        return True

    @property
    def skipped(self) -> int:
        """Notes that came too late to be played."""
        return self._ahead.skipped

    # ---- session thread ---------------------------------------------------------------------------------------------

    def step(self) -> float:
        """One round. Returns the longest time, in seconds, until the next one is due."""
        self.doors.begin_round()
        for time_us, message in self.doors.messages():
            self._hear(time_us, message)
        for name, arguments in self.doors.commands():
            self._commands[name](*arguments)
        now_us = self.doors.now_us()
        if self._midi_clock is not None and now_us >= self._next_sync_us:
            self._next_sync_us = now_us + SYNC_PERIOD_US
            self._sync(self._midi_clock, now_us)
        if self._enabled:
            self._play_on(now_us)
        else:
            self._knobs.apply(now_us)
        self._ahead.fill(self._look_ahead_us, self.doors.has_news, self._skipped)
        self._beat.tell(now_us, self._witness, self._beats_per_bar)
        wait_s = BUSY_S if self._ahead.playing or self._knobs.waiting or self._answering is not None else IDLE_S
        settles_in_us = self._following.settles_in_us(self.doors.now_us())
        return wait_s if settles_in_us is None else min(wait_s, settles_in_us / 1e6)

    def _run(self, on_failure: Callable[[BaseException], None]) -> None:
        try:
            while not self.doors.closed:
                self.doors.wait(self.step())
        except Exception as error:
            on_failure(error)
        finally:
            self._sink.silence()

    def _hear(self, time_us: int, message: bytes) -> None:
        if self._midi_clock is not None:
            self._follow_transport(self._midi_clock, time_us, message)
        if message[0] >= SYSTEM:
            return
        self._witness.heard(time_us, message)
        self._following.hear(time_us, message)
        for note in self._heard.take(time_us, message):
            if self._answering is not None and self._enabled:
                self._answering.hear(note)

    def _play_on(self, now_us: int) -> None:
        if self._mode == "follow":
            self._following.step(now_us)
        elif self._mode == "changes":
            assert self._charting is not None
            self._charting.step(now_us)
        else:
            assert self._answering is not None
            self._answering.step(now_us, self._heard)
            self._knobs.apply(now_us)

    @property
    def _beats_per_bar(self) -> int:
        chart_counts = self._charting is not None and self._mode in ("changes", "trade")
        return self._charting.chart.beats_per_bar if chart_counts and self._charting is not None else BEATS_PER_BAR

    def _skipped(self, from_s: float, skipped_s: float) -> None:
        if self._mode == "changes" and self._charting is not None:
            self._charting.skip(from_s, skipped_s)

    def _follow_transport(self, clock: MidiClock, time_us: int, message: bytes) -> None:
        """One message: a chart starts, stops and moves with the outside clock; in other modes only the tempo counts."""
        did = clock.take(time_us, message)
        if did is None or self._mode != "changes" or self._charting is None:
            return
        if did == "position" and clock.running:
            self._charting.locate(clock.position_beats, time_us)
        elif did != "position":
            self._charting.start_beat = clock.position_beats
            self._rest()  # where the clock runs, this round starts the chart again
            self._enabled = True

    def _sync(self, clock: MidiClock, now_us: int) -> None:
        """Takes over the clock's tempo, and in a chart its beat, where ours has come off."""
        tempo_bpm = clock.tempo_bpm
        if tempo_bpm is None:
            return
        ours_bpm = self._beat.tempo_bpm
        if ours_bpm is None or abs(tempo_bpm / ours_bpm - 1) > SYNC_SHARE:
            self._set_tempo(tempo_bpm)
        beat = clock.beat_at(now_us)
        if beat is None or not self._ahead.playing:
            return
        if self._mode == "changes":
            self._locate(beat, now_us)
        elif self._mode in ("follow", "continue") and self._beat.is_off():
            self._ahead.change(self._beat.lay)

    def _prepare_answer(self, from_s: float) -> None:
        self._knobs.turn()
        if self._mode == "continue":
            self._beat.lay(from_s)

    def _rest(self) -> None:
        if self._answering is not None:
            self._answering.rest()
        self._following.rest()

    # ---- commands, on the session thread ----------------------------------------------------------------------------

    def _set_look_ahead(self, look_ahead_ms: int) -> None:
        self._look_ahead_us = look_ahead_ms * 1000

    def _set_mode(self, mode: str) -> None:
        if mode == self._mode:
            return
        self._mode = mode
        self._witness.marked(self.doors.now_us(), f"mode {mode}")
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
                tempo_bpm=self._beat.chart_bpm,
                chart=None if self._charting is None else self._charting.chart,
                latency_us=self._beat.latency_us,
            )

    def _set_chart(self, chart: Chart) -> None:
        self._rest()  # the next round starts from its first bar
        self._mode = "changes"
        self._answering = None
        self._charting = Charting(
            chart,
            self._ahead,
            self.doors.now_us,
            self._report,
            self._knobs,
            self._beat,
            self._witness,
            count_in_bars=self._count_in_bars,
        )

    def _set_tempo(self, tempo_bpm: float) -> None:
        self._beat.tempo_bpm = tempo_bpm
        if isinstance(self._answering, Trading):
            self._answering.set_tempo(tempo_bpm, self.doors.now_us())
        elif self._ahead.playing and self._mode == "changes" and self._charting is not None:
            self._charting.set_tempo(tempo_bpm)
        elif self._ahead.playing:
            self._ahead.change(self._beat.lay)

    def _locate(self, beat: float, at_us: int) -> None:
        if self._mode == "changes" and self._charting is not None:
            self._charting.locate(beat, at_us)

    def _set_seed(self, seed: int) -> None:
        self._rest()
        improviser = self._make_improviser(seed)
        improviser.set_params(**self._knobs.in_force)
        self._ahead.replace(improviser)
        self._ahead.feel = replace(self._ahead.feel, seed=seed)

    def _play(self) -> None:
        self._enabled = True

    def _stop(self) -> None:
        self._enabled = False
        self._following.latch(None)
        self._rest()

    def _panic(self) -> None:
        self._stop()
        self._ahead.all_notes_off()
        self._enabled = self._mode != "changes"  # a chart waits for play; keys say for themselves when to play
