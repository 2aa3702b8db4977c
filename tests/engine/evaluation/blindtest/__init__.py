"""Laws of the blind test: what clips sound like."""
