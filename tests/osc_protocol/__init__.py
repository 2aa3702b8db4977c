"""Laws of osc_protocol."""
