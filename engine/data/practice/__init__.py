"""Composes practice pieces: textbook piano over charts from a grammar, with exact chords and beats (docs/PRACTICE.md).

Imports chords and data/reading.
"""

from engine.data.practice.corpus import practice_piece, practice_pieces
from engine.data.practice.piece import Composition, compose
from engine.data.practice.whole import compose_whole

__all__ = ["Composition", "compose", "compose_whole", "practice_piece", "practice_pieces"]
