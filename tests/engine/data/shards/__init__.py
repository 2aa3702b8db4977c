"""Laws of engine/data/shards."""
