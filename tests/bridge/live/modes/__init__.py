"""Laws of bridge/live/modes."""
