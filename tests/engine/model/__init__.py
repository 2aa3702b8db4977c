"""Laws of engine/model."""
