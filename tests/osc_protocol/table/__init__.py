"""Laws of osc_protocol/table."""
