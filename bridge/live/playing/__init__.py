"""What every mode plays with: music kept ready ahead, the beat, the chart on it, the knobs' values.

Owned by the session thread. Imports midi alone, so that no mode can reach another through it.
"""
