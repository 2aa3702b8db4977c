"""Chords: the symbols people write, the chords that notes make, and the labels that data sets bring.

Here are charts and symbols, which everybody needs; `recognise`, the tracker and `transpose` are asked in their files.
"""

from engine.chords.charts.chart import Chart, ChordSpan, Section, parse_chart
from engine.chords.chord import Chord
from engine.chords.symbol import parse_chord

__all__ = ["Chart", "Chord", "ChordSpan", "Section", "parse_chart", "parse_chord"]
