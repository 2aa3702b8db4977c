"""What differs between operating systems: Windows, macOS and Linux each in a file of its own, behind one face.

Nothing else in the project asks which system it runs on: `this_system()` answers whatever would be asked for. Each
system reaches the machine through arguments (its libraries, registry, environment and home folder), so that tests hand
it a machine of their own. Imports only the standard library; any thread.
"""
