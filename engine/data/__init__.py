"""Turns folders of MIDI into shards, and shards into the windows that training sees.

`prepare` writes shards, `window_sampler` and `eval_windows` read them. Rooms, from the top: practice, report, reading,
shards.
"""
