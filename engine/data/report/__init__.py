"""The report of prepared data: facts counted, pictures drawn, one page without a script.

Imports data/shards and output.
"""
