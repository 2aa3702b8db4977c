"""Chord charts as people type them: read and played out, moved to another key, told their groove and what comes again.

Imports the symbols of engine/chords and metres. Pure functions of text.
"""
