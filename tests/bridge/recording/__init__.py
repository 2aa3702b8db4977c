"""Laws of bridge/recording."""
