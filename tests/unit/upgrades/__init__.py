"""Versions of Kubernetes."""
