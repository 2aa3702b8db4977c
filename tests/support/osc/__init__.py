"""The far end of OSC in tests: an engine that only remembers, and programs under Node."""
