"""Laws of osc_protocol/wire."""
