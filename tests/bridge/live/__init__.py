"""Laws of bridge/live."""
