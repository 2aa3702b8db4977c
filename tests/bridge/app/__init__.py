"""Laws of bridge/app."""
