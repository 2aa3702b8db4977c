"""Laws of bridge/midi."""
