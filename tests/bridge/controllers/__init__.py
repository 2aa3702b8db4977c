"""Laws of bridge/controllers."""
