"""How plug-ins find the engine, and start it: files beside Sideman's data that this user alone can read.

`serve` is the engine's address, `serve.start` says how it is started, `serve.lock` is held by the one that runs, and
`serve.log` has what it said.
"""
