"""Serves the page of `sideman play --panel`: tells pages what the session is about to play, and takes what they ask.

The session, deadline and OSC threads put entries into `tap`, which never makes them wait; the panel's own thread takes
them out in `hub`; each page has a thread of its server's in `talk`. Imports recording, live and midi.
"""
