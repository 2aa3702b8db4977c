"""Laws of engine/data/reading."""
