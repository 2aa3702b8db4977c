"""Laws of engine/chords."""
