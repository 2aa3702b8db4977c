"""Laws of engine/output."""
