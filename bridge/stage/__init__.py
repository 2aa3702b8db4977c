"""What `sideman play` opens and closes: ports, threads, OSC, recordings, and the roads by which parameters come.

The main thread builds it and waits in it; OSC and controller threads enter through `remote` and `roads` and only post
commands. Imports recording, live, controllers and midi.
"""
