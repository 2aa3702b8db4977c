"""What moves the logits before a token is drawn: towards beat, theme and what is asked, away from an old chord.

Pure functions, and what a stream remembers for them, with twins in native/src/stream: conditions is what a stream was
told, stream_past what it has played, chain puts the others in order. Imports chords, beats, model and the vocabulary,
no other file of inference.
"""
