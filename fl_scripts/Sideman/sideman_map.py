"""Your own knobs and pads: the one table to edit. Reload the scripts afterwards, in View > Script output.

A control is ("cc", number) or ("note", number), on any MIDI channel, of an input of controller type Sideman Knobs.
What it can do: turn a parameter ("temperature", "density", "role", ...); send "play", "stop", "panic", "ending" or
what goes on to the next ("mode next", "style next", "role next", ...); set a parameter outright ("mode trade",
"style ragtime", "role comping", "density auto"); keep bars of the chart as they were heard or have them played again
("keep", "again", "again 5-8", "undo"); store and call up banks ("bank store A", "bank recall A"); write the last bars
as a MIDI file ("capture", "capture 8"); or "link": the last knob that turned nothing here then turns FL's own
last-tweaked parameter. None: what the control does by default, it does no more.

docs/osc.md lists what every controller number does without an entry here. `sideman fl install` keeps this file.
"""

CONTROLS = {
    # ("cc", 74): "temperature",
    # ("note", 36): "play",
    # ("note", 37): "stop",
    # ("note", 38): "panic",
    # ("note", 40): "mode next",
    # ("note", 41): "keep",
    # ("note", 43): "again 5-8",
    # ("note", 42): "role comping",
    # ("note", 44): "style ragtime",
    # ("note", 51): "link",
}
