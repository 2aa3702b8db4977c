"""Time in bars: where a moment lies in its beat, where the beats of a performance are, how notes are moved on them.

Imports model (the bins of the phase).
"""
