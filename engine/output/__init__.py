"""Makes what a person looks at or listens to: piano rolls, HTML pages, WAV files.

Imports no room of the engine.
"""
