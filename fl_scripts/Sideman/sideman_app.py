"""What the script does: knobs, pads and transport to the engine, values and clear words back to the hint bar."""

import time

import sideman_controls as controls
import sideman_fl
import sideman_table as table
import sideman_wire as wire
from sideman_link import Link
from sideman_song import WORDS, Song
from sideman_sure import Sure

BY_NAME = controls.BY_NAME
ABSENT = "no Sideman engine: run `sideman play`"
SETTLE_S = 1.0  # after connecting, values stream in and are not worth a hint each
LOAD_S = 10.0  # the longest that a loading project holds our messages back
KNOB_TRIES = 5
REPORTS = 5  # exceptions printed in full; printing lags FL


class App:
    """One per script. start() makes it as new, for FL calls OnInit again without importing anew."""

    def __init__(self):
        self._reports = 0
        self.start_state()

    def start_state(self):
        now_s = time.monotonic()
        self.link = Link(now_s)
        self.sure = Sure(self.link, now_s)
        self.song = Song(self.link, self.sure)
        self.values = {}  # what the engine last told, by name
        self.asked = {}  # what it last told that applies, by name, where the value may be "auto"
        self._map = {}
        self._turned = {}  # what the knobs here have set, by name: a new engine is given it again
        self._run = None  # which run of the engine answers
        self._presses = 0
        self._settled_s = 0.0

    def guard(self, function, *args):
        """Runs a callback. An exception that escapes would have FL disable the script, so it is printed instead."""
        try:
            function(*args)
        except Exception as error:
            self._reports += 1
            if self._reports <= REPORTS:
                print("Sideman:", type(error).__name__, error)

    def start(self):
        self.start_state()
        self._map, complaints = controls.read_map()
        print("Sideman: init ok" + (", UDP allowed" if self.link.udp.open() else ""))
        for text in complaints:
            print("Sideman:", text)
        if not sideman_fl.is_assigned():
            print("Sideman: no output port. Give the output `Sideman Control` the port number of the input.")

    def stop(self):
        self.song.end(time.monotonic())
        self.link.udp.close()
        self.start_state()

    def idle(self):
        self.song.poll()
        self.link.idled(time.monotonic())
        self._service(idle=True)

    def midi_in(self, event):
        """OnMidiIn: all MIDI comes here first. Only the engine's ticks are ours, for an FL that never calls OnIdle."""
        if event.status != wire.TICK[0] or event.data1 != wire.TICK[1]:
            return
        event.handled = True
        if self.link.needs_ticks(time.monotonic()):
            self.song.poll()
            self._service(idle=True)

    def refresh(self):
        self.song.poll()
        self._service()

    def beat(self, value):
        """value: 0 off, 1 bar, 2 beat. Each bar tells the engine where the song is."""
        self.song.poll()
        if value == 1:
            self.song.bar()
        self._service()

    def project_load(self, status):
        """status: 0 begins, 100 done, 101 failed."""
        now_s = time.monotonic()
        self.link.hold(now_s + LOAD_S if status == 0 else None)
        self._service()

    def control_change(self, event):
        what = self._map.get((controls.CC, event.data1))
        if what is None or event.status & 0xF0 != 0xB0:
            return
        event.handled = True
        row = controls.knob(what)
        if row is not None:
            self._turn(row, event.data2)
        elif event.data2 >= controls.PRESSED:
            self._press(what)

    def note(self, event):
        """A note on or off; pads alone are ours."""
        what = self._map.get((controls.NOTE, event.data1))
        if what is None:
            return
        event.handled = True
        if event.status & 0xF0 == 0x90 and event.data2 > 0:
            self._press(what)

    def message(self, event):
        """OnMidiMsg: some builds deliver SysEx here, and no OnMidiIn."""
        if getattr(event, "sysex", None):
            self.sysex(event)
        else:
            self.midi_in(event)

    def sysex(self, event):
        message = event.sysex
        if not message or not wire.is_frame(bytes(message)):
            return
        event.handled = True
        decoded = self.link.receive(bytes(message), time.monotonic())
        if decoded is not None:
            self._reply(*decoded)
        self._service()

    def _turn(self, row, position):
        value = controls.turned(row, position)
        self._set(row[0], value)
        self._service()
        self._hint(self._words(row, value))

    def _set(self, name, value):
        row = BY_NAME[name]
        self._turned[name] = value
        self.sure.value(name, row[6], controls.tag(row, value), value, KNOB_TRIES)

    def _press(self, what):
        sent = controls.button(what)
        if sent is None:  # "link" is the knob box's own work
            return
        words, address, tags, values = sent
        self._presses += 1  # two presses in one tick are two
        key = "press " + str(self._presses)
        if address in WORDS:
            self.song.press(key, address)
        else:  # pressed twice it would do twice as much, so it is sent once, whatever becomes of it
            self.link.queue(key, address, tags, *values)
        self._service()
        self._hint(words)

    def _reply(self, address, values):
        if address == table.VALUE and len(values) == 2:
            name, value = values
            known = self.values.get(name)
            self.values[name] = value
            self.sure.value_came(name, value)
            row = BY_NAME.get(name)
            if row is not None and known != value and time.monotonic() >= self._settled_s:
                self._hint(self._words(row, value))
        elif address == table.ASKED and len(values) == 2:
            self.asked[values[0]] = values[1]
        elif address == table.PONG and values:
            if self._run is not None and values[0] != self._run:
                self._restore()
            self._run = values[0]
            self.sure.pong_came(values[1] if len(values) > 1 else None)
        elif address == table.ERROR and len(values) == 2 and not self.song.is_own(values[0]):
            for name in self.sure.refused(values[0]):
                self._turned.pop(name, None)
            self._hint("Sideman: " + str(values[1]))

    def _restore(self):
        """A new engine has begun with values of its own: it is given what the knobs here had set."""
        self.link.engine_is_new()
        self.sure.engine_is_new()
        self.song.tell_anew()
        self.link.queue("get", "/sideman/get", "s", "*")
        for name, value in list(self._turned.items()):
            self._set(name, value)

    def _service(self, idle=False):
        now_s = time.monotonic()
        for decoded in self.link.receive_udp(now_s):
            self._reply(*decoded)
        change = self.link.heartbeat(now_s)
        if change:
            self._settled_s = now_s + SETTLE_S
            self.link.queue("get", "/sideman/get", "s", "*")
            self.sure.again()
            sideman_fl.show_hint("Sideman: connected")
            print("Sideman: connected")
        elif change is False:
            sideman_fl.show_hint("Sideman: " + ABSENT)
            print("Sideman: the engine is gone")
        self.sure.resend(now_s)
        self.link.pump(now_s, idle)

    def _words(self, row, value):
        """As _words; `Density auto (0.42)` where it is known what auto stands for."""
        asked = self.asked.get(row[0], wire.AUTO)
        if value != wire.AUTO or asked == wire.AUTO:
            return _words(row, value)
        return _words(row, value) + " (" + _shown(row, asked) + ")"

    def _hint(self, text):
        sideman_fl.show_hint(text if self.link.connected else text + " - " + ABSENT)


def _words(row, value):
    """`Temperature 0.85`, `Look ahead 1000 ms`, `Mode trade`, `Density auto`."""
    unit = "" if isinstance(value, str) else row[5]
    return " ".join(part for part in (row[1], _shown(row, value), unit) if part)


def _shown(row, value):
    if isinstance(value, str) or row[2] != "f":
        return str(value)
    return f"{value:.3f}".rstrip("0").rstrip(".")
