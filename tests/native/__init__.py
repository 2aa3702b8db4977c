"""Laws of native."""
