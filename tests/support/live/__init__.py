"""Sessions to test: doubles, the virtual world, real processes and ports, a JACK server."""
