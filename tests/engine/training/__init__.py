"""Laws of engine/training."""
