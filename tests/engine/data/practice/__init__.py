"""Laws of engine/data/practice."""
