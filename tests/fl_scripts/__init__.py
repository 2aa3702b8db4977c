"""Laws of fl_scripts."""
