"""Kubernetes I/O against a fake API server."""
