"""Machines that are not there: Windows and macOS as Sideman sees them."""
