"""The second edition of the practice corpus: whole performances, with the hands, the breath and the pedal of a pianist.

Imports the practice room's files beside it and its hands.
"""

from engine.data.practice.whole.performance import compose_whole

__all__ = ["compose_whole"]
