"""Whether a model plays what it is asked: figures of solos, and a classifier that names roles, grooves and hands.

Imports data, inference and chords.
"""
