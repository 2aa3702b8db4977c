"""Chord charts as people type them: bars and repeats are read, played out, moved to another key, and told their groove.

Imports the symbols of engine/chords and metres. Pure functions of text.
"""
