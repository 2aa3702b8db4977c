"""MIDI ports and what travels through them: bytes, clock, echo; jack/: the process that holds JACK ports.

Callbacks come on the system's threads and must return at once. Imports nothing of the bridge but its errors.
"""
