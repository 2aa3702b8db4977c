"""Composes practice pieces: textbook piano over charts from a grammar, with exact chords and beats (docs/PRACTICE.md).

Imports chords and data/reading.
"""

from engine.data.practice.piece import Composition, compose, practice_piece, practice_pieces

__all__ = ["Composition", "compose", "practice_piece", "practice_pieces"]
