"""The one parameter table and what follows from a row alone: options, controller positions, twin addresses.

Pure data, no thread. The only room of osc_protocol that engine may import.
"""
