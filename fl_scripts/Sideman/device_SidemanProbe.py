# name=Sideman Probe
"""Prints what this FL Studio allows a script to do, to View > Script output. It changes nothing and needs no engine."""

import sys
import time

import device
import general
import mixer
import transport
import ui

IDLE_TICKS = 100
ticks_s = []
seen = []


def say(label, probe):
    """Prints `label: result`, or what was raised instead."""
    try:
        result = probe()
    except BaseException as error:
        result = f"{type(error).__name__}: {error}"
    print("Sideman Probe:", label + ":", result)


def open_socket():
    import socket

    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    return "works"


def start_thread():
    import threading

    thread = threading.Thread(target=time.monotonic)
    thread.start()
    thread.join()
    return "works"


def read_own_file():
    with open(__file__) as source:
        return "works, first line " + source.readline().strip()


def import_of(name):
    return lambda: "imports" if __import__(name) else ""


def report():
    say("Python", lambda: sys.version)
    say("platform", lambda: sys.platform)
    say("API version", general.getVersion)
    say("FL version", ui.getVersion)
    say("device", device.getName)
    say("assigned", device.isAssigned)
    say("port number", device.getPortNumber)
    say("tempo", mixer.getCurrentTempo)
    say("playing", transport.isPlaying)
    say("__file__", lambda: __file__)
    for name in ("_struct", "struct", "json", "socket", "select", "threading", "ctypes", "logging", "random"):
        say("import " + name, import_of(name))
    say("UDP socket", open_socket)
    say("thread", start_thread)
    say("open own file", read_own_file)
    say("identity request out", lambda: device.midiOutSysex(bytes.fromhex("F07E000601F7")))  # the engine answers it
    print("Sideman Probe: now play a note, turn a knob, and wait for the idle ticks")


def OnInit(*args):
    say("OnInit", report)


def OnIdle(*args):
    if len(ticks_s) > IDLE_TICKS:
        return
    ticks_s.append(time.monotonic())
    if len(ticks_s) > IDLE_TICKS:
        gaps_ms = sorted(1000 * (after - before) for before, after in zip(ticks_s, ticks_s[1:]))  # noqa: B905, RUF007
        shown = tuple(round(gaps_ms[index], 1) for index in (0, IDLE_TICKS // 2, IDLE_TICKS - 1))
        print(f"Sideman Probe: OnIdle gaps least, median, most: {shown} ms")


def note_event(callback, event):
    """Prints the first event of each kind: which callback it came by, and with which attributes."""
    if not ticks_s and not seen:
        print("Sideman Probe: OnIdle has not come")
    kind = (callback, event.status & 0xF0)
    if kind in seen:
        return
    seen.append(kind)
    sysex = bytes(event.sysex).hex() if getattr(event, "sysex", None) else None
    more = f"midiChan {event.midiChan} port {event.port} timestamp {event.timestamp}"
    print(f"Sideman Probe: {callback} status {event.status:02X} sysex {sysex} {more}")


def OnMidiMsg(event, *args):
    try:
        note_event("OnMidiMsg", event)
    except Exception as error:
        print("Sideman Probe: OnMidiMsg:", error)


def OnSysEx(event, *args):
    try:
        note_event("OnSysEx", event)
    except Exception as error:
        print("Sideman Probe: OnSysEx:", error)
