"""Packets: OSC and its small form for FL Studio, SysEx frames around it, replies, a client.

Pure functions but for the client. Imports table.
"""
