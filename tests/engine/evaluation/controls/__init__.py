"""Laws of engine/evaluation/controls."""
