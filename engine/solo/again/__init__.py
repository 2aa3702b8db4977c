"""`sideman again`: some bars of a MIDI file played anew, everything else left as it is, to the bit.

Imports inference, data and midi_io.
"""
