"""Tests against a real Kubernetes control plane, which `lab` provides."""
