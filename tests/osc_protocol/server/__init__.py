"""Laws of osc_protocol/server."""
