"""Laws of bridge/commands/study."""
