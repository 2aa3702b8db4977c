"""What is played and heard: chords, beats, charts, styles."""
