"""The OSC server: a thread that reads UDP, one that runs what is due later, limits and subscribers.

Handlers are called on its threads. Imports wire and table.
"""
