"""From folders of MIDI to shards, and from shards to the windows that training sees.

`prepare` is the way in, `windows` the way out. Rooms, from the top: practice, report, reading, shards.
"""
