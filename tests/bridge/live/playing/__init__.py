"""Laws of bridge/live/playing."""
