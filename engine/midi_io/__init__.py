"""Standard MIDI Files in and out: files to Performances, notes and chord names to files."""

from engine.midi_io.pedal import extend_with_pedal
from engine.midi_io.read import read_performance
from engine.midi_io.signature import Signature, read_signature
from engine.midi_io.write import write_midi

__all__ = ["Signature", "extend_with_pedal", "read_performance", "read_signature", "write_midi"]
