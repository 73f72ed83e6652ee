"""Kubernetes RBAC as a small, pure library: who can do what, and by which binding.

Nothing in here knows of hubs, owners or a cluster connection. The live API server is the
oracle: ``tests/e2e/test_rbac_differential.py`` puts the same questions to both.
"""
