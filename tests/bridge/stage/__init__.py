"""Laws of bridge/stage."""
