"""A stand-in for FL Studio's script host, as strict as what is known of the real one."""
