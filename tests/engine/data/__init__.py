"""Laws of engine/data."""
