"""The wire: the parameter table, OSC packets, the UDP server and the SysEx frames that carry OSC into FL Studio.

Rooms, from the top: generate, oscquery, server, wire, table. Imports nothing else of ours.
"""
