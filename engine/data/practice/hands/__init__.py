"""The two hands of a practice piece: voicings, comping, basses, lines and solos, all drawn from seeded dice.

Imports chords.
"""
