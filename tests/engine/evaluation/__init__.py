"""Laws of engine/evaluation."""
