"""Laws of engine/training/update."""
