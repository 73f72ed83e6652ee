"""Tests of the demo's manifests."""
