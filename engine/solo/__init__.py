"""A solo written over a chart: `generate`, the two hands it must have, and what goes on from a prompt.

Imports inference, styles, chords, midi_io and output.
"""
