"""The only module that calls FL Studio. Nothing here raises.

FL refuses calls at unsafe times with TypeError, and older versions lack some functions: both give the default.
"""

import device
import general
import mixer
import transport
import ui

SONG_POSITION_TICKS = 2  # transport.getSongPos(2): absolute ticks


def ask(module, name, default, *args):
    """module.name(*args), or the default."""
    function = getattr(module, name, None)
    if function is None:
        return default
    try:
        return function(*args)
    except Exception:
        return default


def is_assigned():
    """Whether FL has given this script an output port; True where FL cannot say."""
    return bool(ask(device, "isAssigned", True))


def send_sysex(frame):
    """Sends one frame, F0 to F7; whether FL took it."""
    return ask(device, "midiOutSysex", False, frame) is not False


def show_hint(text):
    """Shows one line in FL's hint bar. FL takes ASCII alone for certain."""
    ask(ui, "setHintMsg", None, text.encode("ascii", "replace").decode("ascii"))


def is_playing():
    """Whether the song plays; None where FL cannot say just now."""
    playing = ask(transport, "isPlaying", None)
    return None if playing is None else bool(playing)


def tempo_bpm():
    """Beats per minute, or None. Most builds give thousandths, some give beats; FL's own range is 10..522."""
    tempo = ask(mixer, "getCurrentTempo", None)
    if not tempo:
        return None
    return round(tempo / 1000.0 if tempo > 1000 else float(tempo), 3)


def position_beats():
    """Song position in beats, or None."""
    ticks = ask(transport, "getSongPos", None, SONG_POSITION_TICKS)
    ticks_a_beat = ask(general, "getRecPPQ", None)
    if ticks is None or not ticks_a_beat or ticks < 0:
        return None
    return float(ticks) / ticks_a_beat


def forward(message):
    """Hands a short message, status | data1 << 8 | data2 << 16, to the scripts that receive from this one."""
    for index in range(ask(device, "dispatchReceiverCount", 0)):
        ask(device, "dispatch", None, index, message)


def link(number, channel):
    """Links a controller to FL's last-tweaked parameter: 0 done, 1 nothing tweaked, 2 taken; None: not in this FL."""
    return ask(device, "linkToLastTweaked", None, number, channel + 1)
