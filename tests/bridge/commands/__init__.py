"""Laws of bridge/commands."""
