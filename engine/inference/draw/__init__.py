"""What moves the logits before a token is drawn: towards the beat, away from an old chord, towards what is asked, to a theme.

Pure functions with twins in native/src/stream: conditions is what a stream was told, chain puts the others in order.
Imports chords, beats, model and the vocabulary, no other file of inference.
"""
