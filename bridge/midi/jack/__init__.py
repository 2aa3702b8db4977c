"""MIDI ports on JACK, in a process of their own, since rtmidi's clients of a server that died hang their process.

The process's reader and the watch run on threads of their own. Imports midi.
"""
