"""What other threads may ask of a session: every request is a command in its inbox, taken up in the next round."""

from __future__ import annotations

from bridge.errors import ModeError
from bridge.live import commands
from bridge.live.inbox import Inbox
from bridge.live.modes.mode import MODES
from bridge.live.rounds.bars import parse_bars
from bridge.live.rounds.densities import parse_density
from bridge.live.rounds.variations import parse_variation
from engine.chords import Chart, Chord
from engine.metre import parse_metre
from osc_protocol.table.parameters import Setting

__all__ = ["Controls"]


class Controls:
    """Any thread may call any of these; none of them waits."""

    def __init__(self, inbox: Inbox) -> None:
        """inbox is where the commands go."""
        self._has_chart = False  # or will have, once the session thread has seen it
        self.inbox = inbox

    def midi_in(self, message: bytes) -> None:
        """Takes one message from the player. The MIDI system's thread alone calls this."""
        self.inbox.hear(message)

    def play_keys(self, message: bytes) -> None:
        """Takes a channel message of the player that came by another way than the MIDI input, as from a page."""
        self.inbox.post(commands.HearKeys(self.inbox.clock_us(), message))

    def set_parameter(self, setting: Setting) -> None:
        """Sets a parameter from the next note that can still change on. ModeError: the mode cannot be had."""
        if setting.name == "look_ahead_ms":
            self.inbox.post(commands.SetLookAhead(int(setting.value)))
        elif setting.name == "mode":
            mode = str(setting.value)
            if MODES[mode].needs_chart and not self._has_chart:
                raise ModeError(f"mode {mode!r} needs a chord chart: give --chords or send /sideman/chords first")
            self.inbox.post(commands.SetMode(mode))
        else:
            self.inbox.post(commands.TurnKnob(setting))

    def set_chord(self, chord: Chord | None) -> None:
        """Follows this chord until keys say otherwise; None rests."""
        self.inbox.post(commands.FollowChord(chord))

    def set_chart(self, chart: Chart) -> None:
        """Plays over this chart, from its first bar; turns the mode to changes, unless it is comp."""
        self._has_chart = True
        self.inbox.post(commands.PlayChart(chart))

    def set_tempo(self, tempo_bpm: float) -> None:
        """Sets the tempo from now on; a chart's beat goes on from where it is."""
        self.inbox.post(commands.SetTempo(tempo_bpm))

    def set_metre(self, metre: str) -> None:
        """Sets the metre of what has no chart, as in `6/8`; the tempo counts its felt beat. ChordError: no metre."""
        self.inbox.post(commands.SetMetre(str(parse_metre(metre))))

    def locate(self, beat: float) -> None:
        """Goes to a beat of the chart: the host is there now. At rest the chart will start there."""
        self.inbox.post(commands.Locate(beat, self.inbox.clock_us()))

    def set_seed(self, seed: int) -> None:
        """Starts a fresh stream with this seed: what comes now can be had again."""
        self.inbox.post(commands.SetSeed(seed))

    def play(self) -> None:
        """Plays again after stop(), a chart from its first bar."""
        self.inbox.post(commands.Play())

    def stop(self) -> None:
        """Falls silent until play()."""
        self.inbox.post(commands.Stop())

    def panic(self) -> None:
        """Silences all channels; the next chord plays again."""
        self.inbox.post(commands.Panic())

    def end_in(self, bars: int) -> None:
        """Brings the music home in so many bars, 0: at the end of the chart's round; then it rests until play()."""
        self.inbox.post(commands.EndIn(bars))

    def keep(self, bars: str = "") -> None:
        """Has bars of the chart, such as `5-8`, all for "", come back as they were heard. ModeError: it names none."""
        parse_bars(bars)
        self.inbox.post(commands.KeepBars(bars))

    def again(self, bars: str = "") -> None:
        """Has bars that come back, all for "", be new from the next round on. ModeError: it names none."""
        parse_bars(bars)
        self.inbox.post(commands.PlayAgain(bars))

    def choose_variation(self, text: str) -> None:
        """Has a variation of bars come back, such as `2 5-8`, or made; `2` alone: of all. ModeError: it names none."""
        number, bars = parse_variation(text)
        self.inbox.post(commands.ChooseVariation(number, bars))

    def draw_density(self, text: str) -> None:
        """Gives bars of the chart a density, such as `5-8 0.9`; `auto` alone: none has one. ModeError: it says none."""
        parse_density(text)
        self.inbox.post(commands.DrawDensity(text))

    def undo(self) -> None:
        """Takes back the last keep, again or choice of a variation."""
        self.inbox.post(commands.UndoBars())

    def store_bank(self, name: str) -> None:
        """Stores context, knobs and seed in a bank, A to D, from the next bar line on."""
        self.inbox.post(commands.StoreBank(name))

    def recall_bank(self, name: str) -> None:
        """Has a bank take over at the next bar line."""
        self.inbox.post(commands.RecallBank(name))

    def resync(self, why: str) -> None:
        """Ends every note; the music goes on from now. why is for the report, "" for none."""
        self.inbox.post(commands.Resync(why))

    @property
    def dropped_input(self) -> int:
        """How many messages of the player found the ring full."""
        return self.inbox.dropped
