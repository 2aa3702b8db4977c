"""Laws of bridge/fl."""
