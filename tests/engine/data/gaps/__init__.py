"""Laws of engine/data/gaps."""
