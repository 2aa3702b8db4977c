"""The engine: chords and notes in, notes out, by a model that is trained and run here. No port, no socket, no display.

Files at this level are what several rooms share. Rooms, from the top: training, evaluation, solo, data,
inference, styles, beats, model, chords, midi_io, output. May import native and the parameter table. No threads of its
own while it plays.
"""
