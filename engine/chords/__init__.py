"""Chords: the symbols people write, the chords that notes make, and the labels that data sets bring."""

from engine.chords.charts.chart import Chart, ChordSpan, Section, parse_chart
from engine.chords.charts.transpose import transpose_chart
from engine.chords.chord import Chord
from engine.chords.recognise import recognise
from engine.chords.symbol import parse_chord
from engine.chords.tracker import ChordChange, ChordFollower, ChordTracker

__all__ = [
    "Chart",
    "Chord",
    "ChordChange",
    "ChordFollower",
    "ChordSpan",
    "ChordTracker",
    "Section",
    "parse_chart",
    "parse_chord",
    "recognise",
    "transpose_chart",
]
