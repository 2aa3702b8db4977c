"""Laws of engine/beats."""
