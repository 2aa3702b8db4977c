"""The live session: the inbox that any thread may fill, the rounds of the session thread, the deadline thread.

`session` belongs to the session thread, `deadline_thread` to the thread of its name; everyone else posts to `inbox`,
which stands below the rest and which modes read too. Imports live/modes, live/playing and midi.
"""
