"""Tests of the looking at versions of Kubernetes."""
