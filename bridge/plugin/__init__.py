"""The other end of the CLAP plug-in (native/plugin): `sideman serve`, which plays for every instance that hosts load.

A connection is an instance, with a session of its own. One thread a connection reads frames and posts what they ask;
the session's own thread sends notes. docs/PLUGIN.md specifies the protocol.
"""
