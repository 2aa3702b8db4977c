"""Laws of engine/chords/files."""
