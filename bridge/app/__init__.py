"""What `sideman play` opens and closes: ports, threads, OSC, recordings, and the surfaces that parameters come from.

The main thread builds it and waits in it; OSC and controller threads enter through `remote` and `surfaces` and only
post commands. Imports recording, live, controllers and midi.
"""
