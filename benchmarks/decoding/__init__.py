"""How fast tokens are made and sampled, by which kernel, beside whom."""
