"""Laws of bridge/live/rounds."""
