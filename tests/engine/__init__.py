"""Laws of engine."""
