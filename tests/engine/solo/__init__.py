"""Laws of engine/solo."""
