"""Laws of osc_protocol/generate."""
