"""Records a session: the take as a MIDI file, the log, and the replay of a log.

The session and deadline threads hand entries over; a journal thread writes them, and the main thread makes the file.
Imports live and midi.
"""
