# name=Sideman Knobs
"""For the input of a knob box: hands the knobs and pads that mean something to the script that is called Sideman."""

import sideman_knobs

knobs = sideman_knobs.Knobs()


def OnInit(*args):
    knobs.guard(knobs.start)


def OnControlChange(event, *args):
    knobs.guard(knobs.control_change, event)


def OnNoteOn(event, *args):
    knobs.guard(knobs.note, event)


def OnNoteOff(event, *args):
    knobs.guard(knobs.note, event)
