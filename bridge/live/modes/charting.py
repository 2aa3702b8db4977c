"""Modes changes and comp: the sideman plays over a chart, round and round, in the bars of whoever has the beat."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.live.modes.chart_chords import chords_from, song_beat
from bridge.live.modes.mode import Mode
from bridge.live.playing.ahead import START_MARGIN_US
from bridge.live.playing.beat import LOCATE_TOLERANCE_S, SongClock
from bridge.live.playing.context import Context
from bridge.live.playing.timeline import StreamTimeline, WallTimeline
from bridge.live.rounds.asked_bars import AskedBars
from bridge.live.rounds.rounds import Rounds
from bridge.midi.clock import Transport
from engine.chords import Chart, Chord
from engine.chords.charts.form import form_of

__all__ = ["Charting"]

LAID_OUT_S: Final = 30.0  # how far a chart is laid out at a time


class Charting(Mode):
    """Plays one chart, laid out before the improviser as far as it may look ahead. The session thread owns it."""

    led_by_keys = False
    chart: Chart

    def __init__(self, context: Context, chart: Chart, *, count_in_bars: int) -> None:
        super().__init__("changes", context, chart)
        self._rounds = Rounds(chart.bars, chart.beats_per_bar)
        self.bars = AskedBars(context, self._rounds)
        self._form = form_of(chart)
        self._count_in_bars = count_in_bars
        self._marked: Chord | None = None  # the chord that the observer was told of last
        self._until_s = 0.0  # stream second up to which the chart is laid out
        self._last: Chord | None = None  # chord laid out last
        self.start_beat = 0.0  # of the chart, where it starts next
        self._loop: tuple[float, float] | None = None  # of the host's song; the timeline unrolls it
        self._told_ticks: bool | None = None  # what the player was told last while the clock had not been started

    @property
    def tempo_bpm(self) -> float:
        return self._beat.chart_bpm

    @property
    def builds(self) -> bool:
        return not self.keeps_clear

    @property
    def keeps_clear(self) -> bool:
        return self.name == "comp"

    @property
    def form(self) -> WallTimeline | None:
        if not self._ahead.playing:
            return None
        return WallTimeline(self._timeline.tempo_bpm, self._ahead.wall_us(self._timeline.seconds(0.0)))

    def lead(self, now_us: int) -> Chart:
        beat = self.beat_at(self._ahead.stream_s(now_us)) if self._ahead.playing else self.start_beat
        return self.chart.turned(int(max(song_beat(beat, self._loop), 0.0) // self.chart.beats_per_bar))

    def beat_at(self, stream_s: float) -> float:
        """Returns the chart's beat at a stream second. Call it only while playing."""
        return self._timeline.beat(stream_s)

    def step(self, now_us: int) -> None:
        """Starts where it rests, and keeps the chart laid out."""
        if self._ahead.playing:
            self._knobs.apply(now_us)
        elif self._may_start(now_us):
            self._start()
            bars = "1 bar" if self.chart.bars == 1 else f"{self.chart.bars} bars"
            self._report("playing", f"{bars} at {self.tempo_bpm:g} bpm")
            self._told_ticks = None
        if self._ahead.playing:
            self._keep_ahead()
            self._mark(now_us)

    def hold_place(self) -> None:
        """Makes the next start go on from where the music is broken off now."""
        if self._ahead.playing:
            self.start_beat = max(song_beat(self.beat_at(self._ahead.stream_s(self._clock())), self._loop), 0.0)

    def skip(self, from_s: float, skipped_s: float) -> None:
        """Keeps the chart with the clock on the wall where the stream was laid anew, so much later."""
        self._play_from(from_s, self.beat_at(from_s) + skipped_s * self.tempo_bpm / 60.0)

    def resume(self, from_s: float) -> None:
        self._lay_out(self._timeline, from_s)

    def set_tempo(self, tempo_bpm: float) -> None:
        """Sets another tempo; the beat goes on from where it is. A start asks for the tempo by itself."""
        if self._ahead.playing:
            self._ahead.change(lambda from_s: self._lay_out(self._timeline.at_tempo(tempo_bpm, from_s), from_s))

    def set_metre(self) -> None:
        """Does nothing: the chart has its own metre."""

    def locate(self, beat: float, at_us: int) -> None:
        """Goes to where the outside is: at this beat at that moment."""
        if not self._ahead.playing:
            self.start_beat = beat
            return
        tempo_bpm = self.tempo_bpm

        def beat_at(stream_s: float) -> float:
            heard_us = self._ahead.wall_us(stream_s) + self._beat.latency_us
            return beat + (heard_us - at_us) / 1e6 * tempo_bpm / 60.0

        present_s = self._ahead.improviser.time_s
        off_s = (beat_at(present_s) - self.beat_at(present_s)) * 60.0 / tempo_bpm
        if abs(off_s) >= LOCATE_TOLERANCE_S:  # a host repeats where it is
            self._ahead.change(lambda from_s: self._play_from(from_s, max(beat_at(from_s), 0.0)))

    def meet(self, beat: float, at_us: int) -> None:
        self.locate(beat, at_us)

    def go_round(self, loop: tuple[float, float] | None) -> None:
        self._loop = loop
        if self._ahead.playing:
            self._ahead.change(lambda from_s: self._play_from(from_s, self._beat_from_outside(from_s)))

    def obey(self, did: Transport, clock: SongClock, at_us: int) -> bool:
        """A position moves what plays. A start or stop ends it, and it starts again while the clock runs."""
        beat = clock.position_beats / float(self.metre.beat_quarters)
        if did == "position":
            if clock.running:
                self.locate(beat, at_us)
            return False
        self.start_beat = beat
        return True

    @property
    def _timeline(self) -> StreamTimeline:
        """The chart's beats over stream seconds. Only while playing."""
        assert self._ahead.timeline is not None
        return self._ahead.timeline

    def _may_start(self, now_us: int) -> bool:
        """Whether nothing is waited for. A clock that has just been started has no tempo for half a beat of ticks."""
        clock = self._beat.outside
        if clock is None:
            return True
        if not clock.running or self._beat.tempo_bpm is None:
            self._say_what_is_waited_for(clock, now_us)
            return False
        return True

    def _outside_beat(self, at_us: int) -> float | None:
        """The chart's beat that is to be heard of what is sent then; None where no clock says."""
        clock = self._beat.outside
        quarter = None if clock is None else clock.beat_at(at_us + self._beat.latency_us)
        return None if quarter is None else max(quarter / float(self.chart.metre.beat_quarters), 0.0)

    def _beat_from_outside(self, from_s: float) -> float:
        beat = self._outside_beat(self._ahead.wall_us(from_s))
        return self.beat_at(from_s) if beat is None else beat

    def _say_what_is_waited_for(self, clock: SongClock, now_us: int) -> None:
        ticks = clock.tempo_bpm is not None and clock.ticks_at(now_us)
        if ticks == self._told_ticks or clock.was_told:  # a host that stops knows that it has
            return
        self._told_ticks = ticks
        if ticks:
            text = f"the clock ticks at {clock.tempo_bpm:.0f} bpm and has not been started: start it there, or send "
            self._report("note", f"{text}/sideman/play on a first beat")
        else:
            self._report("note", "the chart waits for a MIDI clock and its start")

    def _mark(self, now_us: int) -> None:
        """Tells the observer of the chord that sounds, if it is another one."""
        beat = self.beat_at(self._ahead.stream_s(now_us))
        if beat < 0:  # the count-in
            return
        within = song_beat(beat, self._loop) % self.chart.beats
        span = next(span for span in reversed(self.chart.spans) if span.start_beat <= within)
        if span.chord != self._marked:
            self._marked = span.chord
            began_s = self._timeline.seconds(beat - within + span.start_beat)
            self._observer.marked(self._ahead.wall_us(began_s), "N.C." if span.chord is None else span.chord.label)

    def _start(self) -> None:
        self._marked = None
        beats = self._count_in_bars * self.chart.beats_per_bar
        beat_us = 60e6 / self.tempo_bpm
        at_us = self._clock() + START_MARGIN_US + round(beats * beat_us)
        if beats:
            self._ahead.delivery.count_in(at_us, beats, beat_us, self.chart.beats_per_bar)
            self._report("count-in", "1 bar" if self._count_in_bars == 1 else f"{self._count_in_bars} bars")
        outside_beat = self._outside_beat(at_us)
        if outside_beat is not None:  # ticks have come since the start: the chart enters where the host is
            self.start_beat = outside_beat
        is_dated = beats > 0 or outside_beat is not None
        self._ahead.start(self._prepare, at_first_note=False, at_us=at_us if is_dated else None)

    def _prepare(self, from_s: float) -> None:
        self._knobs.turn()
        self._play_from(from_s, self.start_beat)
        self.start_beat = 0.0

    def _play_from(self, from_s: float, beat: float) -> None:
        self._lay_out(StreamTimeline(self.tempo_bpm).located(from_s, beat), from_s)

    def _lay_out(self, timeline: StreamTimeline, from_s: float) -> None:
        """Lays out beat and chords from a stream second on."""
        form = replace(self._form, loop=self._loop)
        self._ahead.set_beat(timeline, self.chart.metre, from_s, form=form, returning=self._rounds)
        chords = chords_from(self.chart, timeline, from_s, LAID_OUT_S, self._loop)
        self._ahead.improviser.set_chords(chords, from_s=from_s)
        self._until_s, self._last = from_s + LAID_OUT_S, chords[-1][1]

    def _keep_ahead(self) -> None:
        """Lays out more where the improviser has come half through."""
        improviser = self._ahead.improviser
        if improviser.time_s + LAID_OUT_S / 2 <= self._until_s:
            return
        chords = chords_from(self.chart, self._timeline, self._until_s, LAID_OUT_S, self._loop)
        last = chords[-1][1]
        if chords[0][1] == self._last:
            del chords[0]  # it only goes on
        improviser.set_chords(chords, from_s=self._until_s)
        self._until_s, self._last = self._until_s + LAID_OUT_S, last
