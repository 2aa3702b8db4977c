"""Hardware knobs, buttons and pads, and FL Studio's control port: MIDI in, checked values of the table out.

Each road has a thread of its own; port callbacks only queue. Imports midi.
"""
