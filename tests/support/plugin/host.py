"""A CLAP host: loads the plug-in, keeps a song's time, hands it blocks, and keeps what it plays.

Its song has a tempo that may ramp, a loop, and jumps; frames are counted from the host's start, and every note that
comes out is kept with its frame and with the song's beat there. process() is called on the caller's thread.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from ctypes import POINTER, byref, cast, pointer
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.plugin import clap_abi as abi

__all__ = ["ClapHost", "Library", "Played"]

SILENT = 0.0


class Played(NamedTuple):
    """What came out of the plug-in. frame: counted from the host's start; beat: of the song there."""

    frame: int
    beat: float
    status: int
    pitch: int
    velocity: float


class Library:
    """The plug-in's file, loaded."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        self.entry = abi.Entry.in_dll(self._library, "clap_entry")
        assert self.entry.init(str(path).encode())
        self.factory = cast(self.entry.get_factory(b"clap.plugin-factory"), POINTER(abi.Factory)).contents

    def descriptor(self) -> abi.Descriptor:
        found: abi.Descriptor = self.factory.get_plugin_descriptor(byref(self.factory), 0).contents
        return found


@dataclass
class ClapHost:
    """One host with one instance. events: what goes in with the next block, (frame in the block, structure)."""

    library: Library
    rate: float = 48_000.0
    tempo_bpm: float = 120.0
    tempo_per_s: float = 0.0  # by how much it grows in a second while playing
    playing: bool = False
    beat: float = 0.0  # of the song, quarters
    loop: tuple[float, float] | None = None
    metre: tuple[int, int] = (4, 4)
    played: list[Played] = field(default_factory=list)
    gestures: list[tuple[int, int, float]] = field(default_factory=list)  # (type, parameter, value)
    frame: int = 0
    callbacks: int = 0
    rescans: int = 0
    dirty: int = 0
    room: int = 1_000_000  # events that a block takes from the plug-in; more are refused
    on_news: Callable[[], None] = lambda: None  # where the plug-in asks for the main thread; on the plug-in's own

    def __post_init__(self) -> None:
        self._kept: list[Any] = []
        self._waiting: list[tuple[int, Any]] = []
        self._host = abi.Host(
            abi.Version(1, 2, 0), None, b"test host", b"", b"", b"1",
            self._type(abi.Host, "get_extension")(self._extension),
            self._type(abi.Host, "request_restart")(lambda host: None),
            self._type(abi.Host, "request_process")(lambda host: None),
            self._type(abi.Host, "request_callback")(self._callback),
        )  # fmt: skip
        made = self.library.factory.create_plugin(byref(self.library.factory), byref(self._host), b"sideman.sideman")
        assert made
        self.plugin = made
        assert self.call("init")
        self.params = self.extension("clap.params", abi.Params)
        self.ids: dict[str, int] = {}
        self.infos: dict[str, abi.ParamInfo] = {}
        for index in range(self.params.count(self.plugin)):
            info = abi.ParamInfo()
            assert self.params.get_info(self.plugin, index, byref(info))
            self.ids[info.name.decode()] = info.id
            self.infos[info.name.decode()] = info

    def call(self, name: str, *arguments: Any) -> Any:
        return getattr(self.plugin.contents, name)(self.plugin, *arguments)

    def extension(self, name: str, kind: Any) -> Any:
        found = self.call("get_extension", name.encode())
        assert found, name
        return cast(found, POINTER(kind)).contents

    # ---- life ----

    def activate(self, most_frames: int = 8192) -> None:
        assert self.call("activate", self.rate, 0, most_frames)
        assert self.call("start_processing")

    def deactivate(self) -> None:
        self.call("stop_processing")
        self.call("deactivate")

    def destroy(self) -> None:
        self.call("destroy")

    def set_offline(self, offline: bool) -> None:
        assert self.extension("clap.render", abi.Render).set(self.plugin, int(offline))

    # ---- what goes in ----

    def press(self, *pitches: int, at: int = 0) -> None:
        for pitch in pitches:
            self.send(at, abi.Note(self._header(abi.Note, abi.NOTE_ON, at), -1, 0, 0, pitch, 0.7))

    def release(self, *pitches: int, at: int = 0) -> None:
        for pitch in pitches:
            self.send(at, abi.Note(self._header(abi.Note, abi.NOTE_OFF, at), -1, 0, 0, pitch, 0.0))

    def midi(self, *data: int, at: int = 0) -> None:
        self.send(at, abi.Midi(self._header(abi.Midi, abi.MIDI, at), 0, (ctypes.c_uint8 * 3)(*data)))

    def turn(self, name: str, value: float, at: int = 0, *, modulate: bool = False) -> None:
        kind = abi.PARAM_MOD if modulate else abi.PARAM_VALUE
        self.send(at, abi.Param(self._header(abi.Param, kind, at), self.ids[name], None, -1, -1, -1, -1, value))

    def send(self, at: int, event: Any) -> None:
        self._waiting.append((at, event))

    # ---- time ----

    def run(self, seconds: float, block: int = 512) -> None:
        """Processes blocks for so long, faster than time passes."""
        for _ in range(round(seconds * self.rate / block)):
            self.process(block)

    def play(self, seconds: float, block: int = 512) -> None:
        """Processes blocks as they are due, and runs the main thread's callbacks in between."""
        began, frames = time.monotonic(), 0
        while frames < seconds * self.rate:
            self.process(block)
            self.pump()
            frames += block
            time.sleep(max(0.0, began + frames / self.rate - time.monotonic()))

    def process(self, frames: int) -> int:
        """Hands the plug-in one block; a loop's end and the ramp are told within it, where they fall."""
        transports = self._transports(frames)
        events = sorted([*self._waiting, *transports[1:]], key=lambda event: event[0])
        self._waiting = []
        start, stretches = self.frame, [(at, self._beat_of(event)) for at, event in transports]
        room = self.room

        def size(list_: Any) -> int:
            return len(events)

        def get(list_: Any, index: int) -> int:
            return ctypes.addressof(events[index][1])

        def push(list_: Any, header: Any) -> bool:
            nonlocal room
            if room == 0:
                return False
            room -= 1
            self._take(header, start, stretches)
            return True

        in_events = abi.InputEvents(None, self._type(abi.InputEvents, "size")(size),
                                    self._type(abi.InputEvents, "get")(get))  # fmt: skip
        out_events = abi.OutputEvents(None, self._type(abi.OutputEvents, "try_push")(push))
        channels = [(ctypes.c_float * max(frames, 1))(*[1.0] * max(frames, 1)) for _ in range(2)]
        rows = (POINTER(ctypes.c_float) * 2)(*(cast(channel, POINTER(ctypes.c_float)) for channel in channels))
        audio = abi.AudioBuffer(rows, None, 2, 0, 0)
        block = abi.Process(
            -1, frames, pointer(transports[0][1]), None, pointer(audio), 0, 1, pointer(in_events), pointer(out_events)
        )
        done = int(self.call("process", byref(block)))
        assert not any(any(channel[:frames]) for channel in channels), "the output is silence"
        self.frame += frames
        return done

    def pump(self) -> None:
        """Runs the main thread's callback where it was asked for."""
        if self.callbacks:
            self.callbacks = 0
            self.call("on_main_thread")

    def flush(self) -> None:
        """Hands over the parameters that wait, while nothing is processed."""
        events = [event for _, event in self._waiting]
        self._waiting = []
        in_events = abi.InputEvents(None, self._type(abi.InputEvents, "size")(lambda list_: len(events)),
                                    self._type(abi.InputEvents, "get")(
                                        lambda list_, index: ctypes.addressof(events[index])))  # fmt: skip
        out_events = abi.OutputEvents(
            None, self._type(abi.OutputEvents, "try_push")(lambda list_, header: self._take(header, self.frame, []))
        )
        self.params.flush(self.plugin, byref(in_events), byref(out_events))

    def value(self, name: str) -> float:
        value = ctypes.c_double()
        assert self.params.get_value(self.plugin, self.ids[name], byref(value))
        return value.value

    def text(self, name: str, value: float | None = None) -> str:
        text = ctypes.create_string_buffer(256)
        asked = self.value(name) if value is None else value
        assert self.params.value_to_text(self.plugin, self.ids[name], asked, text, 256)
        return text.value.decode()

    # ---- projects ----

    def save(self, most: int = 7) -> bytes:
        """most: bytes that the stream takes at a time."""
        kept = bytearray()

        def write(stream: Any, data: int, size: int) -> int:
            kept.extend(ctypes.string_at(data, min(size, most)))
            return min(size, most)

        stream = abi.OutStream(None, self._type(abi.OutStream, "write")(write))
        assert self.extension("clap.state", abi.State).save(self.plugin, byref(stream))
        return bytes(kept)

    def load(self, data: bytes, most: int = 7) -> bool:
        rest = bytearray(data)

        def read(stream: Any, buffer: int, size: int) -> int:
            count = min(size, most, len(rest))
            ctypes.memmove(buffer, bytes(rest[:count]), count)
            del rest[:count]
            return count

        stream = abi.InStream(None, self._type(abi.InStream, "read")(read))
        return bool(self.extension("clap.state", abi.State).load(self.plugin, byref(stream)))

    # ---- accounts ----

    def onsets(self) -> list[Played]:
        return [event for event in self.played if event.status == 0x90]

    def sounding(self) -> set[int]:
        """Returns pitches struck and not ended. Fails for an end of what is silent, or a strike of what sounds."""
        keys: set[int] = set()
        for event in self.played:
            if event.status == 0x90:
                assert event.pitch not in keys, event
                keys.add(event.pitch)
            elif event.status == 0x80:
                assert event.pitch in keys, event
                keys.discard(event.pitch)
        return keys

    # ---- inside ----

    def _transports(self, frames: int) -> list[tuple[int, Any]]:
        """(frame, transport) of each stretch of the block; the song goes on to its end."""
        stretches, at = [], 0
        while True:
            stretches.append((at, self._transport(at)))
            if not self.playing:
                return stretches
            per_frame = self.tempo_bpm / 60.0 / self.rate
            left = frames - at
            if self.loop is not None and self.beat < self.loop[1]:
                to_end = max(1, round((self.loop[1] - self.beat) / per_frame))
                if to_end < left:
                    self.beat, at = self.loop[0], at + to_end
                    continue
                if to_end == left:
                    self.beat = self.loop[0]
                    return stretches
            growth = self.tempo_per_s / self.rate
            self.beat += (self.tempo_bpm * left + growth * left * (left - 1) / 2) / (60.0 * self.rate)
            self.tempo_bpm += growth * left
            return stretches

    def _transport(self, at: int) -> abi.Transport:
        flags = abi.HAS_TEMPO | abi.HAS_BEATS | abi.HAS_METRE
        flags |= abi.IS_PLAYING if self.playing else 0
        flags |= abi.IS_LOOPING if self.loop is not None else 0
        start, end = self.loop or (0.0, 0.0)
        growth = self.tempo_per_s / self.rate if self.playing else 0.0
        return abi.Transport(
            self._header(abi.Transport, abi.TRANSPORT, at), flags, round(self.beat * abi.BEAT), 0, self.tempo_bpm,
            growth, round(start * abi.BEAT), round(end * abi.BEAT), 0, 0, 0, 0, *self.metre,
        )  # fmt: skip

    def _beat_of(self, transport: Any) -> tuple[float, float, float]:
        playing = transport.flags & abi.IS_PLAYING
        return transport.song_pos_beats / abi.BEAT, transport.tempo if playing else 0.0, transport.tempo_inc

    def _take(self, header: Any, start: int, stretches: Sequence[tuple[int, tuple[float, float, float]]]) -> bool:
        event = header.contents
        if event.type in (abi.NOTE_ON, abi.NOTE_OFF):
            note = cast(header, POINTER(abi.Note)).contents
            at, (beat, tempo, growth) = [stretch for stretch in stretches if stretch[0] <= event.time][-1]
            n = event.time - at
            beat += (tempo * n + growth * n * (n - 1) / 2) / (60.0 * self.rate)
            status = 0x90 if event.type == abi.NOTE_ON else 0x80
            self.played.append(Played(start + event.time, beat, status, note.key, note.velocity))
        elif event.type == abi.MIDI:
            data = cast(header, POINTER(abi.Midi)).contents.data
            if data[0] & 0xE0 == 0x80:
                self.played.append(Played(start + event.time, 0.0, data[0] & 0xF0, data[1], data[2] / 127))
        elif event.type == abi.PARAM_VALUE:
            change = cast(header, POINTER(abi.Param)).contents
            self.gestures.append((event.type, change.param_id, change.value))
        else:
            self.gestures.append((event.type, cast(header, POINTER(abi.Gesture)).contents.param_id, SILENT))
        return True

    def _header(self, kind: Any, event_type: int, at: int) -> abi.Header:
        return abi.Header(ctypes.sizeof(kind), at, 0, event_type, 0)

    @staticmethod
    def _type(structure: Any, name: str) -> Any:
        return dict(structure._fields_)[name]

    def _callback(self, host: Any) -> None:
        self.callbacks += 1
        self.on_news()

    def _extension(self, host: Any, name: bytes) -> int | None:
        if name == b"clap.state":
            return self._table(ctypes.CFUNCTYPE(None, POINTER(abi.Host))(self._mark_dirty))
        if name == b"clap.params":
            kind = ctypes.CFUNCTYPE(None, POINTER(abi.Host), ctypes.c_uint32)
            return self._table(kind(self._rescan), kind(lambda host, flags: None), kind(lambda host, flags: None))
        return None

    def _table(self, *functions: Any) -> int:
        table = (ctypes.c_void_p * len(functions))(*(cast(function, ctypes.c_void_p) for function in functions))
        self._kept += [functions, table]
        return ctypes.addressof(table)

    def _mark_dirty(self, host: Any) -> None:
        self.dirty += 1

    def _rescan(self, host: Any, flags: int) -> None:
        self.rescans += 1
