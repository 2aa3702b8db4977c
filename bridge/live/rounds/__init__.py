"""The bars of a chart that goes round: what was played in each, which of them come back, and banks to return to.

Owned by the session thread. Imports live/playing.
"""
