"""Measurements. Run from the root, `python -m benchmarks.live.bench_live`; each prints a table, then one JSON line."""
