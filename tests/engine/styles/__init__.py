"""Laws of engine/styles."""
