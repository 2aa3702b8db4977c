"""Reads one MIDI file after another into entries: chords, beats, works, in processes that may crash or hang.

Runs in worker processes, or on a Dask cluster. Imports data/shards, and midi_io, chords and beats of the engine.
"""
