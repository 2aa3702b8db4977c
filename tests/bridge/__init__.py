"""Laws of bridge."""
