"""The page of `sideman play --panel`: what the session is about to play, told to pages, and what pages ask.

The session, deadline and OSC threads put entries into `tap`, which never makes them wait; the panel's own thread takes
them out in `hub`; each page has a thread of its server's in `talk`. Imports recording, live and midi.
"""
