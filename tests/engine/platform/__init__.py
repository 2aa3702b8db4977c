"""Laws of engine/platform."""
