"""Prepared music on the disk: shard files, their manifest, the split by works, transpositions.

Imports no other room of data.
"""
