"""Laws of engine/inference."""
