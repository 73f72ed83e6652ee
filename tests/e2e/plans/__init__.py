"""Plans on a real cluster: made, applied, interrupted, taken back, and asked about."""
