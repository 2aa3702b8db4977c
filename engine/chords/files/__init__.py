"""Chords as files hold them: NAME.chords, the labels of data sets, the texts of MIDI files.

Imports chords and midi_io.
"""
