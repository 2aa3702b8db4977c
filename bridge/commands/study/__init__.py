"""Subcommands around learning: read MIDI, train a base, make and measure styles.

Runs on the main thread, beside no session. Imports nothing of the bridge but its errors.
"""
