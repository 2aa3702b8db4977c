"""Laws of engine/inference/draw."""
