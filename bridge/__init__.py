"""The program around the engine: the `sideman` command, live playing over MIDI ports, OSC in front of it.

Rooms, from the top: commands, fl, app, recording, live (live/modes, live/playing below it), controllers, midi. A room
imports rooms below it, never above. All of them may import osc_protocol, engine and native.
"""
