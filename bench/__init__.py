"""Benchmarks: run one with ``python -m bench.NAME``; every figure is measured in that run."""
