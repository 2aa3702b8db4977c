"""Parameters on their way from whoever turns them to the stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.beat import Beat
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.observer import Observer
from bridge.live.playing.report import Report
from engine.beats.feel import FEEL_NAMES
from engine.errors import SidemanError
from osc_protocol.errors import OscError
from osc_protocol.table.parameters import BY_NAME, CONTROL_NAMES, Setting, Value

__all__ = ["Knobs", "Refused"]

KNOB_PERIOD_US: Final = 50_000  # a turning knob makes new music at most 20 times a second


class Refused(NamedTuple):
    """A value that a parameter was given and the music refused, and the one that stays in force."""

    name: str
    value: Value
    in_force: Value


class Knobs:
    """Keeps what is turned until it holds. The session thread owns it; any thread may take from refused."""

    def __init__(
        self, ahead: PlayAhead, beat: Beat, clock: Callable[[], int], report: Report, observer: Observer
    ) -> None:
        self._ahead, self._beat, self._clock, self._report, self._observer = ahead, beat, clock, report, observer
        self._turned: dict[str, Setting] = {}  # and not yet in force
        self._next_us = 0
        self.in_force: dict[str, Setting] = {}  # for a fresh stream
        self.refused: deque[Refused] = deque(maxlen=len(BY_NAME))  # each is there before it is reported

    @property
    def waiting(self) -> bool:
        """Whether any knob is turned and not yet in force."""
        return bool(self._turned)

    @property
    def asked(self) -> dict[str, Value]:
        """What is in force of the controls, which a judgement goes by."""
        return {name: self.in_force[name].value for name in CONTROL_NAMES if name in self.in_force}

    def value(self, name: str) -> Value:
        """Returns what is in force of a parameter."""
        return self.in_force[name].value if name in self.in_force else BY_NAME[name].default

    def set(self, setting: Setting) -> None:
        """Takes a setting; the newest of a name counts."""
        self._turned[setting.name] = setting

    def apply(self, now_us: int) -> None:
        """Makes them hold where it is time: in music that plays, from what has not sounded on."""
        if self._turned and not self._ahead.playing:
            self.turn()
        elif self._turned and now_us >= self._next_us:
            self._ahead.change(lambda _: self.turn())

    def recall(self, in_force: Mapping[str, Setting]) -> None:
        """Hears that the stream is another one now, which had these in force."""
        self.in_force = dict(in_force)
        self._ahead.turn_feel(**{name: float(self.value(name)) for name in FEEL_NAMES})
        for name in ("style", "style_blend"):  # of which streams of one family share the memory
            if not self._give(self._ahead.improviser, in_force.get(name, Setting(name, BY_NAME[name].default))):
                self._ahead.improviser.set_params(Setting("style", BY_NAME["style"].default))

    def give_all(self, improviser: Improviser) -> None:
        """Tells a fresh stream what is in force. What it refuses, as a style whose file has gone, is so no longer."""
        for setting in tuple(self.in_force.values()):
            self._give(improviser, setting)

    def turn(self) -> None:
        """Makes them hold from the stream's present on."""
        if not self._turned:
            return
        turned, self._turned = self._turned, {}
        now_us = self._clock()
        self._next_us = now_us + KNOB_PERIOD_US
        for name, setting in turned.items():  # one by one: a refused one must not hold up the others
            value = setting.value
            if not self._give(self._ahead.improviser, setting):
                continue
            self.in_force[name] = setting
            self._observer.marked(now_us, f"{name} {value if isinstance(value, str) else format(value, 'g')}")
            if name in FEEL_NAMES:
                self._ahead.turn_feel(**{name: float(value)})
                if self._ahead.playing:
                    self._beat.say_if_missing()

    def _give(self, improviser: Improviser, setting: Setting) -> bool:
        """Sets a value of a stream; whether it holds. One that is refused is told as such, with what stays in force."""
        name, value = setting.name, setting.value
        try:
            improviser.set_params(setting)
        except (OscError, SidemanError) as error:
            if self.in_force.get(name) == setting:  # it was, in the stream before
                del self.in_force[name]
            self.refused.append(Refused(name, value, self.value(name)))
            text = str(error)
            self._report("error", text if text.startswith(f"{name} ") else f"{name}: {text}")
            return False
        return True
