"""A CLAP host for tests, and what it loads."""
