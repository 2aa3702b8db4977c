"""Styles: low-rank adapters of the base in PEFT folders, found by name, merged when asked.

Imports model.
"""
