"""Laws of engine/data/report."""
