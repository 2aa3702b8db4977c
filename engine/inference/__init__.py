"""Playing the network: decoders one token at a time, the token stream, and the session that plays over chords.

A session and its stream belong to one thread, whichever that is. Imports model, styles, beats and chords.
"""
