"""Hardware knobs, buttons and pads, and FL Studio's control port: MIDI in, checked values of the table out.

Controllers and control port have a thread each; port callbacks only queue. Imports midi.
"""
