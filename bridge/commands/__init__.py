"""One file for each subcommand that plays or looks after playing; each is imported when it is asked for.

Runs on the main thread. May import every room of the bridge.
"""
