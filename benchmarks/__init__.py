"""Measures Outgrow beside its peers: `python -m benchmarks`, explained in docs/benchmarks.md."""
