"""Laws of engine/midi_io."""
