"""Laws of osc_protocol/oscquery."""
