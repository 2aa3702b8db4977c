"""FL's own modules, with the signatures of its API stubs and the state of a fake host behind them.

Booleans are ints, transport.start() toggles, tempo comes in thousandths or plain, and a call from another thread, at an
unsafe time or past the callback's budget fails or is noted, as the host is set.
"""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.fl.host import FakeFL

UNSAFE = ("transport", "mixer", "channels", "plugins", "ui")  # modules whose calls FL refuses at unsafe times


def build(host: FakeFL) -> dict[str, types.ModuleType]:
    """Module name -> module, less what the host is set to lack."""
    modules = {name: types.ModuleType(name) for name in ("midi", *FUNCTIONS)}
    modules["midi"].__dict__.update(MIDI_CONTROLCHANGE=0xB0, MIDI_NOTEON=0x90, SONGLENGTH_ABSTICKS=2)
    for module_name, functions in FUNCTIONS.items():
        for function in functions:
            name = function.__name__
            if f"{module_name}.{name}" not in host.missing:
                setattr(modules[module_name], name, _bound(host, module_name, function))
    modules["time"] = _clock(host)
    return modules


def _bound(host: FakeFL, module_name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != host.thread_id:
            raise RuntimeError("FL's functions fail outside its main thread")
        host.note_call()
        if host.unsafe and module_name in UNSAFE:
            raise TypeError("Operation unsafe at current time")
        return function(host, *args, **kwargs)

    del call.__wrapped__  # type: ignore[attr-defined]
    return call


def _clock(host: FakeFL) -> types.ModuleType:
    module = types.ModuleType("time")

    def sleep(seconds: float) -> None:
        host.now_s += seconds  # FL's main thread stands still meanwhile
        host.violations.append(f"slept {seconds} s in {host.callback}")

    module.__dict__.update(
        monotonic=lambda: host.now_s, time=lambda: host.now_s, perf_counter=lambda: host.now_s, sleep=sleep
    )
    return module


def midiOutMsg(host: FakeFL, message: int, channel: int = -1, data1: int = -1, data2: int = -1) -> None:
    host.short_messages.append(message)


def midiOutSysex(host: FakeFL, message: bytes) -> None:
    host.take_sysex(message)


def isAssigned(host: FakeFL) -> int:
    return int(host.assigned)


def getPortNumber(host: FakeFL) -> int:
    return 10 if host.assigned else -1


def getName(host: FakeFL) -> str:
    return "Sideman Control"


def setMasterSync(host: FakeFL, value: bool) -> None:
    return None


def dispatch(host: FakeFL, ctrlIndex: int, message: int, sysex: bytes | None = None) -> None:
    host.dispatched.append((ctrlIndex, message))


def dispatchReceiverCount(host: FakeFL) -> int:
    return 1


def linkToLastTweaked(
    host: FakeFL, controlIndex: int, channel: int, global_link: bool = False, eventId: int = 2**31 - 1
) -> int:
    if not host.tweaked:
        return 1
    if (controlIndex, channel) in host.links:
        return 2
    host.links.append((controlIndex, channel))
    return 0


def processMIDICC(host: FakeFL, eventData: object) -> None:
    return None


def getVersion(host: FakeFL) -> int:
    return {"fl21": 20, "fl2024": 37, "fl2025": 40}[host.profile]


def getRecPPQ(host: FakeFL) -> int:
    return host.ppq


def safeToEdit(host: FakeFL) -> int:
    return int(not host.unsafe)


def isPlaying(host: FakeFL) -> int:
    return int(host.read("playing"))


def start(host: FakeFL) -> None:
    host.change(playing=not host.playing)  # a toggle


def stop(host: FakeFL) -> None:
    host.change(playing=False)


def getSongPos(host: FakeFL, mode: int = -1) -> float | int:
    return int(host.position_beats * host.ppq) if mode == 2 else 0.0


def getSongLength(host: FakeFL, mode: int) -> int:
    return 64 * host.ppq


def getCurrentTempo(host: FakeFL, asInt: bool = False) -> int | float:
    tempo = host.read("tempo_bpm")
    return int(tempo * 1000) if host.tempo_thousand else tempo


def midiNoteOn(host: FakeFL, indexGlobal: int, note: int, velocity: int, channel: int = -1) -> None:
    return None


def selectedChannel(host: FakeFL, canBeNone: bool = False, offset: int = 0, indexGlobal: bool = False) -> int:
    return 0


def getParamValue(
    host: FakeFL, paramIndex: int, index: int, slotIndex: int = -1, useGlobalIndex: bool = False
) -> float:
    return 0.5


def setHintMsg(host: FakeFL, msg: str) -> None:
    if not isinstance(msg, str) or not msg.isascii():
        raise TypeError("setHintMsg takes an ASCII str")
    host.hints.append(msg)


def ui_getVersion(host: FakeFL, mode: int = 4) -> str:
    return "FL Studio (fake)"


ui_getVersion.__name__ = "getVersion"

FUNCTIONS: dict[str, tuple[Callable[..., Any], ...]] = {
    "device": (
        midiOutMsg, midiOutSysex, isAssigned, getPortNumber, getName, setMasterSync, dispatch, dispatchReceiverCount,
        linkToLastTweaked, processMIDICC,
    ),
    "general": (getVersion, getRecPPQ, safeToEdit),
    "transport": (isPlaying, start, stop, getSongPos, getSongLength),
    "mixer": (getCurrentTempo,),
    "channels": (midiNoteOn, selectedChannel),
    "plugins": (getParamValue,),
    "ui": (setHintMsg, ui_getVersion),
}  # fmt: skip
