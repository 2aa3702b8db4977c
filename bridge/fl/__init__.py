"""FL Studio from outside: finds its folders, installs our script there, verifies it, writes takes for its piano roll.

Runs on the main thread of `sideman fl`. Imports recording (where the last take lies) and midi.
"""
