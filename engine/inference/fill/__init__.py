"""Bars played again between bars that stay: candidates drawn from forks of a stream, weighed by what they lead to.

A fill and its forks belong to the thread of the session they are made for. Imports inference and model.
"""
