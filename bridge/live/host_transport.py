"""The transport of the host in which a session's plug-in is loaded, in front of the mode that plays.

Its beat is not measured, as that of a MIDI clock is, but known: the session's clock runs by it (HostTime).
"""

from __future__ import annotations

from typing import Final

from bridge.live.commands import FollowHost
from bridge.live.host_time import HostTime
from bridge.live.modes.switch import Modes
from bridge.live.outside_clock import SYNC_PERIOD_US, SYNC_SHARE
from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.beat import Beat
from bridge.live.playing.report import Report
from engine.errors import ChordError
from engine.metre import parse_metre
from osc_protocol.table.parameters import HIGHEST_BPM, LOWEST_BPM

__all__ = ["HostFollower", "HostTransport"]


class HostTransport:
    """A SongClock. Session thread only, but for `time`."""

    was_told: Final = True

    def __init__(self, time: HostTime) -> None:
        """time: of the session's clock."""
        self.time = time
        self._news: FollowHost | None = None  # the last that was told
        self._anchor = (0.0, 0.0)  # the count, and the song's position, where the host began to play on evenly

    @property
    def running(self) -> bool:
        return self._news is not None and self._news.playing

    @property
    def tempo_bpm(self) -> float | None:
        """See SongClock. As near to the host's as the sideman can play."""
        return None if self._news is None else min(max(self._news.tempo_bpm, LOWEST_BPM), HIGHEST_BPM)

    @property
    def position_beats(self) -> float:
        return 0.0 if self._news is None else max(self._news.song, 0.0)

    def beat_at(self, time_us: int) -> float | None:
        """See SongClock. A loop is unrolled: beyond its end the song seems to go on."""
        at, song = self._anchor
        return song + self.time.beat(time_us) - at if self.running else None

    def ticks_at(self, time_us: int) -> bool:
        return self._news is not None

    def take(self, news: FollowHost) -> tuple[bool, bool]:
        """Takes what the host does now; returns whether it has started, stopped or jumped, and whether its loop is
        another one."""
        before, self._news = self._news, news
        moved = before is None or before.epoch != news.epoch
        looped = before is None or before.loop != news.loop
        if moved or looped:
            self._anchor = (news.at, news.song)
        return moved, looped

    @property
    def epoch(self) -> int:
        """The host's; 0 before it has told any."""
        return 0 if self._news is None else self._news.epoch

    @property
    def loop(self) -> tuple[float, float] | None:
        """The loop that the host will go round, in quarters; None where it plays straight on."""
        if self._news is None or not self._news.playing or self._news.loop is None:
            return None
        return self._news.loop if self._anchor[1] < self._news.loop[1] else None


class HostFollower:
    """Session thread only."""

    def __init__(self, host: HostTransport, modes: Modes, beat: Beat, ahead: PlayAhead, report: Report) -> None:
        self._host, self._modes, self._beat, self._ahead, self._report = host, modes, beat, ahead, report
        self._refused_metre = ""  # that of the host which nobody can play in
        self._next_sync_us = 0
        self._tempo_bpm: float | None = None  # of the clock, from the next cut on
        ahead.on_cut = self._cut

    def follow(self, news: FollowHost, now_us: int) -> bool:
        """Follows the host; returns whether it plays from now on."""
        moved, looped = self._host.take(news)
        self._take_metre(news.metre)
        if moved:
            self._modes.rest()
            self._sync(now_us)
            self._modes.mode.obey("continue" if news.playing else "stop", self._host, now_us)
        if looped or moved:
            self._modes.mode.go_round(self._loop())
        return moved and news.playing

    def step(self, now_us: int) -> None:
        """Takes over the host's tempo, where it is another one: what is ready for later is made anew for it."""
        tempo_bpm = self._host.tempo_bpm
        if tempo_bpm is None:
            return
        told_bpm = None if self._beat.tempo_bpm is None else self._beat.tempo_bpm * self._quarters()
        if told_bpm is None or (abs(tempo_bpm / told_bpm - 1) > SYNC_SHARE and now_us >= self._next_sync_us):
            self._sync(now_us)

    def _take_metre(self, text: str) -> None:
        if text in (str(self._beat.metre), self._refused_metre):
            return
        try:
            self._modes.set_metre(str(parse_metre(text)))
            self._refused_metre = ""
        except ChordError as error:  # a host may have any: the music stays in the one before
            self._refused_metre = text
            self._report("error", f"the host's metre is not taken up: {error}")

    def _sync(self, now_us: int) -> None:
        tempo_bpm = self._host.tempo_bpm
        assert tempo_bpm is not None
        self._next_sync_us = now_us + SYNC_PERIOD_US
        self._tempo_bpm = tempo_bpm
        # Music that was made ahead is taken back for the new tempo, and on_cut has _cut bend the clock just there.
        self._modes.set_tempo(tempo_bpm / self._quarters())
        if self._tempo_bpm is not None:  # nothing was cut: the music rests, or plays to its end as it was made
            self._cut(max(now_us, self._ahead.ready_us))

    def _cut(self, at_us: int) -> None:
        if self._tempo_bpm is not None:
            self._host.time.bend(at_us, self._tempo_bpm)
            self._tempo_bpm = None

    def _loop(self) -> tuple[float, float] | None:
        loop, quarters = self._host.loop, self._quarters()
        return None if loop is None else (loop[0] / quarters, loop[1] / quarters)

    def _quarters(self) -> float:
        """Returns the length of the felt beat: hosts count quarters."""
        return float(self._modes.mode.metre.beat_quarters)
