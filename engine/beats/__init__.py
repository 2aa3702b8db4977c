"""The beat: where a moment lies in it, where the beats of a performance are, and how notes are moved relative to it.

Imports model (the bins of the phase).
"""
