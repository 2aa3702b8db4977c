"""Chord charts as people type them: bars and repeats are read, played out, and moved to another key.

Imports the symbols of engine/chords and metres. Pure functions of text.
"""
