"""What the sideman does with what it hears: follow, changes, continue, trade; and the player's keys as they read them.

Owned by the session thread. Imports live/playing and midi.
"""
