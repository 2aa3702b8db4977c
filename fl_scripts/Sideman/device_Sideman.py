# name=Sideman
# supportedDevices=Sideman Control,Sideman Control (A)
# receiveFrom=Sideman Knobs
"""Sideman inside FL Studio. Every callback goes straight to sideman_app, which lets no exception out."""

import sideman_app

app = sideman_app.App()


def OnInit(*args):
    app.guard(app.start)


def OnDeInit(*args):
    app.guard(app.stop)


def OnIdle(*args):
    app.guard(app.idle)


def OnMidiIn(event, *args):
    app.guard(app.midi_in, event)


def OnSysEx(event, *args):
    app.guard(app.sysex, event)


def OnMidiMsg(event, *args):
    app.guard(app.message, event)


def OnControlChange(event, *args):
    app.guard(app.control_change, event)


def OnNoteOn(event, *args):
    app.guard(app.note, event)


def OnNoteOff(event, *args):
    app.guard(app.note, event)


def OnRefresh(flags, *args):
    app.guard(app.refresh)


def OnUpdateBeatIndicator(value, *args):
    app.guard(app.beat, value)


def OnProjectLoad(status, *args):
    app.guard(app.project_load, status)
